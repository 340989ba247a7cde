/**
 * What a file is known by: its content.
 *
 * `Head` is its first bytes, up to 1 KiB, or up to the first NUL, which nobody wrote; while a file is
 * shorter, what there is of it, growing with the file. `Tail` is a digest of the bytes before the place up
 * to which it was read. A file whose head and tail are as remembered is the one that was read before,
 * whatever it is called and whichever inode it has; one whose head or tail differs is another, even under
 * the same name and inode.
 */
import { readSync } from 'node:fs';
import { unitOf, type FileEncoding } from './encoding.ts';

const { hash } = process.getBuiltinModule('node:crypto');

export const HEAD_LENGTH = 1024;
export const TAIL_LENGTH = 256;

/** Where bytes are read from: a descriptor, or what a compressed file holds. */
export type Content = number | { readAt(buffer: Buffer, position: number, length: number): number };

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
 * Read at a position, on until the buffer is full or the content ends.
 * @returns how many bytes were read
 */
export function readAt(from: Content, buffer: Buffer, position: number, length = buffer.length): number {
  if (typeof from !== 'number') return from.readAt(buffer, position, length);
  let total = 0;
  while (total < length) {
    const count = readSync(from, buffer, total, length - total, position + total);
    if (count === 0) break;
    total += count;
  }
  return total;
}

/**
 * The head of a content, from `at` on.
 * @param declared how files without a byte order mark are encoded: in UTF-16, NUL is two bytes
 */
export function readHead(from: Content, at = 0, declared: FileEncoding = 'auto'): Head {
  const read = scratch.subarray(0, readAt(from, scratch, at));
  const end = unitOf(declared, { at, bytes: read }) === 2 ? wideNul(read) : read.indexOf(0);
  return { at, bytes: Buffer.from(read.subarray(0, end === -1 ? read.length : end)) };
}

/** Where the first NUL of UTF-16 is in bytes that begin with a whole unit; also one that is half there. */
function wideNul(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length && (bytes[at] !== 0 || (bytes[at + 1] ?? 0) !== 0)) at += 2;
  return at < bytes.length ? at : -1;
}

/** The same head, longer where the content has grown. What begins otherwise has taken its place meanwhile. */
export function growHead(from: Content, head: Head, declared: FileEncoding = 'auto'): Head {
  const { length } = head.bytes;
  if (length === HEAD_LENGTH) return head;
  const grown = readHead(from, head.at, declared);
  return grown.bytes.subarray(0, length).equals(head.bytes) ? grown : head;
}

/**
 * Whether a content begins with a head.
 * @param least how many bytes of it must be there; fewer are compared where the content is shorter
 */
export function hasHead(from: Content, { at, bytes }: Head, least = bytes.length): boolean {
  const count = readAt(from, scratch, at, bytes.length);
  return count >= least && scratch.compare(bytes, 0, count, 0, count) === 0;
}

/** Whether a content still has what was read of it. */
export function holds(
  { offset, head, tail }: { readonly offset: number; readonly head: Head; readonly tail: Tail },
  from: Content,
  size = Infinity,
): boolean {
  return size >= offset && hasHead(from, head) && hasTail(from, tail);
}

/**
 * Whether a file is a copy, whole or not, of a content that was read. Half a line is how any file of an application
 * begins.
 */
export function isCopyOf(
  content: { readonly offset: number; readonly head: Head; readonly tail: Tail },
  from: Content,
  size: number,
): boolean {
  const { offset, tail } = content;
  const head = headWithin(content.head, size);
  return (isTelling(head) || size === offset) && hasHead(from, head) && (size < offset || hasTail(from, tail));
}

/** So many bytes tell one content from another without a whole line. */
const TELLING = 32;
const NEWLINE = 10;

/** Whether a beginning tells one content from another: half a line is how any file of an application begins. */
export function isTelling({ bytes }: Head): boolean {
  return bytes.length >= TELLING || bytes.includes(NEWLINE);
}

/** What a file is known by of which not all was copied: the copy of a small one may be shorter than its head. */
export function headWithin(head: Head, size: number): Head {
  const { at, bytes } = head;
  return size > at && at + bytes.length > size ? { at, bytes: bytes.subarray(0, size - at) } : head;
}

/** The tail of what was read of a content, up to a place. */
export function readTail(from: Content, at: number, start = 0): Tail {
  const length = Math.min(TAIL_LENGTH, at - start);
  const count = readAt(from, scratch, at - length, length);
  return { at, length: count, digest: digest(scratch.subarray(0, count)) };
}

/** The tail of what was read up to a place, by the last bytes of it. */
export function tailOf(last: Buffer, at: number): Tail {
  return { at, length: last.length, digest: digest(last) };
}

/** The bytes that a tail is a digest of; undefined when the content has others by now. */
export function bytesOfTail(from: Content, { at, length, digest: expected }: Tail): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length);
  return readAt(from, bytes, at - length) === length && digest(bytes) === expected ? bytes : undefined;
}

/** Whether a content still has what stood before the place up to which it was read. */
export function hasTail(from: Content, { at, length, digest: expected }: Tail): boolean {
  if (length === 0) return true;
  return readAt(from, scratch, at - length, length) === length && digest(scratch.subarray(0, length)) === expected;
}

/**
 * Whether one file's content is how another one begins, judged by its beginning and its end.
 * @param size the first one's
 */
export function isBeginning(fd: number, size: number, of: number): boolean {
  const length = Math.min(HEAD_LENGTH, size);
  const beginning = Buffer.allocUnsafe(length);
  if (readAt(fd, beginning, 0) < length || !hasHead(of, { at: 0, bytes: beginning })) return false;
  const tail = Math.min(TAIL_LENGTH, size);
  const same = readAt(fd, other, size - tail, tail) === tail && readAt(of, scratch, size - tail, tail) === tail;
  return same && other.compare(scratch, 0, tail, 0, tail) === 0;
}

function digest(bytes: Buffer): string {
  return hash('sha1', bytes, 'base64url').slice(0, 16);
}
