/** One client that speaks HTTP/2. */
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { internalError, type ProxyContext } from '#proxy/context.ts';
import type { DownstreamHandler, DownstreamInfo } from './connection.ts';
import { Http2Stream } from './http2-stream.ts';

/** Requests of one client at the same time. */
const MAX_STREAMS = 128;
/** Flow control: bytes that a client may send on a stream before it must wait. */
const WINDOW = 256 * 1024;
/** Memory for one session's queues and tables, in MB. */
const MAX_SESSION_MEMORY = 4;
const END_STREAM = 1;
const NO_ERROR = 0;
/** GOAWAY with the highest stream there can be: begin nothing new, nothing begun is lost (RFC 9113, section 6.8). */
const ANY_STREAM = 2 ** 31 - 1;
/** How long after it a request may still be on its way, in milliseconds. */
const DRAIN_GRACE = 1000;

export class Http2Session implements DownstreamHandler {
  readonly #context: ProxyContext;
  readonly #session: ServerHttp2Session;
  #streams = 0;
  #deadline: number;
  #closing = false;

  constructor(context: ProxyContext, info: DownstreamInfo) {
    this.#context = context;
    const { socket } = info;
    const { maxHeaderSize, idleTimeout } = context.settings;
    this.#deadline = context.sweeper.after(idleTimeout);
    // Loaded by the first client that needs it.
    const { performServerHandshake } = process.getBuiltinModule('node:http2');
    this.#session = performServerHandshake(socket, {
      maxSessionMemory: MAX_SESSION_MEMORY,
      maxSettings: 16,
      maxOutstandingPings: 4,
      maxSessionInvalidFrames: 100,
      maxSessionRejectedStreams: 100,
      // Rapid reset (CVE-2023-44487): a burst, then so many a second.
      streamResetBurst: 200,
      streamResetRate: 20,
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        initialWindowSize: WINDOW,
        maxHeaderListSize: maxHeaderSize,
        enableConnectProtocol: true,
      },
    });
    this.#session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => {
      this.#streams++;
      stream.on('error', ignore);
      stream.on('close', () => this.#onStreamClose());
      const handler = new Http2Stream(context, stream);
      try {
        handler.start(info, headers, (flags & END_STREAM) !== 0);
      } catch (error) {
        handler.onInternalError(error);
      }
    });
    this.#session.on('error', (error: NodeJS.ErrnoException) =>
      context.log.debug({ reason: error.code ?? error.message }, 'HTTP/2 session failed'),
    );
    // Sockets here may be half open for tunnels' sake; an HTTP/2 connection has no use for it.
    socket.on('end', () => this.#session.destroy());
    context.sweeper.add(this);
    socket.on('close', () => context.sweeper.remove(this));
  }

  #onStreamClose(): void {
    this.#streams--;
    this.#deadline = this.#context.sweeper.after(this.#context.settings.idleTimeout);
  }

  /** The connection's bytes are the session's own matter. */
  onClientData(): void {}
  onClientEnd(): void {}
  onClientDrain(): void {}
  onClientClose(): void {}
  onInternalError(error: unknown): void {
    internalError(this.#context, error);
    this.#session.destroy();
  }

  sweep(now: number): void {
    if (now < this.#deadline) return;
    if (this.#closing) {
      if (this.#streams === 0) this.#session.destroy();
    } else if (this.#context.draining || this.#streams === 0) {
      this.#closing = true;
      this.#deadline = this.#context.sweeper.after(DRAIN_GRACE);
      this.#session.close();
    }
  }

  drain(): void {
    if (this.#session.destroyed) return;
    this.#session.goaway(NO_ERROR, ANY_STREAM);
    this.#deadline = this.#context.sweeper.after(DRAIN_GRACE);
  }

  destroy(): void {
    this.#session.destroy();
  }
}

function ignore(): void {}
