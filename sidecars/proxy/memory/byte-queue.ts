/**
 * Bytes that wait, first in, first out. Pieces are joined in blocks: one of a single byte costs a byte, and holds nothing
 * that it was cut from. Nothing here takes longer the more waits.
 */

/** Up to here pieces are copied into blocks, in bytes. */
const JOINED = 16 * 1024;
const FIRST_BLOCK = 512;
/** Used blocks that are removed together. */
const USED_UP = 32;

export class ByteQueue {
  /** In bytes. */
  size = 0;
  readonly #blocks: Buffer[] = [];
  /** The first block that is not used up, and its first byte that is not. */
  #first = 0;
  #at = 0;
  /** Where the last block has room, in bytes from its start; -1 when it is closed. */
  #end = -1;
  #blockSize = FIRST_BLOCK;

  /**
   * Add bytes.
   * @param stays they belong to nobody else, and stay as they are: many are not copied
   */
  add(bytes: Buffer, start: number, end: number, stays = false): void {
    if (start === end) return;
    this.size += end - start;
    if (end - start >= JOINED) {
      this.#close();
      this.#blocks.push(stays ? bytes.subarray(start, end) : copyOf(bytes, start, end));
      return;
    }
    let at = start;
    if (this.#end !== -1) {
      const block = this.#blocks.at(-1)!;
      const size = bytes.copy(block, this.#end, at, end);
      this.#end += size;
      at += size;
      if (at === end) return;
    }
    const block = Buffer.allocUnsafeSlow(Math.max(end - at, this.#blockSize));
    this.#blockSize = Math.min(JOINED, this.#blockSize * 2);
    this.#end = bytes.copy(block, 0, at, end);
    this.#blocks.push(block);
  }

  /** The first bytes, as many as lie in one piece; only while there are some. */
  get front(): Buffer {
    const block = this.#blocks[this.#first]!;
    const open = this.#end !== -1 && this.#first === this.#blocks.length - 1;
    return block.subarray(this.#at, open ? this.#end : block.length);
  }

  /** The first bytes are not wanted any more: at most those of `front`. */
  drop(count: number): void {
    this.size -= count;
    this.#at += count;
    if (this.size === 0) return this.clear();
    if (this.#at < this.#blocks[this.#first]!.length) return;
    this.#at = 0;
    if (++this.#first < USED_UP || this.#first * 2 < this.#blocks.length) return;
    this.#blocks.splice(0, this.#first);
    this.#first = 0;
  }

  /** All of them in one piece; nothing is left. */
  take(): Buffer {
    this.#close();
    const [first, ...others] = this.#blocks.slice(this.#first);
    const rest = first === undefined ? Buffer.alloc(0) : first.subarray(this.#at);
    this.clear();
    return others.length === 0 ? rest : Buffer.concat([rest, ...others]);
  }

  clear(): void {
    this.size = this.#first = this.#at = 0;
    this.#blocks.length = 0;
    this.#end = -1;
    this.#blockSize = FIRST_BLOCK;
  }

  /** Nothing is added to the last block. */
  #close(): void {
    if (this.#end === -1) return;
    const last = this.#blocks.length - 1;
    this.#blocks[last] = this.#blocks[last]!.subarray(0, this.#end);
    this.#end = -1;
  }
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}
