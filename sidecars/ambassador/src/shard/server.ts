/** One server of the ring: its connections, and whether it can be used. */
import type { Flushing } from './flushing.ts';
import { ReplyCollector, type Pending } from './pending.ts';
import {
  ServerConnection,
  type CommandTracer,
  type Login,
  type ServerAddress,
  type ServerConnectionUser,
} from './server-connection.ts';

/** Connections for slow commands, for each version of the protocol; further commands share those. */
const MAX_SLOW = 64;
/** From one attempt to reach a server that is down to the next, in milliseconds: doubled up to the second. */
const RETRY_MIN = 50;
const RETRY_MAX = 1000;

export interface ServerOptions extends ServerAddress {
  readonly login: Login;
  /** Connections that all clients share, for each version of the protocol. */
  readonly connections: number;
  /** How long connecting and a reply may take, in milliseconds. */
  readonly timeout: number;
  /** How long a reply to a command may take that is slow by its nature, in milliseconds. */
  readonly slowTimeout: number;
  /** Failures in a row after which it is down. */
  readonly failureLimit: number;
  readonly flushing: Flushing;
  readonly spans?: CommandTracer | undefined;
}

/** Told what happens to a server. */
export interface ServerObserver {
  onUp(server: Server): void;
  onDown(server: Server, reason: string): void;
  onSent(server: Server): void;
  onAnswer(server: Server): void;
}

export class Server {
  readonly options: ServerOptions;
  /** Why it cannot be used; undefined while it can. */
  down: string | undefined;
  /** It has answered once. */
  reached = false;
  readonly #observer: ServerObserver;
  readonly #shared: Record<2 | 3, (ServerConnection | undefined)[]> = { 2: [], 3: [] };
  readonly #own = new Set<ServerConnection>();
  readonly #slow: Record<2 | 3, Set<ServerConnection>> = { 2: new Set(), 3: new Set() };
  /** When a slow command was last under way, in milliseconds: what waited for it is not late. */
  #slowUntil = 0;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #delay = RETRY_MIN;
  #closed = false;

  constructor(options: ServerOptions, observer: ServerObserver) {
    this.options = options;
    this.#observer = observer;
  }

  get name(): string {
    return this.options.name;
  }

