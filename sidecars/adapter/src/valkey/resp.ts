/**
 * RESP2, the protocol that Redis and valkey answer by, as a client needs it: https://valkey.io/topics/protocol/.
 * The server is not trusted: bytes, values and depth of all its answers together are bounded.
 */

/** An error as the server answered it; the answers after it are in their places. */
export class ReplyError extends Error {}

export type Reply = string | number | null | ReplyError | Reply[];

export interface Limits {
  /** Of all answers together. */
  readonly bytes: number;
  /** Of all answers together, each element of an array counted. */
  readonly values: number;
  /** Arrays in arrays. */
  readonly depth: number;
}

export const LIMITS: Limits = { bytes: 8 * 1024 * 1024, values: 200_000, depth: 8 };

/** Of a line, which bears a number or a sentence. */
const MAX_LINE = 64 * 1024;
const CR = 13;
const LF = 10;

/** Commands as one text: arrays of bulk strings. */
export function encodeCommands(commands: readonly (readonly string[])[]): string {
  return commands
    .map((words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
    .join('');
}

interface OpenArray {
  readonly values: Reply[];
  readonly length: number;
}

export class ReplyReader {
  readonly #limits: Limits;
  /** The line that has not ended yet. */
  #line: Buffer = Buffer.alloc(0);
  /** A string that is under way: how many bytes it takes with its line end, and those that came. */
  #bulk: { needed: number; readonly parts: Buffer[] } | undefined;
  readonly #open: OpenArray[] = [];
  #bytes = 0;
  #values = 0;

  constructor(limits: Limits = LIMITS) {
    this.#limits = limits;
  }

  /**
   * Take bytes as they come.
   * @returns the answers that they complete
   * @throws when they are no RESP2, or past a limit
   */
  push(chunk: Buffer): Reply[] {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.bytes) throw new Error(`the server answered more than ${this.#limits.bytes} bytes`);
    const complete: Reply[] = [];
    let at = 0;
    while (at < chunk.length) {
      at = this.#bulk === undefined ? this.#readLine(chunk, at, complete) : this.#readBulk(chunk, at, complete);
    }
    return complete;
  }

  #readLine(chunk: Buffer, at: number, complete: Reply[]): number {
    const end = chunk.indexOf(LF, at);
    const part = chunk.subarray(at, end === -1 ? chunk.length : end + 1);
    if (this.#line.length + part.length > MAX_LINE) throw new Error(`a line of more than ${MAX_LINE} bytes`);
    const line = this.#line.length === 0 ? part : Buffer.concat([this.#line, part]);
    if (end === -1) {
      // A copy: the chunk would be held for as long as the line.
      this.#line = Buffer.from(line);
      return chunk.length;
    }
    this.#line = Buffer.alloc(0);
    if (line.at(-2) !== CR) throw new Error('a line without CR LF');
    this.#begin(line.toString('utf8', 0, line.length - 2), complete);
    return end + 1;
  }

  #begin(line: string, complete: Reply[]): void {
    const rest = line.slice(1);
    switch (line[0]) {
      case '+':
        return this.#value(rest, complete);
      case '-':
        return this.#value(new ReplyError(rest), complete);
      case ':':
        return this.#value(integer(rest), complete);
      case '$': {
        const length = integer(rest);
        if (length === -1) return this.#value(null, complete);
        if (length < 0 || length > this.#limits.bytes) throw new Error(`a string of ${rest.slice(0, 30)} bytes`);
        this.#bulk = { needed: length + 2, parts: [] };
        return;
      }
      case '*': {
        const length = integer(rest);
        if (length === -1) return this.#value(null, complete);
        if (length < 0 || length > this.#limits.values) throw new Error(`an array of ${rest.slice(0, 30)} values`);
        if (length === 0) return this.#value([], complete);
        if (this.#open.length >= this.#limits.depth) throw new Error('arrays in arrays, too deep');
        this.#open.push({ values: [], length });
        return;
      }
      default:
        throw new Error('an answer that is no RESP2');
    }
  }

  #readBulk(chunk: Buffer, at: number, complete: Reply[]): number {
    const bulk = this.#bulk!;
    const part = chunk.subarray(at, at + bulk.needed);
    bulk.needed -= part.length;
    bulk.parts.push(part);
    if (bulk.needed === 0) {
      this.#bulk = undefined;
      const bytes = Buffer.concat(bulk.parts);
      if (bytes.at(-2) !== CR || bytes.at(-1) !== LF) throw new Error('a string without CR LF behind it');
      this.#value(bytes.toString('utf8', 0, bytes.length - 2), complete);
    }
    return at + part.length;
  }

  #value(value: Reply, complete: Reply[]): void {
    if (++this.#values > this.#limits.values) throw new Error(`more than ${this.#limits.values} values`);
    let done = value;
    for (;;) {
      const array = this.#open.at(-1);
      if (array === undefined) {
        complete.push(done);
        return;
      }
      array.values.push(done);
      if (array.values.length < array.length) return;
      this.#open.pop();
      done = array.values;
    }
  }
}

function integer(text: string): number {
  if (!/^[+-]?\d{1,19}$/.test(text)) throw new Error('a number that is none');
  return Number(text);
}
