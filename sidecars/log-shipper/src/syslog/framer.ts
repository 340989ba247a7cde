/**
 * Messages in a stream of bytes, after RFC 6587, https://www.rfc-editor.org/rfc/rfc6587#section-3.4: each counted in
 * octets, or ended by a line feed. A sender may use both; what begins with a digit that is not 0 is counted. A message
 * that is longer than the limit is cut, and the rest of it passed over, so that a connection is worth no more memory.
 */
import { GrowingBuffer } from '#kit/net/growing-buffer.ts';

const LINE_FEED = 10;
const BLANK = 32;
const ZERO = 48;
const NINE = 57;
/** Digits of a length; more are text. */
const DIGITS = 9;

export interface Frame {
  readonly bytes: Buffer;
  /** It was longer, or did not come to its end. */
  readonly cut: boolean;
}

export class SyslogFramer {
  readonly #limit: number;
  #kept = new GrowingBuffer();
  #mode: 'begin' | 'count' | 'octets' | 'line' = 'begin';
  /** Octets of the message that have not come yet. */
  #missing = 0;
  #cut = false;

  /** @param limit bytes of a message that are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that came. @returns the messages that are whole by them */
  *push(bytes: Buffer): Generator<Frame> {
    for (let at = 0; at < bytes.length;) {
      switch (this.#mode) {
        case 'begin':
          this.#mode = bytes[at]! > ZERO && bytes[at]! <= NINE ? 'count' : 'line';
          break;
        case 'count':
          at = this.#count(bytes, at);
          break;
        case 'octets': {
          const end = Math.min(bytes.length, at + this.#missing);
          this.#keep(bytes.subarray(at, end));
          this.#missing -= end - at;
          at = end;
          if (this.#missing === 0) yield this.#take();
          break;
        }
        case 'line': {
          const found = bytes.indexOf(LINE_FEED, at);
          const end = found === -1 ? bytes.length : found;
          this.#keep(bytes.subarray(at, end));
          at = end + 1;
          if (found === -1) break;
          const frame = this.#take();
          // Between messages that are counted, some senders put a line feed, too.
          if (frame.bytes.length > 0) yield frame;
        }
      }
    }
  }

  /** The connection has ended. @returns the message that was under way */
  end(): Frame | undefined {
    if (this.#mode === 'begin' || this.#kept.length === 0) return undefined;
    if (this.#mode === 'octets') this.#cut = true;
    return this.#take();
  }

  /** A digit of the length, or what is behind it. */
  #count(bytes: Buffer, at: number): number {
    const byte = bytes[at]!;
    if (byte >= ZERO && byte <= NINE && this.#kept.length < DIGITS) {
      this.#kept.add(bytes.subarray(at, at + 1));
      return at + 1;
    }
    if (byte !== BLANK) {
      // No length, and so the beginning of a line.
      this.#mode = 'line';
      return at;
    }
    this.#missing = Number(this.#kept.bytes.toString('latin1'));
    this.#kept = new GrowingBuffer();
    this.#mode = 'octets';
    return at + 1;
  }

  #keep(bytes: Buffer): void {
    const room = this.#limit - this.#kept.length;
    if (bytes.length > room) this.#cut = true;
    if (room > 0) this.#kept.add(bytes.subarray(0, room));
  }

  #take(): Frame {
    const frame = { bytes: this.#kept.bytes, cut: this.#cut };
    this.#kept = new GrowingBuffer();
    this.#mode = 'begin';
    this.#cut = false;
    return frame;
  }
}
