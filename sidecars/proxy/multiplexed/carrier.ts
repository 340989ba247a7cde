/**
 * Many connections on one, each a stream of HTTP/2 that CONNECT opened (RFC 9113, section 8.5), as in Istio's HBONE.
 * Their bytes pass unread. What many of them say in one turn of the event loop leaves by one system call, in one record
 * of TLS, and is read so: at many requests a second most of what a proxy costs are those.
 */
import { METHOD, type FieldBlock } from '#proxy/http2/field-block.ts';
import { Http2Connection } from '#proxy/http2/connection.ts';
import type { Http2Handler } from '#proxy/http2/handler.ts';
import { CONNECT_ERROR, PROTOCOL_ERROR, REFUSED_STREAM } from '#proxy/http2/codes.ts';
import type { MemoryBudget } from '#proxy/memory/budget.ts';
import type { Http2Stream } from '#proxy/http2/stream.ts';
import type { MultiplexedUser } from '#proxy/upstream/connection.ts';
import { Channel } from './channel.ts';

type Stream = Http2Stream<Channel>;

/** Connections on one carrier. */
const MAX_CHANNELS = 128;
/** What may still come on a connection whose user wants no more, in bytes. */
const WINDOW = 256 * 1024;
/**
 * A connection that does not read stops no other: there is room for all at once, and as much again, since what was
 * consumed is granted anew by halves.
 */
const ALL_WINDOWS = 2 * MAX_CHANNELS * WINDOW;
/** A stream's head says next to nothing, in bytes. */
const MAX_HEAD = 4 * 1024;

export interface CarrierUser {
  /** Whether there may be one more connection of the peer's. Absent: there may. */
  readonly admits?: () => boolean;
  /** The peer has opened a connection; absent where this side opens them. */
  readonly onChannel?: (channel: Channel) => void;
  /** There are bytes to send. */
  readonly onOutput: () => void;
  /** The peer takes no further connections. */
  readonly onLast: () => void;
  /** It is over: send what the output holds, then close. @param code of HTTP/2 */
  readonly onError: (code: number) => void;
}

export class Carrier implements Http2Handler<Channel> {
  readonly http2: Http2Connection<Channel>;
  /** Of the peer. */
  remoteAddress: string | undefined;
  readonly #user: CarrierUser;

  constructor(role: 'client' | 'server', memory: MemoryBudget, user: CarrierUser) {
    this.#user = user;
    this.http2 = new Http2Connection<Channel>(role, this, {
      maxStreams: MAX_CHANNELS,
      streamWindow: [WINDOW, WINDOW],
      connectionWindow: [ALL_WINDOWS, ALL_WINDOWS],
      maxHeadSize: MAX_HEAD,
      trusted: true,
      memory,
      now: () => performance.now(),
    });
  }

  /** Open a connection; only while `http2.available`. */
  open(user: MultiplexedUser): Channel {
    const { encoder } = this.http2;
    encoder.begin();
    encoder.usual(':method', 'CONNECT');
    encoder.usual(':authority', 'application');
    const stream = this.http2.request(undefined, false);
    return (stream.user = new Channel(this.http2, stream, this.remoteAddress, user));
  }

  /** The carrier's own code threw: all that it carries ends. */
  fail(error: unknown): void {
    for (const { user } of this.http2.streams) user?.fail(error);
  }

  onHead(stream: Stream, block: FieldBlock, end: boolean): void {
    const { onChannel, admits } = this.#user;
    if (onChannel === undefined) {
      if (block.status < 200 || block.status > 299) this.#refuse(stream);
      else {
        if (stream.user !== undefined) stream.user.accepted = true;
        if (end) stream.user?.receiveEnd();
      }
      return;
    }
    if (block.tooLarge || block.pseudo(METHOD) !== 'CONNECT') return this.http2.reset(stream, PROTOCOL_ERROR);
    // RFC 9113, section 8.7: nothing was done about it.
    if (admits?.() === false) return this.http2.reset(stream, REFUSED_STREAM);
    const { encoder } = this.http2;
    encoder.begin();
    encoder.status(200);
    this.http2.sendHead(stream, false);
    stream.user = new Channel(this.http2, stream, this.remoteAddress);
    onChannel(stream.user);
    if (end) stream.user.receiveEnd();
  }

  #refuse(stream: Stream): void {
    this.http2.reset(stream, CONNECT_ERROR);
    stream.user?.onReset(CONNECT_ERROR);
  }

  onTrailers(): void {}

  onData(stream: Stream, bytes: Buffer, start: number, end: number): boolean {
    return stream.user === undefined || stream.user.onBytes(bytes, start, end);
  }

  onEnd(stream: Stream): void {
    stream.user?.receiveEnd();
  }

  onReset(stream: Stream, code: number): void {
    stream.user?.onReset(code);
  }

  onDrain(stream: Stream): void {
    stream.user?.room();
  }

  onSettings(): void {}

  onGoaway(): void {
    this.#user.onLast();
  }

  onOutput(): void {
    this.#user.onOutput();
  }

  onError(code: number): void {
    this.#user.onError(code);
  }
}
