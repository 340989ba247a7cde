/** Connections to the application: those in use, and idle ones for the next request. */
import type { Sweeper, Swept } from '../sweeper.ts';
import { UpstreamConnection, type UpstreamUser } from './connection.ts';

/** An application may close an idle connection just as a request is sent. What must not be sent twice only takes one that was used just now. */
const FRESH = 500;
const MAX_IDLE = 256;

export interface PoolOptions {
  readonly host: string;
  readonly port: number;
  /** How long an idle connection is kept, in milliseconds; 0 uses each connection once. */
  readonly idleTimeout: number;
  readonly sweeper: Sweeper;
}

export class UpstreamPool implements Swept {
  readonly #options: PoolOptions;
  /** The last one used is used next: the others grow old and are closed. */
  readonly #idle: UpstreamConnection[] = [];
  readonly #forget: (connection: UpstreamConnection) => void;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#forget = (connection) => this.#remove(connection);
  }

  /** Whether connections serve more than one request. */
  get keepsAlive(): boolean {
    return this.#options.idleTimeout > 0;
  }

  /**
   * A connection for one request: an idle one, or one that is being made.
   * @param repeatable whether the request may be sent a second time, should an idle connection turn out to be dead
   * @param fresh take no idle one
   */
  acquire(user: UpstreamUser, repeatable: boolean, fresh: boolean): UpstreamConnection {
    if (!fresh && this.#idle.length > 0) {
      const last = this.#idle[this.#idle.length - 1]!;
      if (repeatable || this.#options.sweeper.now - last.idleSince < FRESH) {
        this.#idle.pop();
        if (this.#idle.length === 0) this.#options.sweeper.remove(this);
        last.user = user;
        return last;
      }
    }
    return new UpstreamConnection(this.#options, user, this.#forget);
  }

  /** Give back a connection whose last response was read to its end. */
  release(connection: UpstreamConnection): void {
    connection.user = undefined;
    if (!this.keepsAlive || this.#idle.length >= MAX_IDLE) {
      connection.destroy();
      return;
    }
    connection.reused = true;
    if (this.#idle.length === 0) this.#options.sweeper.add(this);
    connection.idleSince = this.#options.sweeper.now;
    this.#idle.push(connection);
  }

  /** Close connections that were idle for too long. */
  sweep(now: number): void {
    let old = 0;
    while (old < this.#idle.length && now - this.#idle[old]!.idleSince >= this.#options.idleTimeout) old++;
    for (const connection of this.#idle.splice(0, old)) connection.destroy();
    if (this.#idle.length === 0) this.#options.sweeper.remove(this);
  }

  /** Close all idle connections. */
  close(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
    this.#options.sweeper.remove(this);
  }

  #remove(connection: UpstreamConnection): void {
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }
}
