/** A client of RESP2 and RESP3 servers, for tests: what was said, as values. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An error that the server answered. */
export class RespError {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Maps are arrays of pairs; a push message is `{ push }`. */
export type RespValue = string | number | bigint | boolean | null | RespError | RespValue[] | { push: RespValue[] };

/** How long an answer is waited for, in milliseconds. */
const PATIENCE = 60_000;

export class RespClient {
  readonly socket: Socket;
  readonly #values: RespValue[] = [];
  readonly #waiting: ((value: RespValue | Error) => void)[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #ended = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket
      .on('data', (bytes: Buffer) => this.#onData(bytes))
      .on('error', () => {})
      .on('close', () => {
        this.#ended = true;
        for (const waiting of this.#waiting.splice(0)) waiting(new Error('the connection was closed'));
      });
  }

  /** Connect. */
  static async to(port: number, host = '127.0.0.1'): Promise<RespClient> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return new RespClient(socket);
  }

  /** Whether the other side has ended the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Send a command, or several in one piece: `['GET', 'a'], ['GET', 'b']`. */
  send(...commands: readonly (readonly string[])[]): void {
    this.socket.write(commands.map(encoded).join(''), 'latin1');
  }

  /** The next value. @throws {Error} when the connection ends before it, or nothing comes */
  async next(): Promise<RespValue> {
    const value = this.#values.shift();
    if (value !== undefined) return value;
    if (this.#ended) throw new Error('the connection is closed');
    const { promise, resolve } = Promise.withResolvers<RespValue | Error>();
    this.#waiting.push(resolve);
    const timer = setTimeout(() => resolve(new Error('no answer')), PATIENCE);
    const next = await promise;
    clearTimeout(timer);
    if (next instanceof Error) throw next;
    return next;
  }

  /** Ask one command. @returns its answer; an error is a value, too */
  async ask(...command: readonly string[]): Promise<RespValue> {
    this.send(command);
    return await this.next();
  }

  /** Ask several in one piece. @returns their answers, in order */
  async pipeline(...commands: readonly (readonly string[])[]): Promise<RespValue[]> {
    this.send(...commands);
    const answers: RespValue[] = [];
    for (const _ of commands) answers.push(await this.next());
    return answers;
  }

  close(): void {
    this.socket.destroy();
  }

  #onData(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    let at = 0;
    for (;;) {
      const read = parse(this.#bytes, at);
      if (read === undefined) break;
      at = read.end;
      const waiting = this.#waiting.shift();
      if (waiting) waiting(read.value);
      else this.#values.push(read.value);
    }
    this.#bytes = this.#bytes.subarray(at);
  }
}

const encoded = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word, 'latin1')}\r\n${word}\r\n`).join('')}`;

/** One value at `at`; undefined when it is not complete. */
function parse(bytes: Buffer, at: number): { value: RespValue; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd === -1) return undefined;
  const line = bytes.toString('latin1', at + 1, lineEnd);
  const type = String.fromCharCode(bytes[at]!);
  const end = lineEnd + 2;
  const count = Number(line);
  switch (type) {
    case '+':
      return { value: line, end };
    case '-':
      return { value: new RespError(line), end };
    case ':':
      return { value: count, end };
    case ',':
      return { value: count, end };
    case '(':
      return { value: BigInt(line), end };
    case '#':
      return { value: line === 't', end };
    case '_':
      return { value: null, end };
    case '$':
    case '=':
    case '!': {
      if (count < 0) return { value: null, end };
      if (bytes.length < end + count + 2) return undefined;
      const text = bytes.toString('latin1', end, end + count);
      return { value: type === '!' ? new RespError(text) : text, end: end + count + 2 };
    }
    case '*':
    case '~':
    case '>':
    case '%': {
      if (count < 0) return { value: null, end };
      const values: RespValue[] = [];
      let next = end;
      for (let left = type === '%' ? 2 * count : count; left > 0; left--) {
        const read = parse(bytes, next);
        if (read === undefined) return undefined;
        values.push(read.value);
        next = read.end;
      }
      return { value: type === '>' ? { push: values } : values, end: next };
    }
    default:
      throw new Error(`no RESP: ${JSON.stringify(bytes.toString('latin1', at, at + 40))}`);
  }
}
