/** A client's connection that carries many others: each is served as if it had come by itself. */
import type { Socket } from 'node:net';
import { internalError, type ProxyContext } from '#proxy/context.ts';
import { handleDirectly, handlerOf, type DownstreamHandler } from '#proxy/downstream/connection.ts';
import { clientMemory } from '#proxy/downstream/http2.ts';
import { ERROR_NAMES, INTERNAL_ERROR } from '#proxy/http2/codes.ts';
import { Http2Transport } from '#proxy/http2/transport.ts';
import { Carrier } from './carrier.ts';
import type { CarriedConnections } from '#proxy/downstream/plain-listener.ts';
import type { Channel } from './channel.ts';

/** How long after GOAWAY a connection may still be on its way, in milliseconds. */
const DRAIN_GRACE = 1000;
/** How long a closed connection's last bytes are waited for, in milliseconds. */
const LINGER = 2000;

export class CarrierDownstream implements DownstreamHandler {
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #carrier: Carrier;
  readonly #transport: Http2Transport;
  /** When it is closed, unless it carries something until then. */
  #deadline: number;
  /** No further connection is served. */
  #last = false;
  #closing = false;

  /**
   * @param carried has room for connections, or none
   * @param serve takes a connection; whatever is thrown ends that one
   */
  constructor(context: ProxyContext, socket: Socket, carried: CarriedConnections, serve: (socket: Socket) => void) {
    this.#context = context;
    this.#socket = socket;
    this.#deadline = context.sweeper.after(context.settings.idleTimeout);
    this.#carrier = new Carrier('server', clientMemory, {
      admits: () => carried.admit(),
      onChannel: (channel) => {
        carried.add(channel);
        this.#serve(channel, serve);
      },
      // The engine speaks first, before there is a transport.
      onOutput: () => this.#transport?.schedule(),
      onLast: () => {},
      onError: (code) => {
        context.stats.downstreamRefused(`h2_${ERROR_NAMES[code] ?? 'unknown'}`);
        this.#close();
      },
    });
    this.#carrier.remoteAddress = socket.remoteAddress;
    this.#transport = new Http2Transport(socket, this.#carrier.http2, (error) => this.onInternalError(error));
    this.#transport.schedule();
    context.sweeper.add(this);
    handleDirectly(socket, this);
  }

  #serve(channel: Channel, serve: (socket: Socket) => void): void {
    try {
      serve(channel.socket);
    } catch (error) {
      internalError(this.#context, error);
      channel.destroy();
    }
  }

  onClientData(chunk: Buffer): void {
    this.#carrier.http2.receive(chunk, 0, chunk.length);
  }

  /** A carrier has no use for one half of itself. */
  onClientEnd(): void {
    this.#socket.destroy();
  }

  onClientDrain(): void {
    this.#transport.onDrain();
  }

  onClientClose(): void {
    this.#context.sweeper.remove(this);
    this.#carrier.http2.close();
  }

  onInternalError(error: unknown): void {
    internalError(this.#context, error);
    this.#carrier.http2.fail(INTERNAL_ERROR, 'internal');
  }

  drain(): void {
    this.#carrier.http2.announceEnd();
    this.#last = true;
    this.#deadline = this.#context.sweeper.after(DRAIN_GRACE);
    for (const { user } of this.#carrier.http2.streams) if (user !== undefined) handlerOf(user)?.drain();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Send what there is, then close; a client that does not close its side is cut. */
  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#transport.end();
    this.#deadline = this.#context.sweeper.after(LINGER);
  }

  sweep(now: number): void {
    const { http2 } = this.#carrier;
    const { sweeper, settings } = this.#context;
    if (this.#closing) {
      if (now >= this.#deadline) this.#socket.destroy();
      return;
    }
    this.#transport.measure();
    http2.sweep(now, settings.idleTimeout);
    if (http2.over) return;
    if (http2.size > 0 && !this.#last) this.#deadline = sweeper.after(settings.idleTimeout);
    else if (now >= this.#deadline) {
      http2.finish();
      if (http2.size === 0) this.#close();
    }
  }
}
