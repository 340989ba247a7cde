/** One client that speaks HTTP/2. */
import type { Socket } from 'node:net';
import { internalError, type ProxyContext } from '#proxy/context.ts';
import { ENHANCE_YOUR_CALM, ERROR_NAMES, INTERNAL_ERROR } from '#proxy/http2/codes.ts';
import { Http2Connection } from '#proxy/http2/connection.ts';
import type { FieldBlock } from '#proxy/http2/field-block.ts';
import { DEFAULTS, type Http2Handler } from '#proxy/http2/handler.ts';
import { SharedMemory } from '#proxy/http2/memory.ts';
import type { Http2Stream } from '#proxy/http2/stream.ts';
import { Http2Transport } from '#proxy/http2/transport.ts';
import { handleDirectly, type DownstreamHandler, type DownstreamInfo } from './connection.ts';
import { Http2DownstreamStream } from './http2-stream.ts';

/** So much all clients together may leave unread, in bytes. */
const MEMORY = 64 * 1024 * 1024;
/** A connection that keeps more than this, and does not read, is closed when the memory is full. */
const SHARE = 128 * 1024;
/** How long after GOAWAY a request may still be on its way, in milliseconds. */
const DRAIN_GRACE = 1000;
/** How long a closed connection's last bytes are waited for, in milliseconds. */
const LINGER = 2000;

/** What all clients of this process leave unread. */
export const clientMemory = new SharedMemory(MEMORY);

type User = Http2DownstreamStream;
type Stream = Http2Stream<User>;

export class Http2Downstream implements DownstreamHandler, Http2Handler<User> {
  readonly #context: ProxyContext;
  readonly #info: DownstreamInfo;
  readonly #socket: Socket;
  readonly #connection: Http2Connection<User>;
  readonly #transport: Http2Transport;
  /** When something must have happened: the first head, or another request. */
  #deadline: number;
  /** When the head that has begun must be complete; 0 for none. */
  #headDeadline = 0;
  #sentBefore = 0;
  /** No further request is served. */
  #last = false;
  #closing = false;

  constructor(context: ProxyContext, info: DownstreamInfo) {
    const { settings, sweeper } = context;
    this.#context = context;
    this.#info = info;
    this.#socket = info.socket;
    this.#deadline = sweeper.after(settings.headerTimeout);
    this.#connection = new Http2Connection<User>('server', this, {
      ...DEFAULTS,
      maxHeadSize: settings.maxHeaderSize,
      memory: clientMemory,
      now: () => performance.now(),
    });
    this.#transport = new Http2Transport(this.#socket, this.#connection, (error) => this.onInternalError(error));
    this.#transport.schedule();
    sweeper.add(this);
    handleDirectly(this.#socket, this);
  }

  // The client's bytes.

  onClientData(chunk: Buffer): void {
    this.#connection.receive(chunk, 0, chunk.length);
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
  }

  destroy(): void {
    this.#socket.destroy();
  }

  // The engine's calls.

  onOutput(): void {
    // The engine speaks first, before there is a transport.
    this.#transport?.schedule();
  }

  onHead(stream: Stream, block: FieldBlock, end: boolean): void {
    this.#touch();
    const user = new Http2DownstreamStream(this.#context, this.#info, this.#connection, stream);
    stream.user = user;
    try {
      user.begin(block, end);
    } catch (error) {
      user.onInternalError(error);
    }
  }

  onTrailers(stream: Stream, block: FieldBlock): void {
    try {
      stream.user!.onTrailers(block);
    } catch (error) {
      stream.user!.onInternalError(error);
    }
  }

  onData(stream: Stream, bytes: Buffer, start: number, end: number): boolean {
    try {
      return stream.user!.onBody(bytes.subarray(start, end));
    } catch (error) {
      stream.user!.onInternalError(error);
      return true;
    }
  }

  onEnd(stream: Stream): void {
    try {
      stream.user!.onBodyEnd();
    } catch (error) {
      stream.user!.onInternalError(error);
    }
  }

  onReset(stream: Stream): void {
    this.#touch();
    try {
      stream.user!.onReset();
    } catch (error) {
      stream.user!.onInternalError(error);
    }
  }

  onDrain(stream: Stream): void {
    try {
      stream.user!.onRoom();
    } catch (error) {
      stream.user!.onInternalError(error);
    }
  }

  onSettings(): void {
    this.#touch();
  }

  onGoaway(): void {}

  onError(code: number, reason: string): void {
    this.#context.stats.downstreamRefused(`h2_${ERROR_NAMES[code] ?? 'unknown'}`);
    this.#context.log.debug({ code: ERROR_NAMES[code], reason, client: this.#info.remoteAddress }, 'HTTP/2 failed');
    this.#close();
  }

  #touch(): void {
    if (!this.#last) this.#deadline = this.#context.sweeper.after(this.#context.settings.idleTimeout);
  }

  /** Send what there is, then close; a client that does not close its side is cut. */
  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#transport.end();
    this.#deadline = this.#context.sweeper.after(LINGER);
  }

  // Deadlines.

  sweep(now: number): void {
    const connection = this.#connection;
    if (this.#closing) {
      if (now >= this.#deadline) this.#socket.destroy();
      return;
    }
    this.#transport.measure();
    for (const { user } of connection.streams) user?.sweep(now);
    connection.sweep(now, this.#context.settings.idleTimeout);
    this.#sweepHead(now);
    this.#sweepMemory();
    if (connection.over) return;
    if (connection.size > 0) {
      if (!this.#last) this.#touch();
      else if (now >= this.#deadline) connection.finish();
    } else if (now >= this.#deadline) {
      connection.finish();
      this.#close();
    }
  }

  /** A head whose bytes come too slowly. */
  #sweepHead(now: number): void {
    if (!this.#connection.midHead) this.#headDeadline = 0;
    else if (this.#headDeadline === 0)
      this.#headDeadline = this.#context.sweeper.after(this.#context.settings.headerTimeout);
    else if (now >= this.#headDeadline) this.#connection.fail(ENHANCE_YOUR_CALM, 'header_timeout');
  }

  /** Too much is kept for clients that do not read: this may be one of them. */
  #sweepMemory(): void {
    const { sent, buffered } = this.#connection;
    if (clientMemory.full && buffered > SHARE && sent === this.#sentBefore)
      this.#connection.fail(ENHANCE_YOUR_CALM, 'memory');
    this.#sentBefore = sent;
  }
}
