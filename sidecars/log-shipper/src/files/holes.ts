/**
 * NUL bytes that nobody wrote. A writer that keeps its place when its file is truncated (one that does
 * not open it for appending) leaves a hole before its next line; space that was allocated ahead lies
 * behind the last one. A hole may be as large as a disk, so it is looked through in steps.
 */
import { readAt, type Content } from './content.ts';

const zeros = Buffer.alloc(256 * 1024);
const scratch = Buffer.allocUnsafe(zeros.length);

/** Most that is looked through at a time, in bytes: some milliseconds. */
const STEP = 4 * 1024 * 1024;

/**
 * Look for the first byte that is not NUL.
 * @param from where to begin to look
 * @returns where it is; or how far there is nothing but NUL, and whether that is the end
 */
export function findData(
  content: Content,
  from: number,
): { readonly data: number } | { readonly data: undefined; readonly looked: number; readonly end: boolean } {
  let position = from;
  for (; position < from + STEP; position += zeros.length) {
    const count = readAt(content, scratch, position);
    if (scratch.compare(zeros, 0, count, 0, count) !== 0) {
      let at = 0;
      while (scratch[at] === 0) at++;
      return { data: position + at };
    }
    if (count < scratch.length) return { data: undefined, looked: position + count, end: true };
  }
  return { data: undefined, looked: position, end: false };
}

/** How much of some bytes is left without the NULs at their end. */
export function withoutPadding(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}
