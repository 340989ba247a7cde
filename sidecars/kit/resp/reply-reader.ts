/**
 * Replies as values, in RESP2 and RESP3 (https://valkey.io/topics/protocol/), as a client needs them. The server is not
 * trusted: bytes, values and depth of all its replies together are bounded.
 */
import { BadReply, ReplyScanner } from './reply-scanner.ts';

/** An error as the server answered it; the replies after it are in their places. */
export class ReplyError extends Error {}

/** Maps are arrays of names and values in turn; what nobody asked for is `{ push }`. */
export type Reply = string | number | bigint | boolean | null | ReplyError | Reply[] | { readonly push: Reply[] };

/** @returns the text of a string, number or boolean; for null, an error or an array an empty one */
export function textOf(reply: Reply): string {
  if (typeof reply === 'object') return '';
  return typeof reply === 'string' ? reply : `${reply}`;
}

export interface ReplyLimits {
  /** Of all replies together. */
  readonly bytes: number;
  /** Of all replies together, each element of an array counted. */
  readonly values: number;
  /** Arrays in arrays. */
  readonly depth: number;
}

/** Reads replies as their bytes come. */
export class ReplyReader {
  readonly #limits: ReplyLimits;
  readonly #encoding: 'utf8' | 'latin1';
  readonly #scanner: ReplyScanner;
  /** Of the reply that has begun. */
  #parts: Buffer[] = [];
  #bytes = 0;
  #values = 0;

  /** @param encoding of strings */
  constructor(limits: ReplyLimits, encoding: 'utf8' | 'latin1') {
    this.#limits = limits;
    this.#encoding = encoding;
    this.#scanner = new ReplyScanner(Math.max(limits.bytes, limits.values));
  }

  /**
   * Take bytes. They must not change afterwards.
   * @returns the replies that they complete
   * @throws {BadReply} when they are none, or past a limit
   */
  push(chunk: Buffer): Reply[] {
    const { bytes: most } = this.#limits;
    this.#bytes += chunk.length;
    if (this.#bytes > most) throw new BadReply(`the server answered more than ${most} bytes`);
    const complete: Reply[] = [];
    for (let at = 0; at < chunk.length;) {
      const end = this.#scanner.scan(chunk, at);
      this.#parts.push(chunk.subarray(at, end === -1 ? chunk.length : end));
      if (end === -1) break;
      at = end;
      complete.push(this.#decode());
    }
    return complete;
  }

  #decode(): Reply {
    const { values, depth } = this.#limits;
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    const decoder = new Decoder(bytes, this.#encoding, depth, values - this.#values);
    const reply = decoder.next(0);
    this.#values += decoder.count;
    return reply;
  }
}

/** Values out of one whole reply. */
class Decoder {
  count = 0;
  readonly #bytes: Buffer;
  readonly #encoding: 'utf8' | 'latin1';
  readonly #depth: number;
  readonly #values: number;
  #at = 0;

  constructor(bytes: Buffer, encoding: 'utf8' | 'latin1', depth: number, values: number) {
    this.#bytes = bytes;
    this.#encoding = encoding;
    this.#depth = depth;
    this.#values = values;
  }

  next(depth: number): Reply {
    if (++this.count > this.#values) throw new BadReply('more values than are read');
    const type = String.fromCharCode(this.#bytes[this.#at]!);
    const line = this.#line();
    switch (type) {
      case '+':
        return line;
      case '-':
        return new ReplyError(line);
      case ':':
        return integer(line);
      case ',':
        return /^-?inf$/.test(line) ? Number(line.replace('inf', 'Infinity')) : Number(line);
      case '(':
        return BigInt(integerText(line));
      case '#':
        return line === 't';
      case '_':
        return null;
      case '$':
      case '=':
        return this.#text(integer(line));
      case '!':
        return new ReplyError(this.#text(integer(line)) ?? '');
      case '*':
      case '~':
        return this.#array(integer(line), depth);
      case '%':
        return this.#array(2 * integer(line), depth);
      case '>':
        return { push: this.#array(integer(line), depth) ?? [] };
      default:
        // |: what it says is about the reply that follows.
        this.#array(2 * integer(line), depth);
        return this.next(depth);
    }
  }

  /** The line of a type, without it and its end. */
  #line(): string {
    const end = this.#bytes.indexOf('\r\n', this.#at);
    const line = this.#bytes.toString(this.#encoding, this.#at + 1, end);
    if (end === -1 || line.includes('\n')) throw new BadReply('a line without CR LF');
    this.#at = end + 2;
    return line;
  }

  #text(length: number): string | null {
    if (length === -1) return null;
    const end = this.#at + length;
    if (length < 0) throw new BadReply(`a string of ${length} bytes`);
    if (this.#bytes.toString('latin1', end, end + 2) !== '\r\n') throw new BadReply('a string without CR LF behind it');
    const text = this.#bytes.toString(this.#encoding, this.#at, end);
    this.#at = end + 2;
    return text;
  }

  #array(length: number, depth: number): Reply[] | null {
    if (length === -1) return null;
    if (length < 0) throw new BadReply(`an array of ${length} values`);
    if (depth >= this.#depth) throw new BadReply('arrays in arrays, too deep');
    const values: Reply[] = [];
    for (let left = length; left > 0; left--) values.push(this.next(depth + 1));
    return values;
  }
}

function integerText(text: string): string {
  if (!/^[+-]?\d{1,4000}$/.test(text)) throw new BadReply('a number that is none');
  return text;
}

function integer(text: string): number {
  if (text.length > 20) throw new BadReply('a number that is none');
  return Number(integerText(text));
}
