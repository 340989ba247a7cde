/** The server's side of mTLS: takes connections over whose first bytes are a hello of the mesh. */
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import type { Credentials, Identity } from '#mesh/model/identity.ts';
import { MESH_CARRIER } from '../cluster/host.ts';
import { contextOptions, MESH_ALPN, MESH_TCP_ACK, type MeshTls } from './contexts.ts';
import { peerOf, type Peer } from './peer.ts';

export interface HandshakeUser {
  onSecure(socket: TLSSocket, peer: Peer): void;
  /**
   * The connection is closed by the server: destroying the socket below TLS while its handshake ends crashes
   * the process (a use after free in Node 26.10).
   * @param reason a sentence's end
   */
  onRefused(reason: string): void;
}

export class MeshServer {
  readonly #server: Server;
  readonly #identity: Identity;
  readonly #tls: MeshTls;
  readonly #waiting = new Map<string, HandshakeUser>();

  /** @param handshakeTimeout in milliseconds */
  constructor(identity: Identity, tls: MeshTls, handshakeTimeout: number) {
    this.#identity = identity;
    this.#tls = tls;
    this.#server = createServer({
      ...(identity.current && contextOptions(identity.current)),
      ALPNProtocols: [MESH_ALPN.h2, MESH_CARRIER, MESH_ALPN['http/1.1'], MESH_TCP_ACK, MESH_ALPN.tcp],
      requestCert: true,
      // Who shows none, or a bad one, is told apart after the handshake, to be counted and explained.
      rejectUnauthorized: false,
      handshakeTimeout,
      noDelay: true,
    });
    identity.onChange((credentials: Credentials) => this.#server.setSecureContext(contextOptions(credentials)));
    this.#server.on('secureConnection', (socket) => this.#secure(socket));
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      const user = this.#take(socket);
      user?.onRefused(`the handshake failed: ${reasonOf(error)}`);
      socket.destroy();
    });
  }

  /**
   * Take a connection over.
   * @param first what was read of it
   */
  take(socket: Socket, first: Buffer, user: HandshakeUser): void {
    this.#identity.look?.();
    const key = keyOf(socket);
    this.#waiting.set(key, user);
    socket.once('close', () => {
      if (this.#waiting.get(key) !== user) return;
      this.#waiting.delete(key);
      user.onRefused('the connection was closed within the handshake');
    });
    socket.pause();
    // From here on the TLS engine reads, and what was read already is read again.
    socket.removeAllListeners('data');
    socket.unshift(first);
    this.#server.emit('connection', socket);
  }

  #take(socket: Socket): HandshakeUser | undefined {
    const key = keyOf(socket);
    const user = this.#waiting.get(key);
    this.#waiting.delete(key);
    return user;
  }

  #secure(socket: TLSSocket): void {
    const user = this.#take(socket);
    socket.on('error', () => {});
    if (user === undefined || socket.destroyed) {
      socket.destroy();
      return;
    }
    socket.allowHalfOpen = true;
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    const peer =
      certificate === undefined
        ? `its certificate is not accepted: ${String(socket.authorizationError ?? 'it shows none')}`
        : peerOf(certificate, this.#tls.trustDomain);
    if (typeof peer === 'string') {
      user.onRefused(peer);
      socket.destroy();
    } else user.onSecure(socket, peer);
  }
}

const keyOf = ({ remoteAddress, remotePort, localAddress }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`;

function reasonOf(error: NodeJS.ErrnoException): string {
  return error.code === undefined ? error.message : error.code.replace(/^ERR_(SSL|TLS)_/, '').toLowerCase();
}
