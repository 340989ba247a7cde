/** Which files there are: patterns of absolute paths, walked anew at each look. */
import { readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '#kit/contract/parameters.ts';

type Segment = string | NameMatcher | typeof ANY_DEPTH;
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

/**
 * Take an operator's pattern apart, of a path or of a name.
 * @param parameter where it was given, for the error
 * @param parse what takes it apart
 * @throws {ConfigurationError} when it is none, such as `[z-a]`
 */
export function compileGlob<T>(parameter: string, pattern: string, parse: (pattern: string) => T): T {
  try {
    return parse(pattern);
  } catch {
    const message = `${parameter}: ${JSON.stringify(pattern)} has a set of characters that is none; accepted is one such as [a-z]`;
    throw new ConfigurationError([{ parameter, reason: 'malformed', message }]);
  }
}

/** Whether a pattern names a path; `/logs/**` names all below. The time grows with the product of both lengths at most. */
export function matchesPath({ root, segments }: Glob, path: string): boolean {
  const prefix = root === '/' ? '/' : `${root}/`;
  if (!path.startsWith(prefix)) return false;
  /** How many segments may be matched by now; `**` also by nothing. */
  const reached = (from: Iterable<number>): Set<number> => {
    const places = new Set(from);
    for (const place of places) if (segments[place] === ANY_DEPTH) places.add(place + 1);
    return places;
  };
  let places = reached([0]);
  for (const name of path.slice(prefix.length).split('/')) {
    const next: number[] = [];
    for (const place of places) {
      const segment = segments[place];
      if (segment === undefined) continue;
      if (segment === ANY_DEPTH) {
        if (!name.startsWith('.')) next.push(place);
      } else if (typeof segment === 'string' ? segment === name : segment.test(name)) next.push(place + 1);
    }
    places = reached(next);
  }
  return places.has(segments.length);
}

/** Tells whether a name matches. */
export interface NameMatcher {
  readonly test: (name: string) => boolean;
}

/**
 * A pattern of one name; a leading dot is matched by a dot alone, as in a shell. Applications choose
 * names, so a pattern of many stars must not take exponential time, as it would as a regular expression.
 */
export function nameMatcher(pattern: string): NameMatcher {
  const parts = (pattern.match(/\[[!^]?[^\]]+\]|[\s\S]/g) ?? []).map(toPart);
  const dotted = pattern.startsWith('.');
  return { test: (name) => (dotted || !name.startsWith('.')) && matches(parts, name) };
}

const STAR = Symbol('*');
type Part = typeof STAR | ((character: string) => boolean);

function toPart(text: string): Part {
  if (text === '*') return STAR;
  if (text === '?') return () => true;
  if (text.length === 1) return (character) => character === text;
  const set = new RegExp(`^[${text.slice(1, -1).replace(/^!/, '^').replace(/[\\[]/g, '\\$&')}]$`, 's');
  return (character) => set.test(character);
}

/** Whether parts match a name: on failure only the last star takes one character more. */
function matches(parts: readonly Part[], name: string): boolean {
  let part = 0;
  let at = 0;
  let retry: { part: number; at: number } | undefined;
  while (at < name.length) {
    const wanted = parts[part];
    if (wanted === STAR) {
      part += 1;
      retry = { part, at };
    } else if (wanted?.(name[at]!)) {
      part += 1;
      at += 1;
    } else if (retry !== undefined) {
      retry.at += 1;
      ({ part, at } = retry);
    } else return false;
  }
  return parts.slice(part).every((left) => left === STAR);
}

/**
 * All paths that match.
 * @param globs as parsed
 * @param exclude names that are left out
 * @param unreadable told of each directory that is there and cannot be listed
 * @param before told of each directory that is about to be listed
 * @param excluded told of each path that matches and is left out
 * @returns paths, sorted, each once
 */
export function listFiles(
  globs: readonly Glob[],
  exclude: readonly NameMatcher[],
  unreadable: (directory: string, code: string) => void,
  before: (directory: string) => void = () => {},
  excluded: (path: string) => void = () => {},
): string[] {
  const take = (path: string, name: string): void => {
    if (exclude.some((each) => each.test(name))) excluded(path);
    else found.add(path);
  };
  const found = new Set<string>();
  const walk = (directory: string, [segment, ...rest]: readonly Segment[]): void => {
    if (segment === undefined) return;
    if (typeof segment === 'string') {
      if (rest.length > 0) walk(join(directory, segment), rest);
      else take(join(directory, segment), segment);
      return;
    }
    before(directory);
    for (const entry of entriesOf(directory, unreadable)) {
      const path = join(directory, entry.name);
      if (segment === ANY_DEPTH) {
        // Links to directories are not followed: a loop of them would never end.
        if (entry.isDirectory() && !entry.name.startsWith('.')) walk(path, [segment, ...rest]);
      } else if (segment.test(entry.name)) {
        if (rest.length > 0) walk(path, rest);
        else if (!entry.isDirectory()) take(path, entry.name);
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
