/**
 * Where each reply of a server ends, in RESP2 and RESP3 (https://valkey.io/topics/protocol/): nothing
 * is decoded but lengths, and nothing is kept but what is left of the reply that is being read.
 */

const LF = 0x0a;
/** Longest line of a length. */
const MAX_LENGTH_LINE = 32;
/** Longest simple string or error. */
const MAX_LINE = 64 * 1024;
/** More elements, and longer strings in bytes, than any server sends. */
const MAX_LENGTH = 2 ** 32;

/** The server does not speak the protocol. */
export class BadReply extends Error {}

/** Reads replies, each byte once. */
export class ReplyScanner {
  readonly #maxLength: number;
  /** First byte of the reply that is being read, or that was read last. */
  type = 0;
  /** Elements that are still to come. */
  #left = 0;
  /** Bytes of a bulk string, its end among them, that are still to come. */
  #skip = 0;
  /** The beginning of a line that was cut. */
  #line = '';

  /** @param maxLength most elements of a reply, and longest string in bytes */
  constructor(maxLength = MAX_LENGTH) {
    this.#maxLength = maxLength;
  }

  /**
   * Read on.
   * @param at where to begin
   * @returns where the reply ends; -1 when `bytes` ends before it does
   * @throws {BadReply}
   */
  scan(bytes: Buffer, at: number): number {
    let next = at;
    if (this.#left === 0 && next < bytes.length) {
      this.#left = 1;
      this.type = bytes[next]!;
    }
    while (next < bytes.length) {
      if (this.#skip > 0) {
        const size = Math.min(this.#skip, bytes.length - next);
        next += size;
        this.#skip -= size;
        if (this.#skip > 0) return -1;
        if (--this.#left === 0) return next;
        continue;
      }
      const end = bytes.indexOf(LF, next);
      if (end === -1) {
        this.#line += bytes.toString('latin1', next, Math.min(bytes.length, next + MAX_LINE + 1));
        if (this.#line.length > MAX_LINE) throw new BadReply('a line without end');
        return -1;
      }
      if (this.#line === '') this.#take(bytes[next]!, bytes, next + 1, end);
      else {
        const line = Buffer.from(this.#line + bytes.toString('latin1', next, end), 'latin1');
        this.#line = '';
        this.#take(line[0]!, line, 1, line.length);
      }
      next = end + 1;
      if (this.#left === 0) return next;
    }
    return -1;
  }

  /** One line: `type` and what follows it, to before the LF. */
  #take(type: number, bytes: Buffer, from: number, end: number): void {
    switch (type) {
      case 0x2b: // +
      case 0x2d: // -
      case 0x3a: // :
      case 0x2c: // ,
      case 0x23: // #
      case 0x28: // (
      case 0x5f: // _
        this.#left--;
        return;
      case 0x24: // $
      case 0x3d: // =
      case 0x21: {
        // !
        const length = this.#lengthIn(bytes, from, end);
        if (length < 0) this.#left--;
        else this.#skip = length + 2;
        return;
      }
      case 0x2a: // *
      case 0x7e: // ~
      case 0x3e: // >
        this.#left += Math.max(0, this.#lengthIn(bytes, from, end)) - 1;
        break;
      case 0x25: // %
        this.#left += 2 * this.#lengthIn(bytes, from, end) - 1;
        break;
      case 0x7c: // |: what it says is about the reply that follows, and is no element
        this.#left += 2 * this.#lengthIn(bytes, from, end);
        break;
      default:
        throw new BadReply(`no RESP: a reply that begins with byte ${type}`);
    }
    if (this.#left < 0 || this.#left > this.#maxLength) throw new BadReply('more elements than there can be');
  }

  #lengthIn(bytes: Buffer, from: number, end: number): number {
    if (end - from > MAX_LENGTH_LINE) throw new BadReply('a length of too many digits');
    const negative = bytes[from] === 0x2d;
    let at = negative ? from + 1 : from;
    const first = at;
    let value = 0;
    while (at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) value = value * 10 + bytes[at++]! - 0x30;
    if (at === first || bytes[at] !== 0x0d || at + 1 !== end) throw new BadReply('no length');
    if (value > this.#maxLength) throw new BadReply(`a length of ${value}`);
    return negative ? -value : value;
  }
}
