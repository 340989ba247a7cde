/**
 * Memory that the application's bytes are read into. A buffer is read into, edited in place, handed
 * to the client's socket, and taken back once that has sent it: large bodies are never copied here.
 */

/** Free bytes before what is read, for a head that grows or a chunk's size. */
export const HEADROOM = 512;
/** Free bytes after what is read, for a chunk's end. */
export const TAILROOM = 8;

const SMALL = 8 * 1024;
/** A little over 64 KiB, so that a body of that size comes in one read together with its head. */
const LARGE = 72 * 1024;
/** Buffers of each size that are kept for the next one who needs one. */
const MAX_FREE = 64;
/** Small reads in a row after which the large buffer is given back. */
const SMALL_READS = 32;

/** One buffer: `bytes` with its room on both sides, `view` is what is read into. */
export class PooledBuffer {
  readonly bytes: Buffer;
  readonly view: Uint8Array;
  readonly size: number;

  constructor(size: number) {
    this.size = size;
    this.bytes = Buffer.allocUnsafeSlow(HEADROOM + size + TAILROOM);
    this.view = this.bytes.subarray(HEADROOM, HEADROOM + size);
  }
}

const freeSmall: PooledBuffer[] = [];
const freeLarge: PooledBuffer[] = [];
const freeOf = (size: number): PooledBuffer[] => (size === SMALL ? freeSmall : freeLarge);

function take(size: number): PooledBuffer {
  return freeOf(size).pop() ?? new PooledBuffer(size);
}

/** Give a buffer back. Nothing may refer to it any more. */
export function recycle(buffer: PooledBuffer): void {
  const free = freeOf(buffer.size);
  if (free.length < MAX_FREE) free.push(buffer);
}

/** The buffer of one socket: small until a read fills it, then large while reads are large. */
export class ReadBuffer {
  buffer: PooledBuffer = take(SMALL);
  #lent = false;
  #small = 0;

  /** The current buffer now belongs to somebody else, who recycles it. */
  lend(): PooledBuffer {
    this.#lent = true;
    return this.buffer;
  }

  /**
   * After a read: the buffer for the next one.
   * @param size bytes that the last read brought
   */
  next(size: number): PooledBuffer {
    const { buffer } = this;
    let want = buffer.size;
    if (size === SMALL && want === SMALL) want = LARGE;
    else if (size > SMALL) this.#small = 0;
    else if (want === LARGE && ++this.#small > SMALL_READS) want = SMALL;
    if (want !== buffer.size) {
      this.#small = 0;
      if (!this.#lent) recycle(buffer);
      this.buffer = take(want);
    } else if (this.#lent) this.buffer = take(want);
    this.#lent = false;
    return this.buffer;
  }

  /** The socket is gone. */
  close(): void {
    if (!this.#lent) recycle(this.buffer);
    this.#lent = true;
  }
}
