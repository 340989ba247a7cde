/**
 * A client's socket that an HTTP/2 engine reads and writes: what comes and goes, and when it is closed. What is
 * spoken on its streams is its user's matter.
 */
import type { Socket } from 'node:net';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { ENHANCE_YOUR_CALM, ERROR_NAMES, INTERNAL_ERROR } from '#proxy/http2/codes.ts';
import type { Http2Connection } from '#proxy/http2/connection.ts';
import { Http2Transport } from '#proxy/http2/transport.ts';
import { memoryBudget, type MemoryHolder } from '#proxy/memory/budget.ts';
import { handleDirectly, LINGER, type DownstreamHandler } from '../sockets/connection.ts';

/** How long after GOAWAY a stream may still be on its way, in milliseconds. */
const DRAIN_GRACE = 1000;

/** What of the engine a socket has to do with. */
type Engine = Pick<
  Http2Connection<unknown>,
  | 'receive'
  | 'framesReceived'
  | 'take'
  | 'transportHolds'
  | 'announceEnd'
  | 'finish'
  | 'fail'
  | 'close'
  | 'over'
  | 'size'
  | 'buffered'
  | 'sent'
>;

export interface Http2SessionUser {
  /** Look at the deadlines of the streams, and of the engine; `now` is the sweeper's clock. */
  onSweep(now: number): void;
  /** The end has begun: streams that are open may end. */
  onDraining(): void;
}

export class Http2Session implements DownstreamHandler, MemoryHolder {
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #connection: Engine;
  readonly #user: Http2SessionUser;
  readonly #transport: Http2Transport;
  /** When it is closed, unless a stream is open then. */
  #deadline: number;
  /** No further stream is served. */
  #last = false;
  #closing = false;

  /** @param patience how long the first stream may take to come, in milliseconds */
  constructor(context: ProxyContext, socket: Socket, connection: Engine, user: Http2SessionUser, patience: number) {
    this.#context = context;
    this.#socket = socket;
    this.#connection = connection;
    this.#user = user;
    this.#deadline = context.sweeper.after(patience);
    this.#transport = new Http2Transport(socket, connection, (error) => this.onInternalError(error));
    // The engine spoke first, before there was a transport.
    this.#transport.schedule();
    context.sweeper.add(this);
    memoryBudget.add(this);
    handleDirectly(socket, this);
  }

  // The user's calls.

  /** There are bytes to send. */
  schedule(): void {
    this.#transport.schedule();
  }

  /** Something happened: the time begins anew in which another stream may come. */
  touch(): void {
    if (!this.#last) this.#deadline = this.#context.sweeper.after(this.#context.settings.idleTimeout);
  }

  /** The engine has given the connection up. @param code of HTTP/2 */
  fail(code: number): void {
    this.#context.stats.downstreamRefused(`h2_${ERROR_NAMES[code] ?? 'unknown'}`);
    this.#close();
  }

  /** Send what there is, then close; a client that does not close its side is cut. */
  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#transport.end();
    this.#deadline = this.#context.sweeper.after(LINGER);
  }

  // The budget's calls.

  get kept(): number {
    return this.#connection.buffered + this.#transport.waiting;
  }
  get taken(): number {
    return this.#connection.sent;
  }
  shed(): void {
    this.#connection.fail(ENHANCE_YOUR_CALM, 'memory');
  }

  // The socket's calls.

  onClientData(chunk: Buffer): void {
    this.#transport.receive(chunk, 0, chunk.length);
  }

  /** An HTTP/2 connection has no use for one half of itself. */
  onClientEnd(): void {
    this.#socket.destroy();
  }

  onClientDrain(): void {
    this.#transport.onDrain();
  }

  onClientClose(): void {
    this.#context.sweeper.remove(this);
    memoryBudget.remove(this);
    this.#connection.close();
  }

  onInternalError(error: unknown): void {
    internalError(this.#context, error);
    this.#connection.fail(INTERNAL_ERROR, 'internal');
  }

  drain(): void {
    this.#connection.announceEnd();
    this.#last = true;
    this.#deadline = this.#context.sweeper.after(DRAIN_GRACE);
    this.#user.onDraining();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sweep(now: number): void {
    const connection = this.#connection;
    if (this.#closing) {
      if (now >= this.#deadline) this.#socket.destroy();
      return;
    }
    this.#transport.measure();
    this.#user.onSweep(now);
    if (connection.over) return;
    if (connection.size > 0 && !this.#last) this.touch();
    else if (now >= this.#deadline) {
      connection.finish();
      if (connection.size === 0) this.#close();
    }
  }
}
