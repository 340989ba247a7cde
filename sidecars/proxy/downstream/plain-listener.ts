/** A port without TLS. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { listen } from '#kit/net/listen.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { DownstreamInfo, type DownstreamHandler } from '../sockets/connection.ts';
import { Connections } from './connections.ts';
import { Http1Downstream } from './http1.ts';

const BACKLOG = 1024;

export interface PlainListenerOptions {
  readonly context: ProxyContext;
  /** An IP address to listen on. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** The parameter that holds the port, for error messages. */
  readonly portParameter: string;
  /** Share the port with other processes. */
  readonly shared?: boolean;
  /** Further connections are closed. Those that others carry count, too. */
  readonly maxConnections: number;
  /**
   * What is spoken on a connection; HTTP/1 when absent. Undefined closes the connection.
   * It must call nothing of the socket's before it returns.
   */
  readonly serve?: (
    context: ProxyContext,
    info: DownstreamInfo,
    multiplexed: MultiplexedConnections,
  ) => DownstreamHandler | undefined;
}

/** Connections that others carry (multiplexed/): they count among those of their listener. */
export interface MultiplexedConnections {
  /** @returns whether there may be one more; where not, that is counted as a refusal */
  admit(): boolean;
  /** Count one until it is closed. */
  add(connection: Duplex): void;
}

export class PlainListener implements MultiplexedConnections {
  readonly #options: PlainListenerOptions;
  readonly #server: Server;
  readonly #connections = new Connections();
  #sockets = 0;
  #multiplexed = 0;

  constructor(options: PlainListenerOptions) {
    const { stats } = options.context;
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = options.maxConnections;
    this.#server.on('drop', () => stats.downstreamRefused('max_connections'));
  }

  /** Bind the port. @throws {ConfigurationError} when it cannot be had */
  async open(): Promise<void> {
    const { context, host, port, portParameter, shared } = this.#options;
    await listen(
      this.#server,
      { host, port, backlog: BACKLOG, ...(shared === true && { reusePort: true }) },
      portParameter,
    );
    context.log.info({ address: host, port: this.port }, 'listening');
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    const { context, serve = serveHttp1 } = this.#options;
    const { stats } = context;
    socket.on('error', ignore);
    if (socket.destroyed) return;
    stats.downstreamOpened();
    this.#sockets++;
    socket.on('close', () => {
      this.#sockets--;
      this.#connections.delete(socket);
      stats.downstreamClosed();
    });
    try {
      const handler = serve(context, new DownstreamInfo(socket), this);
      if (handler === undefined) {
        socket.destroy();
        return;
      }
      this.#connections.add(socket, handler);
      if (context.draining) handler.drain();
    } catch (error) {
      internalError(context, error);
      socket.destroy();
    }
  }

  admit(): boolean {
    const { maxConnections, context } = this.#options;
    if (this.#sockets + this.#multiplexed < maxConnections) return true;
    context.stats.downstreamRefused('max_connections');
    return false;
  }

  add(connection: Duplex): void {
    const { stats } = this.#options.context;
    stats.multiplexedOpened();
    this.#count(1);
    connection.once('close', () => {
      stats.multiplexedClosed();
      this.#count(-1);
    });
  }

  /** What is multiplexed leaves the less room for sockets, of which the carrier has one. */
  #count(multiplexed: number): void {
    this.#multiplexed += multiplexed;
    this.#server.maxConnections = Math.max(1, this.#options.maxConnections - this.#multiplexed);
  }

  /**
   * Stop: accept no more, let what was begun come to its end, then close.
   * @param patience milliseconds after which what is still open is cut
   */
  drain(patience: number): Promise<void> {
    return this.#connections.drain(this.#server, this.#options.context, patience);
  }
}

function serveHttp1(context: ProxyContext, info: DownstreamInfo): DownstreamHandler {
  context.stats.downstreamProtocol('http/1.1');
  return new Http1Downstream(context, info);
}

function ignore(): void {}
