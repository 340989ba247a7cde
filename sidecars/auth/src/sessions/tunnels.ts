/** Connections that a session has opened and that outlive their request: WebSockets. They end with it. */
import type { Socket } from 'node:net';

interface Tunnel {
  readonly socket: Socket;
  /** Whether what let it in is still good. */
  readonly good: () => boolean;
}

/** Milliseconds between looks for those whose time has come. */
const EVERY = 1000;

export class Tunnels {
  readonly #open = new Set<Tunnel>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param socket a connection that is the tunnel's alone
   * @param good asked every second, and at each logout
   */
  add(socket: Socket, good: () => boolean): void {
    if (socket.destroyed) return;
    const tunnel = { socket, good };
    this.#open.add(tunnel);
    socket.once('close', () => this.#open.delete(tunnel));
    this.#timer ??= setInterval(() => this.look(), EVERY).unref();
  }

  /** Close those that are no longer good. */
  look(): void {
    for (const { socket, good } of this.#open) if (!good()) socket.destroy();
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
