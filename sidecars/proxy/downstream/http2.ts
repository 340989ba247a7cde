/** One client that speaks HTTP/2. */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { ENHANCE_YOUR_CALM, ERROR_NAMES } from '#proxy/http2/codes.ts';
import { Http2Connection } from '#proxy/http2/connection.ts';
import type { FieldBlock } from '#proxy/http2/field-block.ts';
import { DEFAULTS, type Http2Handler } from '#proxy/http2/handler.ts';
import type { Http2Stream } from '#proxy/http2/stream.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import type { DownstreamInfo } from '../sockets/connection.ts';
import { Http2Session, type Http2SessionUser } from './http2-session.ts';
import { Http2DownstreamStream } from './http2-stream.ts';

type User = Http2DownstreamStream;
type Stream = Http2Stream<User>;

export class Http2Downstream implements Http2SessionUser, Http2Handler<User> {
  readonly #context: ProxyContext;
  readonly #info: DownstreamInfo;
  readonly #connection: Http2Connection<User>;
  readonly session: Http2Session;
  /** When the head that has begun must be complete; 0 for none. */
  #headDeadline = 0;

  constructor(context: ProxyContext, info: DownstreamInfo) {
    const { settings } = context;
    this.#context = context;
    this.#info = info;
    this.#connection = new Http2Connection<User>('server', this, {
      ...DEFAULTS,
      maxHeadSize: settings.maxHeaderSize,
      memory: memoryBudget,
      now: () => performance.now(),
    });
    this.session = new Http2Session(context, info.socket, this.#connection, this, settings.headerTimeout);
  }

  // The engine's calls.

  onOutput(): void {
    // The engine speaks first, before there is a session.
    this.session?.schedule();
  }

  onHead(stream: Stream, block: FieldBlock, end: boolean): void {
    this.session.touch();
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
    this.session.touch();
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
    this.session.touch();
  }

  onGoaway(): void {}

  onError(code: number, reason: string): void {
    this.#context.log.debug({ code: ERROR_NAMES[code], reason, client: this.#info.remoteAddress }, 'HTTP/2 failed');
    this.session.fail(code);
  }

  // The session's calls.

  onSweep(now: number): void {
    for (const { user } of this.#connection.streams) user?.sweep(now);
    this.#connection.sweep(now, this.#context.settings.idleTimeout);
    this.#sweepHead(now);
  }

  /** Its last requests end by themselves. */
  onDraining(): void {}

  /** A head whose bytes come too slowly. */
  #sweepHead(now: number): void {
    if (!this.#connection.midHead) this.#headDeadline = 0;
    else if (this.#headDeadline === 0)
      this.#headDeadline = this.#context.sweeper.after(this.#context.settings.headerTimeout);
    else if (now >= this.#headDeadline) this.#connection.fail(ENHANCE_YOUR_CALM, 'header_timeout');
  }
}
