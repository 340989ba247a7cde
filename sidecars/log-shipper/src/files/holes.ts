/**
 * NUL bytes that nobody wrote. A writer that keeps its place when its file is truncated (one that does
 * not open it for appending) leaves a hole before its next line; space that was allocated ahead lies
 * behind the last one.
 */
import { readAt } from './content.ts';

const zeros = Buffer.alloc(64 * 1024);
const scratch = Buffer.allocUnsafe(zeros.length);

/**
 * Where a file's first byte is that is not NUL.
 * @param from where to begin to look
 * @returns undefined when nothing but NUL follows
 */
export function firstData(fd: number, from: number): number | undefined {
  for (let position = from; ; position += zeros.length) {
    const count = readAt(fd, scratch, position);
    if (count === 0) return undefined;
    if (scratch.compare(zeros, 0, count, 0, count) === 0) continue;
    let at = 0;
    while (scratch[at] === 0) at++;
    return position + at;
  }
}
