/**
 * Bytes of a log as lines of text. Where all of them are ASCII, which is known at the speed of memory,
 * they become strings of many lines that each line is a slice of; that is a third of the cost of decoding each line.
 *
 * In UTF-16 a code unit has two bytes and begins at an even place of its file, wherever the chunk begins: a
 * newline is the unit 10, not a byte 10, which is also half of other characters.
 */
const { isAscii, isUtf8 } = process.getBuiltinModule('node:buffer');

const NEWLINE = 10;
/**
 * Bytes that become one string. Larger ones outlive a collection of V8's young tracked file, and fill the old one,
 * whose collections cost more.
 */
const STRIP = 32 * 1024;

export type Encoding = 'utf-8' | 'latin1' | 'utf-16le' | 'utf-16be';

/** Whether its code units have two bytes. */
export const isWide = (encoding: Encoding): boolean => encoding.startsWith('utf-16');

/** What stands where two bytes are no character, or only one of them is there. */
const REPLACEMENT = '\ufffd';

export class Chunk {
  readonly length: number;
  /** Bytes of a newline. */
  readonly unit: 1 | 2;
  readonly #buffer: Buffer;
  readonly #isAscii: boolean;
  /** Some of its bytes as text, where they are ASCII, and where these begin. */
  #strip = '';
  #stripAt = 0;
  readonly #encoding: Encoding;
  /** 1 where the chunk begins with the second byte of a unit. */
  readonly #phase: number;
  readonly #newline: Buffer;
  /** Set by `text`: whether the bytes of the last text were not UTF-8, where they ought to be. */
  foreign = false;

  /**
   * @param buffer its bytes, which must not change while the chunk is used
   * @param position where they begin in their file
   */
  constructor(buffer: Buffer, encoding: Encoding = 'utf-8', position = 0) {
    const wide = isWide(encoding);
    this.length = buffer.length;
    this.unit = wide ? 2 : 1;
    this.#phase = wide ? position % 2 : 0;
    this.#buffer = buffer;
    this.#encoding = encoding;
    this.#isAscii = !wide && isAscii(buffer);
    this.#newline = encoding === 'utf-16le' ? LINE_FEED_LE : encoding === 'utf-16be' ? LINE_FEED_BE : LINE_FEED;
  }

  /** Where the next newline is, from a place on; -1 where none is. */
  newline(from: number): number {
    if (this.#isAscii) {
      const at = from < this.#stripAt ? -1 : this.#strip.indexOf('\n', from - this.#stripAt);
      if (at !== -1) return at + this.#stripAt;
    }
    if (this.unit === 1) return this.#buffer.indexOf(NEWLINE, from);
    let at = this.#buffer.indexOf(this.#newline, from);
    while (at !== -1 && !this.#isEven(at)) at = this.#buffer.indexOf(this.#newline, at + 1);
    return at;
  }

  /** Where its last whole line ends, newline included; 0 where no newline is. */
  get lastLineEnd(): number {
    let at = this.#buffer.lastIndexOf(this.#newline);
    while (at > 0 && !this.#isEven(at)) at = this.#buffer.lastIndexOf(this.#newline, at - 1);
    return at === -1 || !this.#isEven(at) ? 0 : at + this.unit;
  }

  /** Bytes of the byte order mark that it begins with. */
  get mark(): number {
    if (this.#encoding === 'latin1' || this.#isAscii) return 0;
    const length = this.unit === 2 ? 2 : 3;
    return this.length >= length && this.text(0, length) === '\ufeff' ? length : 0;
  }

  /** Its length without a code unit at its end whose second byte is not there. */
  get whole(): number {
    return this.#isEven(this.length) ? this.length : Math.max(0, this.length - 1);
  }

  /**
   * The text of some bytes. What is not UTF-8 is taken to be ISO 8859-1, in which every byte is a
   * character, so that nothing is lost and the bytes can be had back; `foreign` then says so. What is not
   * UTF-16 is U+FFFD.
   */
  text(from: number, to: number): string {
    this.foreign = false;
    if (this.#isAscii) return this.#asciiText(from, to);
    if (this.unit === 2) return this.#wideText(from, to);
    if (this.#encoding === 'latin1') return this.#buffer.toString('latin1', from, to);
    this.foreign = !isUtf8(this.#buffer.subarray(from, to));
    return this.#buffer.toString(this.foreign ? 'latin1' : 'utf8', from, to);
  }

  #asciiText(from: number, to: number): string {
    if (from < this.#stripAt || to > this.#stripAt + this.#strip.length) {
      this.#strip = this.#buffer.toString('latin1', from, Math.max(to, from + STRIP));
      this.#stripAt = from;
    }
    return this.#strip.slice(from - this.#stripAt, to - this.#stripAt);
  }

  #wideText(from: number, to: number): string {
    if (to <= from) return '';
    const begin = this.#isEven(from) ? from : from + 1;
    const end = this.#isEven(to) ? to : to - 1;
    const units = this.#buffer.subarray(begin, end);
    const text = (this.#encoding === 'utf-16be' ? Buffer.from(units).swap16() : units).toString('utf16le');
    return (begin > from ? REPLACEMENT : '') + text.toWellFormed() + (end < to ? REPLACEMENT : '');
  }

  /** Where a cut before `to` does not split a character. */
  boundary(to: number): number {
    if (this.unit === 2) return this.#wideBoundary(Math.min(to, this.whole));
    if (this.#isAscii || to >= this.length || this.#encoding === 'latin1') return Math.min(to, this.length);
    let at = to;
    while (at > to - 4 && at > 0 && (this.#buffer[at]! & 0xc0) === 0x80) at--;
    return (this.#buffer[at]! & 0xc0) === 0x80 ? to : at;
  }

  #wideBoundary(to: number): number {
    const at = this.#isEven(to) ? to : Math.max(0, to - 1);
    // The upper byte of the unit before it says whether that is the first half of a character.
    const upper = this.#buffer[this.#encoding === 'utf-16be' ? at - 2 : at - 1];
    return at >= 2 && upper !== undefined && (upper & 0xfc) === 0xd8 ? at - 2 : at;
  }

  /** Whether a code unit begins there. */
  #isEven(at: number): boolean {
    return this.unit === 1 || (at + this.#phase) % 2 === 0;
  }
}

const LINE_FEED = Buffer.from([NEWLINE]);
const LINE_FEED_LE = Buffer.from([NEWLINE, 0]);
const LINE_FEED_BE = Buffer.from([0, NEWLINE]);
