/**
 * Moves keys to where they belong after the servers changed, while the application reads and writes them. A key is moved by
 * MIGRATE, which is atomic: it is on the old server or on the new one. A request for a key that belongs
 * elsewhere by now moves it first; keys that no request asks for are moved in the background.
 */
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { flatElements } from '../resp/flat.ts';
import { ReplyCollector } from './pending.ts';
import type { Server } from './server.ts';
import type { Login, ServerConnection } from './server-connection.ts';
import type { MisplacedKey, Shards } from './shards.ts';

/** Keys that are looked at in one step of the walk, and moved together. */
const STEP = '64';
/** Between two attempts at what failed, in milliseconds. */
const RETRY = 200;
/** Limit of a move, as a multiple of a reply's: a large value blocks both of its servers. */
const PATIENCE = 10;
const MAX_REPLY = 16 * 1024 * 1024;

export interface MoverOptions {
  readonly shards: Shards;
  /** At the servers that keys move to. */
  readonly login: Login;
  /** How long a reply may take, in milliseconds. */
  readonly timeout: number;
  readonly onMoved: () => void;
}

export class Mover {
  readonly #options: MoverOptions;
  readonly #connections = new Map<Server, ServerConnection>();
  readonly #before: readonly Server[];
  /** What was sent to the old servers before has been answered. */
  readonly #settled: Promise<void>;
  #active = 0;
  #finished = false;
  #closed = false;

  /**
   * @param before the servers that keys are on
   * @param settled until it resolves, nothing is moved
   */
  constructor(before: readonly Server[], settled: Promise<void>, options: MoverOptions) {
    this.#before = before;
    this.#settled = settled;
    this.#options = options;
  }

  /** Move some keys. @returns why that failed; undefined when they are where they belong */
  async pull(keys: readonly MisplacedKey[]): Promise<string | undefined> {
    this.#active++;
    try {
      await this.#settled;
      const wrong = await Promise.all(keys.map((key) => this.#move(key)));
      return wrong.find((each) => each !== undefined);
    } finally {
      if (--this.#active === 0 && this.#finished) this.close();
    }
  }

  /** Walk over all old servers and move what does not belong there; resolves when that is done, or after `close`. */
  async run(): Promise<void> {
    await this.#settled;
    await Promise.all(this.#before.map((server) => this.#walk(server)));
  }

  /** All keys have moved: those who asked are still told so, then it is closed. */
  finish(): void {
    this.#finished = true;
    if (this.#active === 0) this.close();
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close('the ambassador ends');
  }

  async #walk(server: Server): Promise<void> {
    for (let cursor = '0'; !this.#closed;) {
      const next = await this.#step(server, cursor);
      if (next === '0') return;
      if (next === undefined) await new Promise((resolve) => setTimeout(resolve, RETRY));
      else cursor = next;
    }
  }

  /** @returns the cursor of the next step; undefined when this one has to be done again */
  async #step(server: Server, cursor: string): Promise<string | undefined> {
    const reply = await this.#ask(server, ['SCAN', cursor, 'COUNT', STEP]);
    if (reply instanceof Error) return undefined;
    const head = /^\*2\r\n\$\d{1,2}\r\n(\d{1,20})\r\n/.exec(reply.toString('latin1', 0, 64));
    const keys = head && flatElements(reply.subarray(head[0].length));
    if (!head || !keys) return undefined;
    const misplaced = keys.flatMap((key) => {
      if (!(key instanceof Buffer)) return [];
      const { shards } = this.#options;
      const from = shards.before(key, 0, key.length);
      return from === server ? [{ key, from, to: shards.of(key, 0, key.length) }] : [];
    });
    return (await this.pull(misplaced)) === undefined ? head[1]! : undefined;
  }

  async #move({ key, from, to }: MisplacedKey): Promise<string | undefined> {
    const { login, timeout, onMoved } = this.#options;
    const { user, password } = login;
    const { host, port } = to.options;
    const auth = password === undefined ? [] : user === undefined ? ['AUTH', password] : ['AUTH2', user, password];
    const reply = await this.#ask(from, ['MIGRATE', host, String(port), key, '0', String(timeout), ...auth]);
    if (reply instanceof Error) return reply.message;
    const text = reply.toString('latin1', 0, 200).trim();
    if (text === '+OK') onMoved();
    if (text.startsWith('+')) return undefined;
    // It has moved before, without our being told: what is on the new server counts, which alone was written since.
    if (!text.includes('BUSYKEY')) return `server ${from.name} could not move a key to ${to.name}: ${text.slice(1)}`;
    const deleted = await this.#ask(from, ['UNLINK', key]);
    return deleted instanceof Error ? deleted.message : undefined;
  }

  #ask(server: Server, words: readonly (string | Buffer)[]): Promise<Buffer | Error> {
    let connection = this.#connections.get(server);
    if (connection === undefined || connection.closed) {
      connection = server.open(2, { onGone: () => {} }, PATIENCE * this.#options.timeout);
      this.#connections.set(server, connection);
    }
    const { promise, resolve } = Promise.withResolvers<Buffer | Error>();
    connection.send(encodeCommand(words), new ReplyCollector(MAX_REPLY, resolve));
    return promise;
  }
}
