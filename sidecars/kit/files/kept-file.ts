/** A file that a former run left. Whatever lies in its place takes no more memory than what was written there. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** Enough for keys, certificates, journals and lists of servers, in bytes. */
export const SMALL = 1024 * 1024;

/** No file of ours: longer than any, or a directory. */
export class UnusableFile extends Error {}

/**
 * Read a file that this program writes.
 * @param most longer ones are not read, in bytes: a container would end for its memory at every start
 * @returns undefined where there is none
 * @throws {UnusableFile} and the file system's errors
 */
export function readKept(path: string, most = SMALL): Buffer | undefined {
  let file: number;
  try {
    // Not blocking: a pipe in its place is no file, and nobody writes into it.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new UnusableFile(`${path} is not a file`);
    if (found.size > most) throw new UnusableFile(`${path} has ${found.size} bytes; at most ${most} are written there`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}
