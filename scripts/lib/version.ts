/**
 * Takes the numbers at the start of a version as programs print it: `v2.26.1-4+b2` → [2, 26, 1].
 * What follows the dotted numbers (pre-release, distribution revision) does not take part.
 * Returns undefined when the text holds no version.
 */
export function parseVersion(text: string): number[] | undefined {
  const found = /(?:^|[^\d.])v?(\d+(?:\.\d+)*)/.exec(text);
  return found?.[1]?.split('.').map(Number);
}

/**
 * Orders two versions by their dotted numbers; a missing part counts as 0 (2.24 equals 2.24.0).
 * Negative when `a` is older, 0 when equal, positive when newer. Text without a version is older
 * than any version.
 */
export function compareVersions(a: string, b: string): number {
  const left = parseVersion(a);
  const right = parseVersion(b);
  if (!left || !right) return (left ? 1 : 0) - (right ? 1 : 0);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** True when `version` is there and at least `wanted`. */
export function atLeast(version: string | undefined, wanted: string): boolean {
  return version !== undefined && compareVersions(version, wanted) >= 0;
}
