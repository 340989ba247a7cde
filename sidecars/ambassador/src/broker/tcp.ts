/**
 * One connection of TCP: connected to the first server that accepts it, relayed, and, after a move,
 * drained. What it says is not known to us: bytes go by, and only who spoke last is remembered.
 */
import type { Socket } from 'node:net';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { handle, type DownstreamHandler } from '#proxy/sockets/connection.ts';
import { Tunnel } from '#proxy/downstream/tunnel.ts';
import type { PooledBuffer } from '#proxy/upstream/buffers.ts';
import { UpstreamConnection, type UpstreamUser } from '#proxy/upstream/connection.ts';
import type { Drain } from './document.ts';
import type { Servers } from './servers.ts';

/** From one try of all servers to the next, in milliseconds. */
const AGAIN = 100;
/** A peer that vanished without a word is noticed by these, in milliseconds. */
const KEEPALIVE = 30_000;
/** How long a client may take to close, after it was told that nothing more comes, in milliseconds. */
const LINGER = 1000;

/** What a connection needs to know of its service. */
export interface TcpService {
  readonly context: ProxyContext;
  /** Those of the moment: a move exchanges them. */
  readonly servers: Servers;
  /** How long a client waits while no server can be connected to, in milliseconds. */
  readonly wait: number;
  readonly connectTimeout: number;
  readonly drain: Drain;
  readonly onTry: (server: string) => void;
  readonly onConnected: (relayed: Relayed) => void;
  /** No server could be connected to in time. */
  readonly onUnanswered: () => void;
  readonly onClosed: (relayed: Relayed) => void;
  /** A drained connection was closed. */
  readonly onDrained: (moment: 'quiet' | 'limit') => void;
}

/** A client's connection that has no server yet. Nothing of what it sends is read before. */
export class PendingConnection implements DownstreamHandler, UpstreamUser {
  readonly #client: Socket;
  readonly #service: TcpService;
  readonly #until: number;
  readonly #tried = new Set<string>();
  #server = '';
  #connection: UpstreamConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(client: Socket, service: TcpService) {
    this.#client = client;
    this.#service = service;
    this.#until = performance.now() + service.wait;
    client.pause();
    handle(client, this);
    client.pause();
    this.#next();
  }

  #next(): void {
    const { servers, connectTimeout, context, onTry } = this.#service;
    const server = servers.next(this.#tried);
    if (server === undefined) return this.#nobody();
    this.#tried.add(server.name);
    this.#server = server.name;
    this.#timer = setTimeout(() => this.#failed('timeout'), connectTimeout);
    try {
      onTry(server.name);
      this.#connection = new UpstreamConnection(server, this, ignore);
    } catch (error) {
      internalError(context, error);
      this.destroy();
    }
  }

  /** All were tried: once more in a moment, when a server may be back, or the file may name others. */
  #nobody(): void {
    if (performance.now() + AGAIN > this.#until) {
      this.#service.onUnanswered();
      this.destroy();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#tried.clear();
      this.#next();
    }, AGAIN);
  }

  #failed(reason: string): void {
    clearTimeout(this.#timer);
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#service.context.stats.upstreamFailed(reason === 'timeout' ? 'connect_timeout' : 'connect');
    this.#service.servers.failed(this.#server, reason);
    if (!this.#over) this.#next();
  }

  onUpstreamConnect(): void {
    clearTimeout(this.#timer);
    const { servers, onConnected } = this.#service;
    this.#over = true;
    servers.connected(this.#server);
    const relayed = new Relayed(this.#client, this.#connection!, this.#server, this.#service);
    onConnected(relayed);
    this.#client.resume();
  }
  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void {
    if (!this.#over) this.#failed(error?.code ?? 'closed');
  }
  onUpstreamBytes(): boolean {
    return true;
  }
  onUpstreamFinish(): void {}
  onUpstreamDrain(): void {}

  onClientData(): void {}
  onClientEnd(): void {}
  onClientDrain(): void {}
  onClientClose(): void {
    this.destroy();
  }
  sweep(): void {}
  drain(): void {}

  destroy(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#connection?.destroy();
    this.#client.destroy();
  }
  onInternalError(error: unknown): void {
    internalError(this.#service.context, error);
    this.destroy();
  }
}

/** A connection that has its server. */
export class Relayed extends Tunnel {
  readonly server: string;
  readonly #socket: Socket;
  readonly #upstream: UpstreamConnection;
  readonly #service: TcpService;
  /** The client has spoken since the server did: it may wait for an answer. */
  #awaiting = false;
  #spokenAt = performance.now();
  /** Times on `performance.now`; Infinity: it is not drained. */
  #graceUntil = Infinity;
  #limitAt = Infinity;
  #quiet = Infinity;
  #closing = false;

  constructor(client: Socket, upstream: UpstreamConnection, server: string, service: TcpService) {
    super(service.context, client, upstream);
    this.server = server;
    this.#socket = client;
    this.#upstream = upstream;
    this.#service = service;
    client.setKeepAlive(true, KEEPALIVE);
    upstream.socket.setKeepAlive(true, KEEPALIVE);
  }

  /** Its server is no longer the service's: it goes on for a while, and is closed when nothing is said. */
  leave({ grace, quiet, limit }: Drain): void {
    const now = performance.now();
    this.#graceUntil = now + grace;
    // The sooner of two: a second move does not begin the time again.
    this.#limitAt = Math.min(this.#limitAt, now + limit);
    this.#quiet = quiet;
  }

  override onClientData(chunk: Buffer): void {
    // What comes after the decision reaches no server, so that the client may send it again elsewhere.
    if (this.#closing) return;
    this.#awaiting = true;
    this.#spokenAt = performance.now();
    super.onClientData(chunk);
  }

  override onUpstreamBytes(buffer: PooledBuffer, start: number, end: number): boolean {
    this.#awaiting = false;
    this.#spokenAt = performance.now();
    return super.onUpstreamBytes(buffer, start, end);
  }

  override onClientClose(): void {
    super.onClientClose();
    this.#service.onClosed(this);
  }

  override sweep(now: number): void {
    super.sweep(now);
    if (this.#graceUntil === Infinity || this.#closing) return;
    const time = performance.now();
    if (time >= this.#limitAt) this.#cut('limit');
    else if (time >= this.#graceUntil && this.#isQuiet(time)) this.#lookOnceMore();
  }

  /** Nothing is under way: the server has spoken last, it was taken, and that was a while ago. */
  #isQuiet(time: number): boolean {
    return (
      !this.#awaiting &&
      time - this.#spokenAt >= this.#quiet &&
      this.#socket.writableLength === 0 &&
      this.#upstream.socket.writableLength === 0
    );
  }

  /** A request may have come that is not read yet, above all on a busy machine: a turn of the event loop reads it. */
  #lookOnceMore(): void {
    setImmediate(() =>
      setImmediate(() => {
        if (!this.#closing && !this.#socket.destroyed && this.#isQuiet(performance.now())) this.#cut('quiet');
      }),
    );
  }

  #cut(moment: 'quiet' | 'limit'): void {
    this.#closing = true;
    this.#service.onDrained(moment);
    if (moment === 'limit') return this.destroy();
    this.#upstream.destroy();
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), LINGER).unref();
  }

  /** The sidecar ends: as soon as nothing is under way. */
  override drain(): void {
    this.leave({ grace: 0, quiet: this.#service.drain.quiet, limit: Infinity });
  }
}

function ignore(): void {}
