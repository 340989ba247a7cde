/** State on disk that cannot be used: it is kept under another name, so that a program starts without it. */
import { renameSync } from 'node:fs';

/**
 * Rename a damaged file to `PATH.damaged-TIME`, beside where it was, so that a person can look at it or restore it.
 * @param now in milliseconds since the epoch
 * @returns the new path
 * @throws the file system's error
 */
export function setAside(path: string, now = Date.now()): string {
  const aside = `${path}.damaged-${new Date(now).toISOString().replaceAll(/[-:]/g, '')}`;
  renameSync(path, aside);
  return aside;
}
