/** The open connections of a listener, and their orderly end. */
import type { Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { handlerOf, type DownstreamHandler } from '../sockets/connection.ts';

export class Connections {
  readonly #open = new Map<Duplex, DownstreamHandler>();

  add(socket: Duplex, handler: DownstreamHandler): void {
    this.#open.set(socket, handler);
  }

  delete(socket: Duplex): void {
    this.#open.delete(socket);
  }

  /**
   * Stop a server: accept no more, let what was begun come to its end, then close.
   * @param patience milliseconds after which what is still open is cut
   */
  async drain(server: Server, context: ProxyContext, patience: number): Promise<void> {
    context.draining = true;
    for (const [socket, handler] of this.#open) (handlerOf(socket) ?? handler).drain();
    // Connections that wait in the backlog already are let in first.
    await nextTurn();
    await nextTurn();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      const cut = this.#open.size;
      if (cut > 0) context.log.warn({ connections: cut }, 'drain deadline passed: closing what is open');
      for (const socket of this.#open.keys()) socket.destroy();
      resolve();
    }, patience);
    server.close(() => resolve());
    await promise;
    clearTimeout(timer);
  }
}
