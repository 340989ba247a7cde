/** Reading /proc: many small files, again and again, into one buffer and without garbage. */
import { closeSync, openSync, readSync } from 'node:fs';

/** The process, or the whole file, is not there (any more). */
export const GONE = -1;
/** The kernel does not let this user read it. */
export const DENIED = -2;

/** What one file may hold at most; longer ones are cut. A command line's usual limit is 128 KiB. */
const CAPACITY = 128 * 1024;

export class ProcReader {
  /** What the last `read` read; only valid until the next one. */
  readonly buffer = Buffer.allocUnsafe(CAPACITY);

  /**
   * Read a file that the kernel hands out in one piece.
   * @returns how many bytes of `buffer` it filled, or GONE or DENIED
   */
  read(path: string): number {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      return why(error);
    }
    try {
      return this.readOpen(file);
    } finally {
      closeSync(file);
    }
  }

  /**
   * Read a file that is open, from its beginning: it says anew what holds now.
   * @returns as `read`; GONE, too, when another process has got the id
   */
  readOpen(file: number): number {
    try {
      return readSync(file, this.buffer, 0, CAPACITY, 0);
    } catch (error) {
      // A process that has ended answers ESRCH.
      return why(error);
    }
  }
}

/** GONE or DENIED for what reading threw; anything else a process cannot cause, and is thrown on. */
export function why(error: unknown): typeof GONE | typeof DENIED {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return DENIED;
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR' || code === 'EINVAL' || code === 'EIO') return GONE;
  throw error;
}
