/** Bytes in the order in which they came, in one piece. */

const NOTHING = Buffer.alloc(0);

/**
 * What came and is not consumed yet. A chunk that comes when nothing is left is used as it is; only
 * what waits for more is copied, into a buffer that doubles, so that each byte is copied a few times at most.
 */
export class ByteQueue {
  bytes: Buffer = NOTHING;
  start = 0;
  #end = 0;
  /** `bytes` is our own, with room behind `#end`. */
  #own = false;
  #wanted = 0;

  get size(): number {
    return this.#end - this.start;
  }

  push(chunk: Buffer): void {
    if (this.size === 0) {
      this.bytes = chunk;
      this.start = 0;
      this.#end = chunk.length;
      this.#own = false;
      return;
    }
    const size = this.size + chunk.length;
    if (!this.#own || this.#end + chunk.length > this.bytes.length) this.#move(this.#roomFor(size));
    chunk.copy(this.bytes, this.#end);
    this.#end += chunk.length;
  }

  /** Make room for a number of bytes in one piece, counted from `start`. */
  expect(size: number): void {
    this.#wanted = size;
  }

  /** Keep what is left in memory of its own: a chunk may be a small part of a large piece of memory. */
  detach(): void {
    if (this.size > 0 && !this.#own) this.#move(this.#wanted > this.size ? this.#roomFor(this.size) : this.size);
  }

  /** As much as is wanted, within what was sent so far: a length alone reserves little. */
  #roomFor(size: number): number {
    return this.#wanted > size ? Math.min(this.#wanted, 16 * size) : Math.max(2 * size, 4096);
  }

  /** Never into the old memory: slices of it may still be on their way. */
  #move(capacity: number): void {
    const moved = Buffer.allocUnsafeSlow(capacity);
    this.bytes.copy(moved, 0, this.start, this.#end);
    this.#end -= this.start;
    this.start = 0;
    this.bytes = moved;
    this.#own = true;
  }

  /** The first bytes are consumed. */
  drop(size: number): void {
    this.start += size;
    this.#wanted = 0;
    if (this.start < this.#end) return;
    // What was read lies in it still, and may be on its way: the next bytes get a place of their own.
    this.start = this.#end = 0;
    this.bytes = NOTHING;
    this.#own = false;
  }
}
