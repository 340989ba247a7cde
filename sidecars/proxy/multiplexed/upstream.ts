/** A connection to an endpoint that carries many others. */
import type { TLSSocket } from 'node:tls';
import { Http2Transport } from '#proxy/http2/transport.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import type { PooledBuffer } from '#proxy/upstream/buffers.ts';
import { UpstreamConnection, type ConnectionTarget, type UpstreamUser } from '#proxy/upstream/connection.ts';
import { Carrier } from './carrier.ts';

export interface CarrierOwner {
  /** It is there. @returns false when it is of no use */
  onReady(carrier: CarrierUpstream): boolean;
  /** It takes no further connections; those that it has go on. */
  onLast(carrier: CarrierUpstream): void;
  /** It is gone, or never came. */
  onGone(carrier: CarrierUpstream): void;
}

export class CarrierUpstream implements UpstreamUser {
  readonly carrier: Carrier;
  /** Since when it carries nothing, on the sweeper's clock; undefined while it does. */
  idleSince: number | undefined;
  readonly #owner: CarrierOwner;
  readonly #connection: UpstreamConnection;
  readonly #transport: Http2Transport;

  constructor(target: ConnectionTarget, owner: CarrierOwner) {
    this.#owner = owner;
    this.#connection = new UpstreamConnection(target, this, () => owner.onGone(this));
    this.carrier = new Carrier('client', memoryBudget, {
      // Nothing leaves before it is known that the endpoint takes a carrier.
      onOutput: () => this.#transport?.schedule(),
      onLast: () => owner.onLast(this),
      onError: () => {
        owner.onLast(this);
        this.#transport.end();
      },
    });
    this.#transport = new Http2Transport(this.#connection.socket, this.carrier.http2, (error) =>
      this.onInternalError(error),
    );
  }

  /** What the endpoint chose to speak. */
  get alpn(): unknown {
    return (this.#connection.socket as Partial<TLSSocket>).alpnProtocol;
  }

  /** End what makes no progress, and see what has left meanwhile. @param patience in milliseconds */
  sweep(now: number, patience: number): void {
    this.#transport.measure();
    this.carrier.http2.sweep(now, patience);
  }

  /** Close it, in good order: nothing is open. */
  close(): void {
    this.carrier.http2.finish();
    this.#transport.end();
  }

  /** End it at once. */
  destroy(): void {
    this.#connection.destroy();
    this.carrier.http2.close();
  }

  onUpstreamConnect(): void {
    this.carrier.remoteAddress = this.#connection.socket.remoteAddress;
    if (this.#owner.onReady(this)) this.#transport.schedule();
    else this.destroy();
  }

  onUpstreamBytes(buffer: PooledBuffer, start: number, end: number): boolean {
    return this.#transport.receive(buffer.bytes, start, end);
  }

  onUpstreamFinish(): void {
    this.#transport.receiveRest();
    this.destroy();
  }

  onUpstreamClose(): void {
    this.#transport.receiveRest();
    this.carrier.http2.close();
  }

  onUpstreamDrain(): void {
    this.#transport.onDrain();
  }

  onInternalError(error: unknown): void {
    this.carrier.fail(error);
    this.destroy();
  }
}
