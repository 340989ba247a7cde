/** A client of the shelf: RESP on one connection, one command at a time. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** How long a reply may take, in milliseconds: more than a busy machine needs. */
const TIMEOUT = 120_000;

/** One connection. */
class Connection {
  readonly #socket: Socket;
  #text = '';
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.setTimeout(TIMEOUT, () => this.#socket.destroy());
    this.#socket.on('data', (part: string) => {
      this.#text += part;
      this.#wake?.();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
    this.#socket.on('end', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  /** @returns the number that was replied; undefined when the connection was closed without a reply */
  async increment(key: string): Promise<number | undefined> {
    if (this.#closed) return undefined;
    this.#text = '';
    this.#socket.write(`*2\r\n$4\r\nINCR\r\n$${key.length}\r\n${key}\r\n`);
    while (!this.#text.endsWith('\r\n')) {
      if (this.#closed) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    if (!/^:\d+\r\n$/.test(this.#text)) throw new Error(`INCR: ${this.#text.trim()}`);
    return Number(this.#text.slice(1));
  }

  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    this.#socket.end();
    await once(this.#socket, 'close');
  }
}

export interface Work {
  /** Increments that were answered. */
  readonly done: number;
  /** Connections that were closed before one was answered; it was sent again on the next one. */
  readonly again: number;
}

/** Clients that count up a key until they are told to stop; `thinking`: milliseconds of silence between two commands. */
export class Workers {
  done = 0;
  again = 0;
  #stopped = false;
  readonly #all: Promise<unknown>;

  constructor(port: number, key: string, busy: number, thinking: readonly number[]) {
    const brief = Array.from({ length: busy }, () => this.#work(port, key, 20, 0));
    this.#all = Promise.all([...brief, ...thinking.map((silence) => this.#work(port, key, Infinity, silence))]);
    this.#all.catch(() => {});
  }

  async #work(port: number, key: string, each: number, silence: number): Promise<void> {
    while (!this.#stopped) {
      const connection = new Connection(port);
      for (let index = 0; index < each && !this.#stopped; index++) {
        if ((await connection.increment(key)) === undefined) {
          this.again++;
          break;
        }
        this.done++;
        if (silence > 0) await pause(silence);
      }
      await connection.close();
    }
  }

  /** Let them finish. @throws what one of them was told that is no number */
  async stop(): Promise<Work> {
    this.#stopped = true;
    await this.#all;
    return { done: this.done, again: this.again };
  }
}
