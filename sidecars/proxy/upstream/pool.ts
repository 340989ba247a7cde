/** Connections to one endpoint of HTTP/1: those in use, and idle ones for the next request. */
import type { Sweeper, Swept } from '#proxy/loop/sweeper.ts';
import type { Multiplexer, ConnectionTarget } from './connection.ts';
import { Http1Connection, type Http1Owner } from './http1.ts';

/** An endpoint may close an idle connection just as a request is sent. What must not be sent twice only takes one that was used just now. */
const FRESH = 500;
/**
 * An endpoint that closed one sooner than that may do so in the very moment in which a request leaves, which nobody can
 * see: for so long after the last time such requests have connections of their own. In milliseconds.
 */
const SUSPECT = 60_000;
const MAX_IDLE = 256;
/**
 * Average sizes, in bytes, at which requests and responses count as large, or small again: a carrier saves what each of them costs,
 * and copies their bytes once more.
 */
const LARGE = 64 * 1024;
const SMALL = 16 * 1024;
/** How much of the average the last one is. */
const WEIGHT = 1 / 16;

export interface PoolOptions extends ConnectionTarget {
  /** How long an idle connection is kept, in milliseconds; 0 uses each connection once. */
  readonly idleTimeout: number;
  /** Largest response head, in bytes. */
  readonly maxHeaderSize: number;
  readonly sweeper: Sweeper;
  /** What connections are multiplexed by, where there are more than one. */
  readonly carriers?: Multiplexer;
}

export class Http1Pool implements Http1Owner, Swept {
  readonly #options: PoolOptions;
  /** The last one used is used next: the others grow old and are closed. */
  readonly #idle: Http1Connection[] = [];
  /** Connections with a socket of their own. */
  #direct = 0;
  #closed = false;
  /** Until then the endpoint is one that closes idle connections soon; a time of `performance.now()`. */
  #suspectUntil = 0;
  /** Bytes that a request moved, on average. */
  #average = 0;
  /** Requests are large: they have connections of their own. */
  #large = false;
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
      if (
        repeatable ||
        (this.#options.sweeper.now - last.idleSince < FRESH && performance.now() >= this.#suspectUntil)
      ) {
        this.#idle.pop();
        if (this.#idle.length === 0) this.#options.sweeper.remove(this);
        return last;
      }
    }
    const { maxHeaderSize } = this.#options;
    const carriers = this.#large ? undefined : this.#options.carriers;
    const connection = new Http1Connection(this.#options, maxHeaderSize, this, fresh ? undefined : carriers);
    // One request at a time has its shortest way on a connection of its own; several are dearer so than together.
    if (!connection.multiplexed && this.#direct++ > 0) carriers?.want();
    return connection;
  }

  /** Give back a connection whose last response was read to its end. */
  release(connection: Http1Connection): void {
    this.#average += (connection.moved - this.#average) * WEIGHT;
    this.#large = this.#average > (this.#large ? SMALL : LARGE);
    if (!this.keepsAlive || this.#closed || this.#idle.length >= MAX_IDLE || this.#isSpare(connection)) {
      connection.cancel();
      return;
    }
    if (this.#idle.length === 0) this.#options.sweeper.add(this);
    connection.idleSince = this.#options.sweeper.now;
    this.#idle.push(connection);
  }

  /** It is not multiplexed, could be, and is not the only one; or it is, and should not. */
  #isSpare({ multiplexed }: Http1Connection): boolean {
    const { carriers } = this.#options;
    if (this.#large) return multiplexed;
    if (carriers === undefined || multiplexed || this.#direct < 2) return false;
    if (!carriers.ready) carriers.want();
    return carriers.ready;
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
    this.#closeIdle();
  }

  /** Close all idle connections; what is under way goes on, and is closed then. */
  close(): void {
    this.#closed = true;
    this.#closeIdle();
    this.#options.carriers?.close();
  }

  #closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.cancel();
    this.#options.sweeper.remove(this);
  }

  /** A connection is closed: it is idle no longer. */
  remove(connection: Http1Connection): void {
    if (!connection.multiplexed) this.#direct--;
    const index = this.#idle.indexOf(connection);
    if (index === -1) return;
    this.#idle.splice(index, 1);
    const { sweeper } = this.#options;
    if (sweeper.now - connection.idleSince < FRESH) this.#suspectUntil = performance.now() + SUSPECT;
  }
}
