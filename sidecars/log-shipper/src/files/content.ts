/**
 * What a file is known by: its content.
 *
 * `Head` is its first bytes, up to 1 KiB; while a file is shorter, what there is of it, growing with
 * the file. `Tail` is a digest of the bytes before the place up to which it was read. A file whose
 * head and tail are as remembered is the one that was read before, whatever it is called and whichever
 * inode it has; one whose head or tail differs is another, even under the same name and inode.
 */
import { readSync } from 'node:fs';

const { hash } = process.getBuiltinModule('node:crypto');

const HEAD_LENGTH = 1024;
const TAIL_LENGTH = 256;

export interface Head {
  /** Where it begins: 0, or behind the hole that a writer left that kept its place when its file was truncated. */
  readonly at: number;
  readonly bytes: Buffer;
}

export interface Tail {
  /** Where it ends. */
  readonly at: number;
  readonly length: number;
  readonly digest: string;
}

export const NO_HEAD: Head = { at: 0, bytes: Buffer.alloc(0) };
export const NO_TAIL: Tail = { at: 0, length: 0, digest: '' };

const scratch = Buffer.allocUnsafe(HEAD_LENGTH);
const other = Buffer.allocUnsafe(TAIL_LENGTH);

/**
 * Read at a position, on until the buffer is full or the file ends.
 * @returns how many bytes were read
 */
export function readAt(fd: number, buffer: Buffer, position: number, length = buffer.length): number {
  let total = 0;
  while (total < length) {
    const count = readSync(fd, buffer, total, length - total, position + total);
    if (count === 0) break;
    total += count;
  }
  return total;
}

/** The head of a file, from `at` on. */
export function readHead(fd: number, at = 0): Head {
  const bytes = Buffer.allocUnsafe(HEAD_LENGTH);
  return { at, bytes: Buffer.from(bytes.subarray(0, readAt(fd, bytes, at))) };
}

/** The same head, longer where the file has grown. */
export function growHead(fd: number, head: Head): Head {
  return head.bytes.length === HEAD_LENGTH ? head : readHead(fd, head.at);
}

/**
 * Whether a file begins with a head.
 * @param least how many bytes of it must be there; fewer are compared where the file is shorter
 */
export function hasHead(fd: number, { at, bytes }: Head, least = bytes.length): boolean {
  const count = readAt(fd, scratch, at, bytes.length);
  return count >= least && scratch.compare(bytes, 0, count, 0, count) === 0;
}

/** The tail of what was read of a file, up to a place. */
export function readTail(fd: number, at: number, from = 0): Tail {
  const length = Math.min(TAIL_LENGTH, at - from);
  const count = readAt(fd, scratch, at - length, length);
  return { at, length: count, digest: digest(scratch.subarray(0, count)) };
}

/** Whether a file still has what stood before the place up to which it was read. */
export function hasTail(fd: number, { at, length, digest: expected }: Tail): boolean {
  if (length === 0) return true;
  return readAt(fd, scratch, at - length, length) === length && digest(scratch.subarray(0, length)) === expected;
}

/**
 * Whether one file's content is how another one begins, judged by its beginning and its end.
 * @param size the first one's
 */
export function isBeginning(fd: number, size: number, of: number): boolean {
  const length = Math.min(HEAD_LENGTH, size);
  if (!hasHead(of, { at: 0, bytes: readHead(fd).bytes.subarray(0, length) })) return false;
  const tail = Math.min(TAIL_LENGTH, size);
  const same = readAt(fd, other, size - tail, tail) === tail && readAt(of, scratch, size - tail, tail) === tail;
  return same && other.compare(scratch, 0, tail, 0, tail) === 0;
}

const MAGIC = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd'].map((hex) => Buffer.from(hex, 'hex'));

/** gzip, bzip2, xz, zstd: a rotated copy that was compressed, under whatever name. */
export function isCompressed({ bytes }: Head): boolean {
  return MAGIC.some((magic) => bytes.subarray(0, magic.length).equals(magic));
}

function digest(bytes: Buffer): string {
  return hash('sha1', bytes, 'base64url').slice(0, 16);
}
