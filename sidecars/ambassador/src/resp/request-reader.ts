/**
 * Commands out of a client's bytes: arrays of bulk strings, and inline commands, as RESP2 and RESP3
 * know them (https://valkey.io/topics/protocol/). Nothing is decoded but where each argument lies.
 */
import { ByteQueue } from './byte-queue.ts';
import { splitInline } from './inline.ts';

const ARRAY = 0x2a;
const BULK = 0x24;
const ZERO = 0x30;
const CR = 0x0d;
const LF = 0x0a;

/** Longest inline command, and longest line of a length, as servers have them. */
const MAX_INLINE = 64 * 1024;
const MAX_LENGTH_LINE = 32;

export interface RequestLimits {
  /** Largest command, in bytes. */
  readonly maxSize: number;
  /** Most arguments of one command. */
  readonly maxArguments: number;
}

/** A client that does not speak the protocol: it is told so, and closed. */
export class ProtocolError extends Error {}

const NOTHING = Buffer.alloc(0);

/** One command, good until the next is read. */
export class Command {
  /** Where the arguments lie. */
  bytes: Buffer = NOTHING;
  /** The command as it was sent, from here... */
  start = 0;
  /** ... to here. */
  end = 0;
  /** Begin and end of each argument, in turn. */
  readonly spans: number[] = [];

  get length(): number {
    return this.spans.length >> 1;
  }

  /** The bytes of an argument; not a copy. */
  argument(index: number): Buffer {
    return this.bytes.subarray(this.spans[2 * index]!, this.spans[2 * index + 1]!);
  }

  /** An argument as text. */
  text(index: number): string {
    return this.bytes.toString('latin1', this.spans[2 * index]!, this.spans[2 * index + 1]!);
  }

  /** The command as it was sent; not a copy. */
  raw(): Buffer {
    return this.bytes.subarray(this.start, this.end);
  }

  /** The command as it was sent, in memory of its own. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.end - this.start);
    this.bytes.copy(copy, 0, this.start, this.end);
    return copy;
  }

  /** Let go of the memory in which it came. @param used it is still used: it gets memory of its own */
  detach(used: boolean): void {
    if (!used) {
      this.bytes = NOTHING;
      this.start = this.end = this.spans.length = 0;
    } else if (this.bytes.length < this.bytes.buffer.byteLength || this.end - this.start < this.bytes.length) {
      this.bytes = this.copy();
      for (let index = 0; index < this.spans.length; index++) this.spans[index]! -= this.start;
      this.end -= this.start;
      this.start = 0;
    }
  }
}

/** Reads commands as the bytes come, each byte once. */
export class RequestReader {
  readonly command = new Command();
  readonly #limits: RequestLimits;
  readonly #queue = new ByteQueue();
  /** Arguments that are still to come; -1 between two commands. */
  #missing = -1;
  /** Length of the argument that is being read; -1 when its length is still to come. */
  #length = -1;
  /** How far a line was searched for its end. */
  #searched = 0;
  /** Where the next thing to read begins, counted from the begin of the command. */
  #at = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /** Bytes that wait for the rest of their command. */
  get size(): number {
    return this.#queue.size;
  }

  /** Take bytes. They must not change afterwards. */
  push(chunk: Buffer): void {
    this.#queue.push(chunk);
  }

