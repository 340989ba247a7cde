/** The TLS port: handshakes and their limits, certificates, client certificates, and what comes after. */
import { X509Certificate } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { listen } from '#kit/net/listen.ts';
import { PeakMemory } from '#kit/life/peak-memory.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { http1Text, plainReply } from '#proxy/http/responses.ts';
import { proxyHeaderOf } from '#proxy/upstream/proxy-protocol.ts';
import { DownstreamInfo, handlerOf, LINGER, type DownstreamHandler } from '../sockets/connection.ts';
import { Handshakes } from './handshakes.ts';
import { Http1Downstream } from './http1.ts';
import { Http2Downstream } from './http2.ts';
import { contextOptions, tlsOptions, type TlsSettings } from './tls-options.ts';
import { Tunnel } from './tunnel.ts';

const BACKLOG = 1024;

export interface TlsListenerOptions extends TlsSettings {
  readonly context: ProxyContext;
  /** An IP address to listen on. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** The parameter that holds the port, for error messages. */
  readonly portParameter: string;
  /** Share the port with other processes. */
  readonly shared: boolean;
  /** Further connections are closed. */
  readonly maxConnections: number;
  /** A client that names an unknown server, or none, is refused where the certificates do not cover it. */
  readonly refusesUnknownNames: boolean;
  /** In tcp mode: begin each connection to an endpoint with a PROXY protocol header. */
  readonly proxyProtocol: boolean;
  /** The keys of session tickets, 48 bytes; random ones where absent. */
  readonly ticketKeys?: Buffer;
}

export class TlsListener {
  readonly #options: TlsListenerOptions;
  readonly #server: Server;
  #ticketKeys: Buffer | undefined;
  readonly #handshakes: Handshakes;
  readonly #memory = new PeakMemory();
  readonly #connections = new Map<TLSSocket, DownstreamHandler>();
  /** One function for all sockets; `this` is the socket. */
  readonly #onSocketClose: (this: TLSSocket) => void;

