/**
 * TCP connections whose TLS handshake has not ended. `node:tls` shows its own socket of a connection
 * only once it has, and keeps the TCP socket to itself; the client's address and port tell which
 * belong together.
 */
import type { Server, Socket } from 'node:net';

type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>;

export class Handshakes {
  readonly #open = new Map<string, Socket>();

  /** @param server whose connections are followed from here on */
  constructor(server: Server) {
    const open = this.#open;
    // One function for all sockets; `this` is the socket.
    const forget = function (this: Socket): void {
      const key = keyOf(this);
      // Another connection may have come from the same port meanwhile.
      if (open.get(key) === this) open.delete(key);
    };
    server.prependListener('connection', (socket: Socket) => {
      open.set(keyOf(socket), socket);
      socket.on('close', forget);
    });
  }

  /** The handshake of this TLS socket has ended, or failed. @returns the TCP socket below it */
  end(socket: Peer): Socket | undefined {
    const key = keyOf(socket);
    const below = this.#open.get(key);
    this.#open.delete(key);
    return below;
  }

  /** Close the connections whose handshakes have not ended. */
  destroyAll(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }
}

function keyOf({ remoteAddress, remotePort }: Peer): string {
  return `${remoteAddress} ${remotePort}`;
}