  /**
   * Let go of the memory that was handed in: nothing is read for a while.
   * @param used `command` is still used
   */
  detach(used: boolean): void {
    this.#queue.detach();
    if (this.#missing === -1) this.command.detach(used);
    // The places of its arguments so far are still needed.
    else this.command.bytes = NOTHING;
  }

  /**
   * Read one command.
   * @returns whether `command` holds one
   * @throws {ProtocolError}
   */
  next(): boolean {
    for (;;) {
      const queue = this.#queue;
      if (this.#missing === -1) {
        if (queue.size === 0) return false;
        if (queue.bytes[queue.start] !== ARRAY) {
          const read = this.#inline();
          if (read === undefined) continue;
          return read;
        }
        const count = this.#lengthLine(1, 'multibulk');
        if (count === undefined) return false;
        if (count > this.#limits.maxArguments) throw new ProtocolError('invalid multibulk length');
        if (count <= 0) {
          this.#skip();
          continue;
        }
        this.#missing = count;
        this.command.spans.length = 0;
      }
      while (this.#missing > 0) if (!this.#argument()) return false;
      this.#complete(this.#at);
      return true;
    }
  }

  /** @returns false when there is not enough yet */
  #argument(): boolean {
    const queue = this.#queue;
    if (this.#length === -1) {
      if (queue.size > this.#at && queue.bytes[queue.start + this.#at] !== BULK)
        throw new ProtocolError(`expected '$', got '${printable(queue.bytes[queue.start + this.#at]!)}'`);
      const length = this.#lengthLine(this.#at + 1, 'bulk');
      if (length === undefined) return false;
      if (length < 0 || this.#at + length > this.#limits.maxSize) throw new ProtocolError('invalid bulk length');
      this.#length = length;
      // Room for all of it, at once: what comes in small pieces is not copied again and again.
      queue.expect(this.#at + length + 2);
    }
    const end = this.#at + this.#length;
    if (queue.size < end + 2) return false;
    const { bytes, start } = queue;
    if (bytes[start + end] !== CR || bytes[start + end + 1] !== LF)
      throw new ProtocolError('a bulk string without its end');
    this.command.spans.push(this.#at, end);
    this.#at = end + 2;
    this.#length = -1;
    this.#missing--;
    return true;
  }

  /**
   * A number and the end of its line.
   * @param from where the number begins, from the begin of the command
   * @returns undefined when there is not enough yet; else `#at` is behind the line
   */
  #lengthLine(from: number, what: string): number | undefined {
    const { bytes, start, size } = this.#queue;
    if (size <= from) return undefined;
    const limit = Math.min(start + size, start + from + MAX_LENGTH_LINE);
    let at = start + from;
    let negative = false;
    if (at < limit && bytes[at] === 0x2d) {
      negative = true;
      at++;
    }
    const first = at;
    let value = 0;
    while (at < limit && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) value = value * 10 + bytes[at++]! - 0x30;
    // One spelling for each number, as servers have it: a command leaves in the bytes that its words are written with.
    if (bytes[first] === ZERO && (negative ? at > first : at > first + 1))
      throw new ProtocolError(`invalid ${what} length`);
    if (at + 1 < limit && bytes[at] === CR && bytes[at + 1] === LF && at > first) {
      this.#at = at + 2 - start;
      return negative ? -value : value;
    }
    // Whatever may still become a number is waited for.
    if (at === start + size || (at + 1 === start + size && bytes[at] === CR && at > first)) return undefined;
    throw new ProtocolError(`invalid ${what} length`);
  }

  /** @returns true with a command, false without enough, undefined for an empty line */
  #inline(): boolean | undefined {
    const { bytes, start, size } = this.#queue;
    const lineEnd = bytes.subarray(0, start + size).indexOf(LF, start + this.#searched);
    if (lineEnd === -1) {
      this.#searched = size;
      if (size > MAX_INLINE) throw new ProtocolError('too big inline request');
      return false;
    }
    const words = splitInline(bytes.toString('latin1', start, lineEnd));
    if (words === undefined) throw new ProtocolError('unbalanced quotes in request');
    this.#searched = 0;
    this.#at = lineEnd + 1 - start;
    if (words.length === 0) {
      this.#skip();
      return undefined;
    }
    // As if it had been sent in the other form.
    const { command } = this;
    command.spans.length = 0;
    let text = `*${words.length}\r\n`;
    for (const word of words) {
      text += `$${word.length}\r\n`;
      command.spans.push(text.length, text.length + word.length);
      text += `${word}\r\n`;
    }
    command.bytes = Buffer.from(text, 'latin1');
    command.start = 0;
    command.end = text.length;
    this.#skip();
    return true;
  }

  #complete(size: number): void {
    const { command } = this;
    const { bytes, start } = this.#queue;
    command.bytes = bytes;
    command.start = start;
    command.end = start + size;
    for (let index = 0; index < command.spans.length; index++) command.spans[index]! += start;
    this.#missing = -1;
    this.#skip();
  }

  #skip(): void {
    this.#queue.drop(this.#at);
    this.#at = 0;
  }
}

const printable = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