  constructor(options: TlsListenerOptions) {
    this.#options = options;
    this.#ticketKeys = options.ticketKeys;
    const { context, certificates, maxConnections } = options;
    const connections = this.#connections;
    const memory = this.#memory;
    this.#onSocketClose = function (this: TLSSocket) {
      connections.delete(this);
      memory.update(connections.size);
      context.stats.downstreamClosed();
    };
    this.#server = createServer(tlsOptions(options, this.#ticketKeys));
    this.#handshakes = new Handshakes(this.#server);
    this.#server.maxConnections = maxConnections;
    this.#server.on('drop', () => context.stats.downstreamRefused('max_connections'));
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => this.#onHandshakeError(error, socket));
    this.#server.on('secureConnection', (socket) => this.#accept(socket));
    // Connections that are open keep the context that they began with.
    certificates.onChange(() => {
      this.#server.setSecureContext(contextOptions(options, this.#ticketKeys));
      this.#staple();
    });
    this.#staple();
  }

  /** Listen for clients that ask for a staple while there is one: being asked costs each handshake a detour. */
  #staple(): void {
    const { certificates } = this.#options;
    if (!certificates.staples) this.#server.removeAllListeners('OCSPRequest');
    else if (this.#server.listenerCount('OCSPRequest') === 0)
      this.#server.on('OCSPRequest', (certificate, _issuer, callback) => {
        let response: Buffer | undefined;
        try {
          response = certificates.stapleFor?.(new X509Certificate(certificate).fingerprint256);
        } catch (error) {
          internalError(this.#options.context, error);
        }
        callback(null, response ?? null!);
      });
  }

  /**
   * Exchange the keys of session tickets: sessions that began before take a full handshake.
   * @param keys 48 bytes
   */
  setTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys;
    this.#server.setTicketKeys(keys);
  }

  /** Bind the port. @throws {ConfigurationError} when it cannot be had */
  async open(): Promise<void> {
    const { context, host, port, portParameter, shared, mode } = this.#options;
    await listen(this.#server, { host, port, backlog: BACKLOG, ...(shared && { reusePort: true }) }, portParameter);
    context.log.info({ address: host, port: this.port, mode }, 'listening');
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
    const { context } = this.#options;
    this.#handshakes.end(socket);
    socket.on('error', ignore);
    if (socket.destroyed) return;
    // Only from here on: a client that closes its side during the handshake is gone.
    socket.allowHalfOpen = true;
    context.stats.downstreamOpened();
    socket.on('close', this.#onSocketClose);
    try {
      this.#serve(socket);
    } catch (error) {
      internalError(context, error);
      socket.destroy();
    }
  }

  #serve(socket: TLSSocket): void {
    const { context, certificates, mode, refusesUnknownNames } = this.#options;
    // A client that names no server never meets the SNI callback.
    if (
      refusesUnknownNames &&
      certificates.needsServerName &&
      !socket.servername &&
      certificates.contextFor(undefined) === undefined
    ) {
      context.stats.downstreamRefused('unknown_name');
      socket.destroy();
      return;
    }
    const identity = this.#identify(socket);
    if (identity === undefined) return this.#turnAway(socket);
    const http2 = socket.alpnProtocol === 'h2';
    context.stats.downstreamProtocol(mode === 'tcp' ? 'tcp' : http2 ? 'h2' : 'http/1.1');
    const info = new DownstreamInfo(socket, identity);
    const handler =
      mode === 'tcp'
        ? this.#tunnel(info)
        : http2
          ? new Http2Downstream(context, info).session
          : new Http1Downstream(context, info);
    if (handler === undefined) return;
    this.#connections.set(socket, handler);
    this.#memory.update(this.#connections.size);
    if (context.draining) handler.drain();
  }

  #tunnel(info: DownstreamInfo): DownstreamHandler | undefined {
    const { context, proxyProtocol } = this.#options;
    const { cluster } = context;
    const endpoint = cluster.pick({ downstream: info, tried: [] });
    if (endpoint === undefined) {
      context.stats.upstreamFailed('no_endpoint');
      info.socket.destroy();
      return undefined;
    }
    const preface = proxyProtocol ? proxyHeaderOf(info.socket as TLSSocket, info.clientCertificate !== '') : undefined;
    return new Tunnel(context, info.socket, { cluster, endpoint, ...(preface && { preface }) });
  }

  #onHandshakeError(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const { context, mode } = this.#options;
    if (NOT_TLS.has(error.code ?? '')) {
      context.stats.downstreamRefused('not_tls');
      const below = this.#handshakes.end(socket);
      // OpenSSL sends no alert here: this is all that the client gets before the connection is closed.
      if (mode === 'http') below?.write(http1Text(PLAIN_HTTP));
    } else context.stats.handshakeFailed(error.code ?? 'other');
    // A handshake that takes too long is only reported.
    socket.destroy();
  }

  /** The client's identity for a header: '' where none is asked for, undefined where it is not accepted. */
  #identify(socket: TLSSocket): string | undefined {
    const { context, policy } = this.#options;
    if (!policy.clientCa) return '';
    const peer: X509Certificate | undefined = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    if (peer === undefined) {
      const reason = String(socket.authorizationError ?? 'no certificate');
      context.stats.downstreamRefused('client_certificate');
      context.log.info({ reason, client: socket.remoteAddress }, 'client certificate not accepted');
      return undefined;
    }
    const verdict = policy.check(peer);
    if (verdict.allowed) return verdict.xfcc;
    context.stats.downstreamRefused('client_identity');
    context.log.info({ reason: verdict.reason, client: socket.remoteAddress }, 'client not allowed');
    return undefined;
  }

  /** TLS 1.3 has let the client in before its certificate was looked at: say so where it can be said. */
  #turnAway(socket: TLSSocket): void {
    if (this.#options.mode === 'tcp' || socket.alpnProtocol === 'h2') {
      socket.destroy();
      return;
    }
    socket.on('end', () => socket.destroy());
    socket.resume();
    socket.setTimeout(LINGER, () => socket.destroy());
    socket.end(http1Text(plainReply(403, 0)));
  }

  /**
   * Stop: accept no more, let what was begun come to its end, then close.
   * @param patience milliseconds after which what is still open is cut
   */
  async drain(patience: number): Promise<void> {
    const { context } = this.#options;
    context.draining = true;
    for (const handler of this.handlers()) handler.drain();
    // Connections that wait in the backlog already are let in first.
    await nextTurn();
    await nextTurn();
    const { promise, resolve } = Promise.withResolvers<void>();
    const handshakes = setTimeout(() => this.#handshakes.destroyAll(), Math.min(HANDSHAKE_GRACE, patience));
    const timer = setTimeout(() => {
      const cut = this.#connections.size;
      if (cut > 0) context.log.warn({ connections: cut }, 'drain deadline passed: closing what is open');
      for (const socket of this.#connections.keys()) socket.destroy();
      resolve();
    }, patience);
    this.#server.close(() => resolve());
    await promise;
    clearTimeout(handshakes);
    clearTimeout(timer);
  }

  *handlers(): Iterable<DownstreamHandler> {
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
const PLAIN_HTTP = plainReply(400, 0, 'This port speaks HTTPS, and the request came in plain HTTP.');

function ignore(): void {}
