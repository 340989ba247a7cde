/** Bytes that come in pieces, kept in one buffer: a thousand pieces of a byte take no more room than one of a thousand. */

const FIRST = 1024;

export class GrowingBuffer {
  #buffer = Buffer.alloc(0);
  /** How many there are. */
  length = 0;

  /** Add a piece. */
  add(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST, length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.length);
    this.length = length;
  }

  /** All of them, in the buffer that they are in. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }
}
