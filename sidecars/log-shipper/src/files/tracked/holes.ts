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
 * @param unit bytes of a code unit: data begins with a whole one
 * @returns where it is; or how far there is nothing but NUL, and whether that is the end
 */
export function findData(
  content: Content,
  from: number,
  unit: 1 | 2 = 1,
): { readonly data: number } | { readonly data: undefined; readonly looked: number; readonly end: boolean } {
  let position = from;
  for (; position < from + STEP; position += zeros.length) {
    const count = readAt(content, scratch, position);
    if (scratch.compare(zeros, 0, count, 0, count) !== 0) {
      let at = 0;
      while (scratch[at] === 0) at++;
      // The first byte of a unit may be NUL.
      const data = position + at;
      return { data: Math.max(from, data - (data % unit)) };
    }
    const whole = count - ((position + count) % unit);
    if (count < scratch.length) return { data: undefined, looked: Math.max(from, position + whole), end: true };
  }
  return { data: undefined, looked: position, end: false };
}

/**
 * How much of some bytes is left without the NULs at their end.
 * @param unit bytes of a code unit
 * @param position where the bytes begin in their content
 */
export function withoutPadding(bytes: Buffer, unit: 1 | 2 = 1, position = 0): number {
  let end = bytes.length;
  if (unit === 1) {
    while (end > 0 && bytes[end - 1] === 0) end--;
    return end;
  }
  if ((position + end) % 2 === 1 && bytes[end - 1] === 0) end--;
  if ((position + end) % 2 === 1) return end;
  while (end >= 2 && bytes[end - 1] === 0 && bytes[end - 2] === 0) end -= 2;
  return end;
}

/** Fewer NULs before a line than these belong to it: who allocates ahead does so by pages. */
const PAGE = 4096;

/**
 * Whether some bytes begin with NULs that nobody wrote; parameters as above.
 * @param isFirst whether they are how the content begins: all NULs there are a hole
 */
export function beginsWithHole(bytes: Buffer, unit: 1 | 2, position: number, isFirst: boolean): boolean {
  if (bytes.length === 0 || bytes[0] !== 0) return false;
  if (unit === 2 && position % 2 === 0 && bytes.length > 1 && bytes[1] !== 0) return false;
  return isFirst || bytes.subarray(0, PAGE).every((byte) => byte === 0);
}

/** How many of the characters that a line begins with nobody wrote. */
export function holeOf(line: string): number {
  let at = 0;
  while (line.charCodeAt(at) === 0) at++;
  return at < PAGE ? 0 : at;
}
