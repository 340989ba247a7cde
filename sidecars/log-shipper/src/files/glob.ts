/** Which files there are: patterns of absolute paths, walked anew at each look. */
import { readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

type Segment = string | RegExp | typeof ANY_DEPTH;
const ANY_DEPTH = Symbol('**');

/** A pattern, taken apart once. */
export interface Glob {
  /** The directory that holds all that it can match: everything before its first wildcard. */
  readonly root: string;
  readonly segments: readonly Segment[];
}

/**
 * Take a pattern apart.
 * @param pattern an absolute path; `*` and `?` match within a name, `[a-z]` one character, `**` alone
 * between slashes any number of directories
 */
export function parseGlob(pattern: string): Glob {
  const parts = pattern.split('/').filter((part) => part !== '');
  const first = parts.findIndex((part) => /[*?[]/.test(part));
  const fixed = parts.slice(0, first === -1 ? parts.length - 1 : first);
  const segments = parts
    .slice(fixed.length)
    .map((part): Segment => (part === '**' ? ANY_DEPTH : /[*?[]/.test(part) ? nameMatcher(part) : part));
  return { root: `/${fixed.join('/')}`, segments };
}

/** A pattern of one name as a regular expression; a leading dot is matched by a dot alone, as in a shell. */
export function nameMatcher(pattern: string): RegExp {
  // Runs of stars mean one star; one star after another would take exponential time.
  const source = pattern
    .replace(/\*+/g, '*')
    .replace(/\[([!^]?)([^\]]+)\]|[\s\S]/g, (whole, not: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\^[]/g, '\\$&')}]`;
      if (whole === '*') return '[^/]*';
      if (whole === '?') return '[^/]';
      return whole.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    });
  return new RegExp(`^${/^[*?[]/.test(pattern) ? '(?!\\.)' : ''}${source}$`, 's');
}

/**
 * All paths that match.
 * @param globs as parsed
 * @param exclude names that are left out
 * @param unreadable told of each directory that is there and cannot be listed
 * @returns paths, sorted, each once
 */
export function listFiles(
  globs: readonly Glob[],
  exclude: readonly RegExp[],
  unreadable: (directory: string, code: string) => void,
): string[] {
  const found = new Set<string>();
  const walk = (directory: string, [segment, ...rest]: readonly Segment[]): void => {
    if (segment === undefined) return;
    if (typeof segment === 'string') {
      if (rest.length > 0) walk(join(directory, segment), rest);
      else if (!exclude.some((each) => each.test(segment))) found.add(join(directory, segment));
      return;
    }
    for (const entry of entriesOf(directory, unreadable)) {
      const path = join(directory, entry.name);
      if (segment === ANY_DEPTH) {
        // Links to directories are not followed: a loop of them would never end.
        if (entry.isDirectory() && !entry.name.startsWith('.')) walk(path, [segment, ...rest]);
      } else if (segment.test(entry.name)) {
        if (rest.length > 0) walk(path, rest);
        else if (!entry.isDirectory() && !exclude.some((each) => each.test(entry.name))) found.add(path);
      }
    }
    if (segment === ANY_DEPTH) walk(directory, rest);
  };
  for (const { root, segments } of globs) walk(root, segments);
  return [...found].toSorted();
}

function entriesOf(directory: string, unreadable: (directory: string, code: string) => void): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') unreadable(directory, code);
    return [];
  }
}
