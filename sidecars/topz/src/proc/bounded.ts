/** Reading files that somebody else made, or that may be long: never more than a bound, never a wait. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const PIECE = 32 * 1024;

/**
 * Read the beginning of a file.
 * @param path a file; a pipe, a device or a symbolic link is refused, so that nothing makes us wait or leads elsewhere
 * @param limit most bytes
 * @returns undefined when it is no plain file
 * @throws as node:fs does
 */
export function readBounded(path: string, limit: number): Buffer | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(file).isFile()) return undefined;
    const pieces: Buffer[] = [];
    let length = 0;
    // Files of /proc come a page at a time.
    for (;;) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE, limit - length));
      const got = readSync(file, piece, 0, piece.length, null);
      if (got === 0) return Buffer.concat(pieces);
      pieces.push(piece.subarray(0, got));
      length += got;
    }
  } finally {
    closeSync(file);
  }
}
