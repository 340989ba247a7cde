/** The TLS port: handshakes and their limits, certificates, client certificates, and what comes after. */
import { constants, type X509Certificate } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { ConfigurationError } from '#kit/parameters.ts';
import { listen } from '#kit/listen.ts';
import type { createClientPolicy } from './certificates/client-identity.ts';
import type { CertificateStore } from './certificates/store.ts';
import { handlerOf, plainAddress, type ClientHandler } from './client.ts';
import { Handshakes } from './handshakes.ts';
import { Forwarding } from './http1/forwarding.ts';
import { Http1Connection } from './http1/connection.ts';
import { http1Response, ownResponse } from './http1/responses.ts';
import { Http2Connection } from './http2/session.ts';
import type { Plane } from './plane.ts';
import { greet } from './tcp/greet.ts';
import { Tunnel } from './tcp/tunnel.ts';

/** One context for all: a session of one certificate's must not be taken for another's (see certificates/store.ts). */
const SESSION_ID_CONTEXT = 'tls';
const BACKLOG = 1024;
/**
 * Forward secrecy and authenticated encryption only. AES-128 first: as good as unbreakable, a third
 * cheaper than AES-256 for bulk data, and its SHA-256 makes cheaper handshakes than SHA-384.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export interface ListenerOptions {
  readonly plane: Plane;
  readonly store: CertificateStore;
  readonly policy: ReturnType<typeof createClientPolicy>;
  /** Share the port with other processes. */
  readonly shared: boolean;
}

