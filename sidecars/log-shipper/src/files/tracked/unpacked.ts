/**
 * What a compressed file holds, as a file that can be read at any place from one on: it is unpacked into a file
 * without a name, a portion at a time, each byte at its own place, so that what is before costs nothing.
 */
import { closeSync, createReadStream, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { unitOf, type FileEncoding } from './encoding.ts';
import { compressionOf, createUnpacker, unpackBeginning } from './compression.ts';
import { HEAD_LENGTH, readAt, readHead, TAIL_LENGTH, type Head } from './content.ts';

/** Unpacked at a time, in bytes; about so much of the disk is used. */
const PORTION = 16 * 1024 * 1024;
/** Compressed bytes that are unpacked for a first look at gzip. */
export const GLANCE = 4096;

/**
 * How what a compressed file holds begins, up to 1 KiB.
 * @param at where, within the first of it
 * @param declared how files without a byte order mark are encoded
 * @returns undefined when the file is damaged
 */
export function glance(fd: number, at: number, declared: FileEncoding): Head | undefined {
  const plain = beginningOf(fd, (each) => each.length >= at + HEAD_LENGTH);
  return plain && headOf(plain, at, declared);
}

function beginningOf(fd: number, enough: (plain: Buffer) => boolean): Buffer | undefined {
  const read = (length: number): Buffer => {
    const compressed = Buffer.alloc(length);
    return compressed.subarray(0, readAt(fd, compressed, 0));
  };
  try {
    return unpackBeginning(read, GLANCE, enough);
  } catch (error) {
    // What the disk does not give just now may be whole.
    if (error instanceof Error && 'syscall' in error) throw error;
    return undefined;
  }
}

const headOf = (plain: Buffer, at: number, declared: FileEncoding): Head =>
  readHead({ readAt: (buffer, from, length) => plain.subarray(from, from + length).copy(buffer) }, at, declared);

/**
 * The same, from its first byte on that is not NUL.
 * @returns nothing in it when that is out of sight
 */
export function firstGlance(fd: number, declared: FileEncoding): Head | undefined {
  const dataOf = (plain: Buffer): number => plain.findIndex((byte) => byte !== 0);
  const plain = beginningOf(fd, (each) => dataOf(each) !== -1 && each.length >= dataOf(each) + HEAD_LENGTH);
  if (plain === undefined) return undefined;
  const data = dataOf(plain);
  const at = data === -1 ? plain.length : data - (data % unitOf(declared, { at: 0, bytes: plain }));
  return headOf(plain, at, declared);
}

export class Unpacked {
  readonly #dir: string;
  readonly #head: number;
  /** The compressed file, until it is begun with. */
  #packed: number | undefined;
  /** Begun when its turn has come, and let go at its end: each takes some 150 KB, and hundreds may be found at once. */
  #source: ReturnType<typeof createReadStream> | undefined;
  #unpacker: ReturnType<typeof createUnpacker> | undefined;
  #pieces: AsyncIterator<Buffer> | undefined;
  #closed = false;
  /** The file without a name. */
  fd: number;
  /** Up to where it is unpacked. */
  size = 0;
  /** That is all. */
  ended = false;

  /**
   * @param packed the compressed file, which is closed with this
   * @param dir where there is room for a portion
   * @param head where the content's head begins
   * @throws the file system's error
   */
  constructor(packed: number, dir: string, head: number) {
    this.fd = nameless(dir);
    this.#dir = dir;
    this.#head = head;
    this.#packed = packed;
  }

  /**
   * Unpack another portion; what is before a place, but for the head and the bytes by which the place is
   * known, is then gone.
   * @throws when the compressed file is damaged, or the disk is full
   */
  async more(from: number): Promise<void> {
    if (this.ended) return;
    const keep = Math.max(0, from - TAIL_LENGTH);
    if (this.size > keep) this.#forget(keep);
    const pieces = (this.#pieces ??= this.#begin());
    for (const enough = Math.max(from, this.size) + PORTION; this.size < enough;) {
      const { value, done } = await pieces.next().catch((error: unknown) => {
        if (!this.#closed) throw error;
        return { value: undefined, done: true };
      });
      // Another file may have the descriptor by now.
      if (this.#closed) return;
      if (done) {
        this.ended = true;
        this.#stop();
        return;
      }
      const piece = value as Buffer;
      this.#write(piece, this.size, Math.max(0, Math.min(piece.length, this.#head + HEAD_LENGTH - this.size)));
      if (this.size + piece.length > keep) this.#write(piece, this.size, piece.length);
      this.size += piece.length;
    }
  }

  /** A portion that is being unpacked ends here, and so do all that are asked for later. */
  close(): void {
    this.#closed = true;
    this.ended = true;
    this.#stop();
    if (this.#packed !== undefined) closeSync(this.#packed);
    closeSync(this.fd);
  }

  #stop(): void {
    this.#source?.destroy();
    this.#unpacker?.destroy();
    this.#source = undefined;
    this.#unpacker = undefined;
    this.#pieces = undefined;
  }

  #begin(): AsyncIterator<Buffer> {
    const compression = compressionOf(readHead(this.#packed!));
    this.#source = createReadStream('', { fd: this.#packed!, start: 0 });
    this.#packed = undefined;
    const unpacker = (this.#unpacker = createUnpacker(compression === 'zstd' ? 'zstd' : 'gzip'));
    this.#source.on('error', (error) => unpacker.destroy(error));
    return (this.#source.pipe(unpacker) as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** Go on in a file that holds nothing before a place but the head. */
  #forget(before: number): void {
    const next = nameless(this.#dir);
    const buffer = Buffer.allocUnsafe(64 * 1024);
    const copy = (from: number, to: number): void => {
      for (let at = from; at < to;) {
        const count = readSync(this.fd, buffer, 0, Math.min(buffer.length, to - at), at);
        if (count === 0) return;
        for (let done = 0; done < count;) done += writeSync(next, buffer, done, count - done, at + done);
        at += count;
      }
    };
    try {
      copy(this.#head, Math.min(this.#head + HEAD_LENGTH, this.size));
      copy(before, this.size);
    } catch (error) {
      closeSync(next);
      throw error;
    }
    closeSync(this.fd);
    this.fd = next;
  }

  #write(piece: Buffer, position: number, length: number): void {
    for (let done = 0; done < length;) done += writeSync(this.fd, piece, done, length - done, position + done);
  }
}

/** A file that is gone when it is closed. */
function nameless(dir: string): number {
  const path = join(dir, `unpacked-${process.pid}`);
  const fd = openSync(path, 'w+', 0o600);
  unlinkSync(path);
  return fd;
}
