/**
 * Bytes of a log as lines of text. Where all of them are ASCII, which is known at the speed of memory,
 * they become one string that lines are slices of; that is a third of the cost of decoding each line.
 */
const { isAscii, isUtf8 } = process.getBuiltinModule('node:buffer');

const NEWLINE = 10;

export class Chunk {
  readonly length: number;
  readonly #buffer: Buffer;
  readonly #ascii: string | undefined;
  /** Set by `text`: whether the bytes of the last text were not UTF-8. */
  foreign = false;

  /** @param buffer its bytes, which must not change while the chunk is used */
  constructor(buffer: Buffer) {
    this.length = buffer.length;
    this.#buffer = buffer;
    this.#ascii = isAscii(buffer) ? buffer.toString('latin1') : undefined;
  }

  /** Where the next newline is, from a place on; -1 where none is. */
  newline(from: number): number {
    return this.#ascii === undefined ? this.#buffer.indexOf(NEWLINE, from) : this.#ascii.indexOf('\n', from);
  }

  /**
   * The text of some bytes. What is not UTF-8 is taken to be ISO 8859-1, in which every byte is a
   * character, so that nothing is lost and the bytes can be had back; `foreign` then says so.
   */
  text(from: number, to: number): string {
    if (this.#ascii !== undefined) {
      this.foreign = false;
      return this.#ascii.slice(from, to);
    }
    this.foreign = !isUtf8(this.#buffer.subarray(from, to));
    return this.#buffer.toString(this.foreign ? 'latin1' : 'utf8', from, to);
  }

  /** Where a cut before `to` does not split a character of UTF-8. */
  boundary(to: number): number {
    if (this.#ascii !== undefined || to >= this.length) return Math.min(to, this.length);
    let at = to;
    while (at > to - 4 && at > 0 && (this.#buffer[at]! & 0xc0) === 0x80) at--;
    return (this.#buffer[at]! & 0xc0) === 0x80 ? to : at;
  }
}
