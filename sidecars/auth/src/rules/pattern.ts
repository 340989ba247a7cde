/** Patterns of paths: `*` matches within a segment, `**` across them. */

/** A pattern as a regular expression without nested repetition. */
export function patternOf(glob: string): RegExp {
  const source = glob
    .split(/(\*\*|\*)/)
    .map((part) =>
      part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`),
    )
    .join('');
  // `/admin/**` is about /admin, too.
  return new RegExp(`^${source.endsWith('/.*') ? `${source.slice(0, -3)}(?:/.*)?` : source}$`, 's');
}

/**
 * Whether everything that a pattern matches is matched by another.
 * @returns true only where it is certain: both are read as a beginning with or without a `**` at the end
 */
export function covers(wide: string, narrow: string): boolean {
  if (wide === narrow || wide === '/**') return true;
  if (!wide.endsWith('/**')) return !narrow.includes('*') && patternOf(wide).test(narrow);
  const head = wide.slice(0, -3);
  if (!head.includes('*')) return narrow === head || narrow.startsWith(`${head}/`);
  return !narrow.includes('*') && patternOf(wide).test(narrow);
}
