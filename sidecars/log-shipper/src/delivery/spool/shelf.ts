/** The segments of a spool, oldest first: room, rotation and removal. */
import { Segment, segmentNumbers } from './segment.ts';

/** Segments, about, of a full spool; a segment is the unit in which room becomes free. */
const SHARES = 16;
const SEGMENT_MAX = 4 * 1024 * 1024;

export class Shelf {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #segmentBytes: number;
  readonly segments: Segment[];
  /** Bytes at the end of an earlier process' segments that were no whole record. */
  readonly cut: number;
  /** The highest number that was ever used, as far as is known: none is used again. */
  #number = 0;
  /** The last segment is this process' own. An earlier one's is only read: its end may have been cut. */
  #begun = false;
  #roomMade: (() => void) | undefined;
  /** Up to where all is settled. */
  #settled = { segment: 0, offset: 0 };

  /** @throws when the directory cannot be used */
  constructor(dir: string, maxBytes: number) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
    this.#segmentBytes = Math.min(SEGMENT_MAX, Math.floor(maxBytes / SHARES));
    this.segments = segmentNumbers(dir).map((number) => new Segment(dir, number));
    this.cut = this.segments.reduce((total, segment) => total + segment.recover(), 0);
  }

  /** Number new segments from here on: what is settled may have been removed. */
  startAfter(number: number): void {
    this.#number = Math.max(this.#number, number);
  }

  get bytes(): number {
    return this.segments.reduce((total, { size }) => total + size, 0);
  }

  get records(): number {
    return this.segments.reduce((total, { records }) => total + records, 0);
  }

  /** The one that is written to. */
  get last(): Segment | undefined {
    return this.segments.at(-1);
  }

  /**
   * Write frames at the end.
   * @returns why not: `limit`, or the file system's error code
   */
  append(frames: Buffer, records: number): string | undefined {
    const { bytes } = this;
    // What is larger than all of it goes in alone.
    if (bytes > 0 && bytes + frames.length > this.#maxBytes) return 'limit';
    try {
      if (!this.#begun || this.last === undefined || this.last.size >= this.#segmentBytes) this.#begin();
      this.last!.append(frames, records);
      return undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'error';
    }
  }

  /** Remove every segment before one, and that one too when it is all settled and in the way. */
  release(segment: number, offset: number): void {
    this.#settled = { segment, offset };
    const { length } = this.segments;
    while (this.segments.length > 0 && this.#isDone(this.segments[0]!, segment, offset)) this.#remove();
    if (this.segments.length < length) this.#roomMade?.();
  }

  /**
   * Remove the oldest segment.
   * @param unread how many records of a segment nobody has read
   * @returns how many records are lost by it; undefined when there is none to remove
   */
  dropOldest(unread: (segment: Segment) => number): number | undefined {
    const [oldest] = this.segments;
    if (oldest === undefined) return undefined;
    const lost = unread(oldest);
    this.#remove();
    return lost;
  }

  /** Wait until a segment was removed, at most so many milliseconds. One that is all settled is in the way from now on. */
  async room(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#roomMade = resolve;
    // Nothing more may be settled, so that nobody would look again.
    this.release(this.#settled.segment, this.#settled.offset);
    const timer = setTimeout(resolve, milliseconds);
    await promise;
    clearTimeout(timer);
    this.#roomMade = undefined;
  }

  flush(done: (error: Error | null) => void): void {
    this.last?.flush(done);
  }

  close(): void {
    for (const segment of this.segments) segment.close();
    this.segments.length = 0;
    this.#roomMade?.();
  }

  #begin(): void {
    this.#number = Math.max(this.#number, this.last?.number ?? 0) + 1;
    this.segments.push(new Segment(this.#dir, this.#number));
    this.#begun = true;
  }

  /** All of it is settled, and it is of no use for writing. */
  #isDone(segment: Segment, settledIn: number, offset: number): boolean {
    if (segment.number !== settledIn) return segment.number < settledIn;
    const writable = segment === this.last && this.#begun && segment.size < this.#segmentBytes;
    return offset >= segment.size && (!writable || this.#roomMade !== undefined);
  }

  #remove(): void {
    const segment = this.segments.shift()!;
    this.#number = Math.max(this.#number, segment.number);
    segment.remove();
  }
}
