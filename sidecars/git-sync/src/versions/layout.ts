/** Where things are below the root. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';

export interface Layout {
  readonly root: string;
  /** Where the live version is published. */
  readonly link: string;
  /** The repository's objects. */
  readonly repository: string;
  /** Objects of submodules. */
  readonly modules: string;
  /** A directory a version, named by its commit. */
  readonly versions: string;
  /**
   * Where a version's directory may be: among the others, or, when it is made anew while its former self
   * is served, in the second place. Either way the last part of its path is the commit.
   */
  readonly places: readonly [string, string];
  /** Indexes and records of versions, by commit. */
  readonly records: string;
  readonly state: string;
}

/**
 * Lay out a root.
 * @param root absolute
 * @param link absolute, or relative to the root
 * @throws {Error} when the link would stand where we keep our own things
 */
export function layOut(root: string, link: string): Layout {
  const published = resolve(root, link);
  const own = ['.git', '.gitsync', '.worktrees'].map((name) => join(resolve(root), name));
  if (!relative(published, resolve(root)).startsWith('..')) {
    throw new Error('is the root, or holds it');
  }
  if (own.some((path) => published === path || published.startsWith(path + sep))) {
    throw new Error('is where the sidecar keeps its own files');
  }
  return {
    root: resolve(root),
    link: published,
    repository: join(root, '.git'),
    modules: join(root, '.gitsync/modules'),
    versions: join(root, '.worktrees'),
    places: [join(root, '.worktrees'), join(root, '.worktrees', AGAIN)],
    records: join(root, '.gitsync/versions'),
    state: join(root, '.gitsync/state.json'),
  };
}

/** Versions that were made anew. */
const AGAIN = '.again';

/** Begins names of directories on their way out. */
const GONE = '.gone-';

/** Where a directory is put that shall be removed. */
export const gone = (path: string): string => join(path, '..', `${GONE}${basename(path)}-${process.hrtime.bigint()}`);
export const isGone = (name: string): boolean => name.startsWith(GONE);

/** What is in a place; the second one is made when it is needed. */
export const namesIn = (place: string): string[] => (existsSync(place) ? readdirSync(place) : []);

/** A directory of versions may hold the other one. */
export const isPlace = (name: string): boolean => name === AGAIN;
