/**
 * The bytes of the head that was read last. Clients that poll, and applications that are polled, say the same again and
 * again: what was found in a head holds for the next one, as long as that is the same to the last byte.
 */

/** Longer heads are not kept, in bytes. */
const LONGEST = 1024;

export class HeadCache {
  readonly #bytes = Buffer.allocUnsafeSlow(LONGEST);
  /** 0 while there is none. */
  #length = 0;
  #start = 0;
  #mode = false;
  /** How long the head before was. */
  #before = 0;

  /**
   * Whether bytes begin with the head that is kept, in the same place.
   * @param mode how a head is interpreted
   */
  begins(bytes: Uint8Array, start: number, end: number, mode: boolean): boolean {
    const length = this.#length;
    if (length === 0 || start !== this.#start || end - start < length || mode !== this.#mode) return false;
    const kept = this.#bytes;
    for (let index = 0; index < length; index++) if (kept[index] !== bytes[start + index]) return false;
    return true;
  }

  /** A head was read, and is what its offsets are of. */
  keep(bytes: Buffer, start: number, end: number, mode: boolean): void {
    const length = end - start;
    // Heads that differ mostly differ in length: a copy of those would be for nothing.
    if (length === this.#before && length <= LONGEST) {
      bytes.copy(this.#bytes, 0, start, end);
      this.#length = length;
      this.#start = start;
      this.#mode = mode;
    }
    this.#before = length;
  }

  /** What was found in it holds no longer. */
  forget(): void {
    this.#length = 0;
  }
}
