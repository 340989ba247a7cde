/** Carriers towards one endpoint: made when more than one connection is wanted at once, and one more when they are full. */
import type { Socket } from 'node:net';
import type { Sweeper, Swept } from '#proxy/loop/sweeper.ts';
import type { MultiplexedUser, Multiplexer, ConnectionTarget } from '#proxy/upstream/connection.ts';
import { CarrierUpstream, type CarrierOwner } from './upstream.ts';

/** How long an endpoint that takes no carriers is not asked again, in milliseconds. */
const REFUSED = 60_000;
/** How long after one that did not come, or was lost, in milliseconds. */
const FAILED = 1000;

export interface CarriersOptions {
  /** Its TLS offers `alpn` before anything else. */
  readonly target: ConnectionTarget;
  /** Protocol of TLS (ALPN) by which an endpoint says that it takes carriers. */
  readonly alpn: string;
  readonly sweeper: Sweeper;
  /** How long one that carries nothing is kept, and one whose peer reads nothing, in milliseconds. */
  readonly idleTimeout: number;
  /** How long one may take to come, in milliseconds. */
  readonly connectTimeout: number;
}

export class Carriers implements Multiplexer, CarrierOwner, Swept {
  readonly #options: CarriersOptions;
  #opening: CarrierUpstream | undefined;
  /** When the one that is opening must be there. */
  #deadline = 0;
  /** Those that take connections. */
  readonly #ready: CarrierUpstream[] = [];
  /** Those that take no more, and still carry some. */
  readonly #leaving = new Set<CarrierUpstream>();
  /** None is made before, on the sweeper's clock. */
  #notBefore = 0;
  #closed = false;

  constructor(options: CarriersOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#ready.length > 0;
  }

  open(user: MultiplexedUser): Socket | undefined {
    for (const { carrier } of this.#ready) if (carrier.http2.available > 0) return carrier.open(user).socket;
    return undefined;
  }

  want(): void {
    const { sweeper, target, connectTimeout } = this.#options;
    if (this.#closed || this.#opening !== undefined || sweeper.now < this.#notBefore) return;
    this.#opening = new CarrierUpstream(target, this);
    this.#deadline = sweeper.after(connectTimeout);
    sweeper.add(this);
  }

  onReady(carrier: CarrierUpstream): boolean {
    const { sweeper, alpn } = this.#options;
    this.#opening = undefined;
    if (carrier.alpn !== alpn) this.#notBefore = sweeper.now + REFUSED;
    else if (!this.#closed) {
      this.#ready.push(carrier);
      return true;
    }
    this.#settle();
    return false;
  }

  onLast(carrier: CarrierUpstream): void {
    const index = this.#ready.indexOf(carrier);
    if (index === -1) return;
    this.#ready.splice(index, 1);
    this.#leaving.add(carrier);
  }

  onGone(carrier: CarrierUpstream): void {
    if (this.#opening === carrier) this.#opening = undefined;
    else {
      this.onLast(carrier);
      if (!this.#leaving.delete(carrier)) return;
    }
    this.#notBefore = this.#options.sweeper.now + FAILED;
    this.#settle();
  }

  #settle(): void {
    if (this.#opening === undefined && this.#ready.length === 0 && this.#leaving.size === 0)
      this.#options.sweeper.remove(this);
  }

  sweep(now: number): void {
    const { idleTimeout } = this.#options;
    if (this.#opening !== undefined && now >= this.#deadline) this.#opening.destroy();
    for (const made of [...this.#ready, ...this.#leaving]) {
      made.sweep(now, idleTimeout);
      if (made.carrier.http2.size > 0) made.idleSince = undefined;
      else {
        made.idleSince ??= now;
        if (this.#leaving.has(made) || now - made.idleSince >= idleTimeout) this.#close(made);
      }
    }
  }

  #close(made: CarrierUpstream): void {
    this.onLast(made);
    this.#leaving.delete(made);
    made.close();
    this.#settle();
  }

  /** `sweep` threw: none is used again. */
  onInternalError(): void {
    for (const made of [...this.#ready, ...this.#leaving]) made.destroy();
  }

  close(): void {
    this.#closed = true;
    this.#opening?.destroy();
    for (const made of this.#ready.slice())
      if (made.carrier.http2.size === 0) this.#close(made);
      else this.onLast(made);
  }
}
