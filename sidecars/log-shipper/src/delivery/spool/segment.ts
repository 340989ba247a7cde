/** One file of the spool: frames are added at its end and read from its beginning. */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { LogRecord } from '../../lines/record.ts';
import { decodeFrame } from './frames.ts';

const NAME = /^(\d{12})\.spool$/;

/** How much is read at a time, in bytes; a larger record is read whole. */
const CHUNK = 256 * 1024;

/** A record and the offset behind it. */
export interface Placed {
  readonly record: LogRecord;
  readonly end: number;
}

/** The numbers of the segments in a directory, oldest first. */
export function segmentNumbers(dir: string): number[] {
  return readdirSync(dir)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

export class Segment {
  readonly number: number;
  readonly #path: string;
  readonly #fd: number;
  size: number;
  /** How many records it holds. */
  records = 0;

  /** @throws when the file can be neither opened nor made */
  constructor(dir: string, number: number) {
    this.number = number;
    this.#path = join(dir, `${String(number).padStart(12, '0')}.spool`);
    this.#fd = openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o640);
    this.size = fstatSync(this.#fd).size;
  }

  /**
   * Look through a segment that an earlier process wrote, and cut what is not whole.
   * @returns bytes that were cut
   */
  recover(): number {
    let end = 0;
    for (let placed = this.read(0); placed.length > 0; placed = this.read(end)) {
      this.records += placed.length;
      end = placed.at(-1)!.end;
    }
    const cut = this.size - end;
    if (cut > 0) this.#cutAt(end);
    this.size = end;
    return cut;
  }

  /**
   * Add frames.
   * @throws the file system's error; nothing was added then
   */
  append(frames: Buffer, records: number): void {
    try {
      for (let done = 0; done < frames.length;) done += writeSync(this.#fd, frames, done, undefined, this.size + done);
    } catch (error) {
      this.#cutAt(this.size);
      throw error;
    }
    this.size += frames.length;
    this.records += records;
  }

  /** The next records from an offset on; none at the end, or before what is damaged. */
  read(from: number): Placed[] {
    let buffer = this.#bytes(from, CHUNK);
    const placed: Placed[] = [];
    for (let at = 0; ;) {
      const frame = decodeFrame(buffer, at);
      if (frame === 'damaged') return placed;
      if ('record' in frame) {
        placed.push({ record: frame.record, end: from + frame.end });
        at = frame.end;
      } else {
        // A record that is longer than a chunk: read as much as it says, if there is as much.
        if (placed.length > 0 || buffer.length >= frame.needs) return placed;
        if (from + frame.needs > this.size) return placed;
        buffer = this.#bytes(from, frame.needs);
      }
    }
  }

  /** Have the disk keep what was added. */
  flush(done: (error: Error | null) => void): void {
    fdatasync(this.#fd, done);
  }

  close(): void {
    closeSync(this.#fd);
  }

  remove(): void {
    unlinkSync(this.#path);
    this.close();
  }

  #cutAt(size: number): void {
    try {
      ftruncateSync(this.#fd, size);
    } catch {
      // What is behind the end is written over next, or known by its checksum.
    }
  }

  #bytes(from: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size - from)));
    const read = readSync(this.#fd, buffer, 0, buffer.length, from);
    return buffer.subarray(0, read);
  }
}
