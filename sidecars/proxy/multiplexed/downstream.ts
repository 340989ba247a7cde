/** A client's connection that carries many others: each is served as if it had come by itself. */
import type { Socket } from 'node:net';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { handlerOf } from '#proxy/sockets/connection.ts';
import { Http2Session, type Http2SessionUser } from '#proxy/downstream/http2-session.ts';
import type { MultiplexedConnections } from '#proxy/downstream/plain-listener.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import { Carrier } from './carrier.ts';
import type { Channel } from './channel.ts';

export class CarrierDownstream implements Http2SessionUser {
  readonly #context: ProxyContext;
  readonly #carrier: Carrier;
  readonly session: Http2Session;

  /**
   * @param multiplexed has room for connections, or none
   * @param serve takes a connection; whatever is thrown ends that one
   */
  constructor(
    context: ProxyContext,
    socket: Socket,
    multiplexed: MultiplexedConnections,
    serve: (socket: Socket) => void,
  ) {
    this.#context = context;
    this.#carrier = new Carrier('server', memoryBudget, {
      admits: () => multiplexed.admit(),
      onChannel: (channel) => {
        multiplexed.add(channel);
        this.#serve(channel, serve);
      },
      // The engine speaks first, before there is a session.
      onOutput: () => this.session?.schedule(),
      onLast: () => {},
      onError: (code) => this.session.fail(code),
    });
    this.#carrier.remoteAddress = socket.remoteAddress;
    this.session = new Http2Session(context, socket, this.#carrier.http2, this, context.settings.idleTimeout);
  }

  #serve(channel: Channel, serve: (socket: Socket) => void): void {
    try {
      serve(channel.socket);
    } catch (error) {
      internalError(this.#context, error);
      channel.destroy();
    }
  }

  onSweep(now: number): void {
    this.#carrier.http2.sweep(now, this.#context.settings.idleTimeout);
  }

  onDraining(): void {
    for (const { user } of this.#carrier.http2.streams) if (user !== undefined) handlerOf(user)?.drain();
  }
}
