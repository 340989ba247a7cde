/** State on disk that cannot be used: it is kept under another name, so that a program starts without it. */
import { lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Damaged copies that are kept of each file: one that is damaged at each start does not fill the disk. */
const KEPT = 3;

/**
 * Rename a damaged file to `PATH.damaged-TIME`, beside where it was, so that a person can look at it or restore it. Of
 * those of before the oldest are removed.
 * @param now in milliseconds since the epoch
 * @returns the new path
 * @throws the file system's error; of a mount, which cannot be renamed, one that says what to do
 */
export function setAside(path: string, now = Date.now()): string {
  const mark = `${path}.damaged-`;
  const aside = `${mark}${new Date(now).toISOString().replaceAll(/[-:]/g, '')}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    throw new Error(`${path} is a mount by itself: mount the directory above it, and nothing in its place`, {
      cause: error,
    });
  }
  const all = readdirSync(dirname(path)).filter((name) => name.startsWith(basename(mark)));
  for (const name of all.toSorted().slice(0, -KEPT))
    rmSync(join(dirname(path), name), { recursive: true, force: true });
  return aside;
}

/**
 * Set a directory aside that lies where a file of ours is to be: left by a bind mount whose file was missing, or come
 * from a backup.
 * @returns its new path; undefined where there is none
 * @throws the file system's error
 */
export const setAsideDirectory = (path: string): string | undefined =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? setAside(path) : undefined;
