/** A client of RESP2 and RESP3 servers, for tests: what was said, as values. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeCommand } from '../resp/encode-command.ts';
import { ReplyError, ReplyReader, type Reply } from '../resp/reply-reader.ts';

/** How long an answer is waited for, in milliseconds. */
const PATIENCE = 60_000;
/** A test's own server may say as much as it likes. */
const LIMITS = { bytes: Infinity, values: Infinity, depth: 100 };

export class RespClient {
  readonly socket: Socket;
  readonly #values: Reply[] = [];
  readonly #waiting: ((value: Reply | Error) => void)[] = [];
  readonly #reader = new ReplyReader(LIMITS, 'latin1');
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
    this.socket.write(Buffer.concat(commands.map((words) => encodeCommand(words))));
  }

  /** The next value. @throws {Error} when the connection ends before it, or nothing comes */
  async next(): Promise<Reply> {
    const value = this.#values.shift();
    if (value !== undefined) return value;
    if (this.#ended) throw new Error('the connection is closed');
    const { promise, resolve } = Promise.withResolvers<Reply | Error>();
    this.#waiting.push(resolve);
    const timer = setTimeout(() => resolve(new Error('no answer')), PATIENCE);
    const next = await promise;
    clearTimeout(timer);
    if (next instanceof Error && !(next instanceof ReplyError)) throw next;
    return next;
  }

  /** Ask one command. @returns its answer; an error is a value, too */
  async ask(...command: readonly string[]): Promise<Reply> {
    this.send(command);
    return await this.next();
  }

  /** Ask several in one piece. @returns their answers, in order */
  async pipeline(...commands: readonly (readonly string[])[]): Promise<Reply[]> {
    this.send(...commands);
    const answers: Reply[] = [];
    for (const _ of commands) answers.push(await this.next());
    return answers;
  }

  close(): void {
    this.socket.destroy();
  }

  #onData(bytes: Buffer): void {
    for (const value of this.#reader.push(bytes)) {
      const waiting = this.#waiting.shift();
      if (waiting) waiting(value);
      else this.#values.push(value);
    }
  }
}
