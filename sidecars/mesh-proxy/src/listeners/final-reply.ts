/** The last bytes of a connection: they are sent, and it is closed in a way that does not lose them. */
import type { Socket } from 'node:net';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { handle, type DownstreamHandler } from '#proxy/sockets/connection.ts';

/** How long the other side may take to close, in milliseconds. */
const PATIENCE = 1000;

/**
 * What still comes is read and thrown away: bytes that nobody reads make the system reset the connection, and what was
 * said could be lost.
 */
export class FinalReply implements DownstreamHandler {
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #deadline: number;

  constructor(context: ProxyContext, socket: Socket, text: string) {
    this.#context = context;
    this.#socket = socket;
    this.#deadline = context.sweeper.after(PATIENCE);
    handle(socket, this);
    context.sweeper.add(this);
    socket.end(text, 'latin1');
    socket.resume();
  }

  onClientData(): void {}
  onClientEnd(): void {}
  onClientDrain(): void {}
  onClientClose(): void {
    this.#context.sweeper.remove(this);
  }
  sweep(now: number): void {
    if (now >= this.#deadline) this.#socket.destroy();
  }
  drain(): void {}
  destroy(): void {
    this.#socket.destroy();
  }
  onInternalError(error: unknown): void {
    internalError(this.#context, error);
    this.#socket.destroy();
  }
}
