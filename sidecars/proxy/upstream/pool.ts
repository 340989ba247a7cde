/** Connections to one endpoint of HTTP/1: those in use, and idle ones for the next request. */
import type { Sweeper, Swept } from '#proxy/sweeper.ts';
import type { ConnectionTarget } from './connection.ts';
import { Http1Connection, type Http1Owner } from './http1.ts';

/** An endpoint may close an idle connection just as a request is sent. What must not be sent twice only takes one that was used just now. */
const FRESH = 500;
const MAX_IDLE = 256;

export interface PoolOptions extends ConnectionTarget {
  /** How long an idle connection is kept, in milliseconds; 0 uses each connection once. */
  readonly idleTimeout: number;
  /** Largest response head, in bytes. */
  readonly maxHeaderSize: number;
  readonly sweeper: Sweeper;
}

export class Http1Pool implements Http1Owner, Swept {
  readonly #options: PoolOptions;
  /** The last one used is used next: the others grow old and are closed. */
  readonly #idle: Http1Connection[] = [];
  readonly onVersion: (http10: boolean) => void;

  /** @param onVersion told of each response whether it was HTTP/1.0's */
  constructor(options: PoolOptions, onVersion: (http10: boolean) => void) {
    this.#options = options;
    this.onVersion = onVersion;
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
  acquire(repeatable: boolean, fresh: boolean): Http1Connection {
    if (!fresh && this.#idle.length > 0) {
      const last = this.#idle[this.#idle.length - 1]!;
      if (repeatable || this.#options.sweeper.now - last.idleSince < FRESH) {
        this.#idle.pop();
        if (this.#idle.length === 0) this.#options.sweeper.remove(this);
        return last;
      }
    }
    return new Http1Connection(this.#options, this.#options.maxHeaderSize, this);
  }

  /** Give back a connection whose last response was read to its end. */
  release(connection: Http1Connection): void {
    if (!this.keepsAlive || this.#idle.length >= MAX_IDLE) {
      connection.cancel();
      return;
    }
    if (this.#idle.length === 0) this.#options.sweeper.add(this);
    connection.idleSince = this.#options.sweeper.now;
    this.#idle.push(connection);
  }

  /** Close connections that were idle for too long. */
  sweep(now: number): void {
    let old = 0;
    while (old < this.#idle.length && now - this.#idle[old]!.idleSince >= this.#options.idleTimeout) old++;
    for (const connection of this.#idle.splice(0, old)) connection.cancel();
    if (this.#idle.length === 0) this.#options.sweeper.remove(this);
  }

  /** Closing connections does not throw; should it nevertheless, none of them is used again. */
  onInternalError(): void {
    this.close();
  }

  /** Close all idle connections. */
  close(): void {
    for (const connection of this.#idle.splice(0)) connection.cancel();
    this.#options.sweeper.remove(this);
  }

  /** A connection is closed: it is idle no longer. */
  remove(connection: Http1Connection): void {
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }
}