  /** Send a command on a shared connection. @param lane a client's number: its commands keep their order */
  send(bytes: Buffer, pending: Pending, protocol: 2 | 3, lane: number): void {
    if (this.down !== undefined) return pending.onFailure(`server ${this.name}: ${this.down}`);
    const place = lane % this.options.connections;
    const connections = this.#shared[protocol];
    let connection = connections[place];
    if (connection === undefined || connection.closed) {
      connection = this.#connect(protocol, this.options.timeout, (gone) => {
        if (connections[place] === gone) connections[place] = undefined;
      });
      connections[place] = connection;
    }
    connection.send(bytes, pending);
  }

  /**
   * Send a command that may take long, on a connection without another command. A server carries out one command
   * at a time: those on its other connections may wait for as long.
   */
  sendSlow(bytes: Buffer, pending: Pending, protocol: 2 | 3): void {
    if (this.down !== undefined) return pending.onFailure(`server ${this.name}: ${this.down}`);
    const connections = this.#slow[protocol];
    let chosen: ServerConnection | undefined;
    for (const each of connections) if (chosen === undefined || each.active < chosen.active) chosen = each;
    if (chosen === undefined || (chosen.active > 0 && connections.size < MAX_SLOW)) {
      chosen = this.#connect(protocol, this.options.slowTimeout, (gone) => connections.delete(gone));
      connections.add(chosen);
    }
    chosen.send(bytes, pending);
  }

  /**
   * A connection for one user alone.
   * @param user told of its end and its messages
   * @param timeout how long a reply may take, in milliseconds; where absent, as long as it likes
   */
  open(
    protocol: 2 | 3,
    user: { onGone(reason: string): void; onPush?(bytes: Buffer, done: boolean): void },
    timeout = 0,
  ): ServerConnection {
    const connection = this.#connect(
      protocol,
      timeout,
      (gone, reason) => {
        this.#own.delete(gone);
        user.onGone(reason);
      },
      user.onPush?.bind(user),
    );
    this.#own.add(connection);
    return connection;
  }

  /** Look for replies that are late. */
  sweep(now: number): void {
    const slow = [...this.#slow[2], ...this.#slow[3]];
    for (const connection of slow) connection.sweep(now, 0);
    if (slow.some(({ active }) => active > 0)) this.#slowUntil = now;
    for (const connection of [...this.#shared[2], ...this.#shared[3], ...this.#own])
      connection?.sweep(now, this.#slowUntil);
  }

  /**
   * Wait until everything that was sent is answered, or never will be.
   * @param patience after which what still waits is ended, in milliseconds
   */
  async settled(patience: number): Promise<void> {
    await Promise.all(
      this.#open().map((connection) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(() => connection.close('the servers have changed'), patience);
        connection.send(PING, new ReplyCollector(1024, () => resolve()));
        return promise.finally(() => clearTimeout(timer));
      }),
    );
  }

  #open(): ServerConnection[] {
    return this.#all().filter((each) => each?.closed === false) as ServerConnection[];
  }

  #all(): (ServerConnection | undefined)[] {
    return [...this.#shared[2], ...this.#shared[3], ...this.#slow[2], ...this.#slow[3], ...this.#own];
  }

  /** Try to reach it, whatever was before. */
  probe(): void {
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const connection = this.#connect(2, this.options.timeout, () => {}, undefined, false);
    connection.send(PING, {
      onReply: (bytes, done) => {
        if (!done) return;
        // A user may lack the right to PING; a server that runs a script takes SCRIPT KILL.
        if (/^-(?!NOPERM|BUSY)/.test(bytes.toString('latin1', 0, 8)))
          this.#failed(bytes.toString('latin1', 1, Math.min(bytes.length, 200)).trim());
        else this.#alive();
        connection.close('it was a probe');
      },
      onFailure: () => {},
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const connection of this.#all()) connection?.close('the ambassador ends');
  }

  #connect(
    protocol: 2 | 3,
    timeout: number,
    onGone: (connection: ServerConnection, reason: string) => void,
    onPush?: ServerConnectionUser['onPush'],
    counted = true,
  ): ServerConnection {
    const connection = new ServerConnection(
      {
        ...this.options,
        protocol,
        connectTimeout: this.options.timeout,
        timeout,
        // A probe is no command of the application.
        spans: counted ? this.options.spans : undefined,
      },
      {
        onReady: () => {},
        onSent: () => {
          if (counted) this.#observer.onSent(this);
        },
        onAnswer: () => {
          if (!counted) return;
          this.#alive();
          this.#observer.onAnswer(this);
        },
        onRefused: (reason) => this.#refused(reason),
        onGone: (reason, failed) => {
          onGone(connection, reason);
          if (failed && !this.#closed) this.#failed(reason);
        },
        ...(onPush && { onPush }),
      },
    );
    return connection;
  }

  #alive(): void {
    this.#failures = 0;
    this.#delay = RETRY_MIN;
    if (this.reached && this.down === undefined) return;
    this.reached = true;
    this.down = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#observer.onUp(this);
  }

  /** It wants a login, or another one: no command is carried out until it takes ours. */
  #refused(reason: string): void {
    this.#failures = this.options.failureLimit;
    this.#failed(reason);
  }

  #failed(reason: string): void {
    this.#failures += 1;
    if (this.#failures >= this.options.failureLimit) {
      const before = this.down;
      this.down = reason;
      if (before === undefined) this.#observer.onDown(this, reason);
    }
    if (this.#retry !== undefined || this.#closed) return;
    this.#retry = setTimeout(() => this.probe(), this.#delay);
    this.#delay = Math.min(RETRY_MAX, this.#delay * 2);
  }
}

const PING = Buffer.from('*1\r\n$4\r\nPING\r\n');