export class TlsListener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #handshakes: Handshakes;
  readonly #connections = new Map<TLSSocket, ClientHandler>();
  /** One function for all sockets; `this` is the socket. */
  readonly #onSocketClose: (this: TLSSocket) => void;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { plane, store } = options;
    const connections = this.#connections;
    this.#onSocketClose = function (this: TLSSocket) {
      connections.get(this)?.onClientClose();
      connections.delete(this);
      plane.tally.connectionsOpen--;
    };
    this.#server = createServer(this.#tlsOptions());
    this.#handshakes = new Handshakes(this.#server);
    this.#server.maxConnections = plane.parameters.TLS_MAX_CONNECTIONS;
    this.#server.on('drop', () => plane.tally.refused('max_connections'));
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => this.#onHandshakeError(error, socket));
    this.#server.on('secureConnection', (socket) => this.#accept(socket));
    // Connections that are open keep the context that they began with.
    store.onChange(() => this.#server.setSecureContext(this.#contextOptions()));
  }

  #contextOptions(): TlsOptions {
    const { store, policy, plane } = this.#options;
    const { cert, key } = store.default;
    return {
      cert,
      key,
      minVersion: `TLSv${plane.parameters.TLS_MIN_VERSION}`,
      ciphers: CIPHERS,
      sessionIdContext: SESSION_ID_CONTEXT,
      secureOptions:
        constants.SSL_OP_NO_RENEGOTIATION |
        constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
        // A resumed session would not show its certificate again to a CA that may have changed.
        (policy.clientCa ? constants.SSL_OP_NO_TICKET : 0),
      ...(policy.clientCa && { ca: policy.clientCa }),
    };
  }

  #tlsOptions(): TlsOptions {
    const { store, policy, plane } = this.#options;
    const { TLS_MODE, TLS_HANDSHAKE_TIMEOUT, TLS_CERT_DIR } = plane.parameters;
    return {
      ...this.#contextOptions(),
      ...(TLS_MODE === 'http' && { ALPNProtocols: ['h2', 'http/1.1'] }),
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT,
      // A socket that was verified is not to be told from one that was not by its absence: see #identify.
      ...(policy.clientCa && { requestCert: true, rejectUnauthorized: false }),
      // The development certificate is the only one; any other may get company at a reload.
      ...(TLS_CERT_DIR !== undefined && {
        SNICallback: (
          name: string,
          callback: (error: Error | null, context?: ReturnType<CertificateStore['contextFor']>) => void,
        ) => {
          if (!store.needsServerName) return callback(null);
          const context = store.contextFor(name);
          if (context) return callback(null, context);
          plane.tally.refused('unknown_name');
          callback(new Error('unknown server name'));
        },
      }),
      noDelay: true,
    };
  }

  /** Bind the port. @throws {ConfigurationError} when it cannot be had */
  async open(): Promise<void> {
    const { plane, shared } = this.#options;
    const { TLS_LISTEN_ADDRESS: host, TLS_LISTEN_PORT: port } = plane.parameters;
    await listen(this.#server, { host, port, backlog: BACKLOG, ...(shared && { reusePort: true }) }, 'TLS_LISTEN_PORT');
    plane.log.info({ address: host, port: this.port, mode: plane.parameters.TLS_MODE }, 'listening');
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new ConfigurationError([]);
    return address.port;
  }

  #accept(socket: TLSSocket): void {
    const { plane } = this.#options;
    this.#handshakes.end(socket);
    socket.on('error', ignore);
    if (socket.destroyed) return;
    // Only from here on: a client that closes during the handshake is gone.
    socket.allowHalfOpen = true;
    const { TLS_MODE, TLS_PUBLIC_PORT, TLS_UNKNOWN_NAME } = plane.parameters;
    plane.tally.connectionsOpen++;
    socket.on('close', this.#onSocketClose);
    // A client that names no server never meets the SNI callback.
    if (
      TLS_UNKNOWN_NAME === 'refuse' &&
      this.#options.store.needsServerName &&
      !socket.servername &&
      this.#options.store.contextFor(undefined) === undefined
    ) {
      plane.tally.refused('unknown_name');
      socket.destroy();
      return;
    }
    const identity = this.#identify(socket);
    if (identity === undefined) return this.#turnAway(socket);
    const http2 = socket.alpnProtocol === 'h2';
    plane.tally.connection(TLS_MODE === 'tcp' ? 'tcp' : http2 ? 'h2' : 'http/1.1');
    let handler: ClientHandler;
    if (TLS_MODE === 'tcp')
      handler = new Tunnel(
        plane,
        socket,
        'connect',
        plane.parameters.TLS_PROXY_PROTOCOL ? greet(socket, identity !== '') : undefined,
      );
    else {
      const forwarding = new Forwarding(plainAddress(socket.remoteAddress), TLS_PUBLIC_PORT, identity);
      handler = http2 ? new Http2Connection(plane, socket, forwarding) : new Http1Connection(plane, socket, forwarding);
    }
    this.#connections.set(socket, handler);
    if (plane.draining) handler.drain();
  }

  #onHandshakeError(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const { plane } = this.#options;
    if (NOT_TLS.has(error.code ?? '')) {
      plane.tally.refused('not_tls');
      const below = this.#handshakes.end(socket);
      // OpenSSL sends no alert here: this is all that the client gets before the connection is closed.
      if (plane.parameters.TLS_MODE === 'http') below?.write(http1Response(400, PLAIN_HTTP, true, false), 'latin1');
    } else plane.tally.handshakeError(error.code ?? 'other');
    // A handshake that takes too long is only reported.
    socket.destroy();
  }

  /** The client's identity for a header: '' where none is asked for, undefined where it is not accepted. */
  #identify(socket: TLSSocket): string | undefined {
    const { plane, policy } = this.#options;
    if (!policy.clientCa) return '';
    const peer: X509Certificate | undefined = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    if (peer === undefined) {
      const reason = String(socket.authorizationError ?? 'no certificate');
      plane.tally.refused('client_certificate');
      plane.log.info({ reason, client: socket.remoteAddress }, 'client certificate not accepted');
      return undefined;
    }
    const verdict = policy.check(peer);
    if (verdict.allowed) return verdict.xfcc;
    plane.tally.refused('client_identity');
    plane.log.info({ reason: verdict.reason, client: socket.remoteAddress }, 'client not allowed');
    return undefined;
  }

  /** TLS 1.3 has let the client in before its certificate was looked at: say so where it can be said. */
  #turnAway(socket: TLSSocket): void {
    if (this.#options.plane.parameters.TLS_MODE === 'tcp' || socket.alpnProtocol === 'h2') {
      socket.destroy();
      return;
    }
    socket.on('end', () => socket.destroy());
    socket.resume();
    socket.setTimeout(LINGER, () => socket.destroy());
    socket.end(http1Response(403, ownResponse(403, 0, ''), true, false));
  }

  /**
   * Stop: accept no more, let what was begun come to its end, then close.
   * @param patience milliseconds after which what is still open is cut
   */
  async drain(patience: number): Promise<void> {
    const { plane } = this.#options;
    plane.draining = true;
    for (const handler of this.handlers()) handler.drain();
    // Connections that wait in the backlog already are let in first.
    await nextTurn();
    await nextTurn();
    const { promise, resolve } = Promise.withResolvers<void>();
    const handshakes = setTimeout(() => this.#handshakes.destroyAll(), Math.min(HANDSHAKE_GRACE, patience));
    const timer = setTimeout(() => {
      const cut = this.#connections.size;
      if (cut > 0) plane.log.warn({ connections: cut }, 'drain deadline passed: closing what is open');
      for (const socket of this.#connections.keys()) socket.destroy();
      resolve();
    }, patience);
    this.#server.close(() => resolve());
    await promise;
    clearTimeout(handshakes);
    clearTimeout(timer);
  }

  *handlers(): Iterable<ClientHandler> {
    for (const [socket, handler] of this.#connections) yield handlerOf(socket) ?? handler;
  }
}

/** How long a handshake may still take once the end has begun, in milliseconds. */
const HANDSHAKE_GRACE = 1000;
/** How OpenSSL calls first bytes that are no TLS: GET, HEAD, POST or PUT; CONNECT; anything else. */
const NOT_TLS: ReadonlySet<string> = new Set([
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
  'ERR_SSL_WRONG_VERSION_NUMBER',
]);
/** No Strict-Transport-Security: it has no meaning outside TLS (RFC 6797, section 7.2). */
const PLAIN_HTTP = ownResponse(400, 0, '', 'This port speaks HTTPS, and the request came in plain HTTP.');
/** How long a client that was turned away may take to notice, in milliseconds. */
const LINGER = 2000;

function ignore(): void {}
