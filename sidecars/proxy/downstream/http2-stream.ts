/** One stream of a client's HTTP/2 connection: a request and its response. */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { charge, REQUEST } from '#proxy/loop/turn.ts';
import { internalError } from '#proxy/upstream/context.ts';
import type { Downstream } from '#proxy/exchange/downstream.ts';
import { Exchange, unreadable } from '#proxy/exchange/exchange.ts';
import { OTHER, TRANSFER_ENCODING, classify } from '#proxy/http/field-names.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import type { Response } from '#proxy/http/response.ts';
import { INTERNAL_ERROR } from '#proxy/http2/codes.ts';
import type { Http2Connection } from '#proxy/http2/connection.ts';
import type { FieldBlock } from '#proxy/http2/field-block.ts';
import type { Http2Stream } from '#proxy/http2/stream.ts';
import { ByteQueue } from '#proxy/memory/byte-queue.ts';
import type { ReadBuffer } from '#proxy/upstream/buffers.ts';
import type { UpstreamConnection } from '#proxy/upstream/connection.ts';
import type { DownstreamInfo } from '../sockets/connection.ts';
import { http2Request } from './http2-request.ts';
import { Http2Tunnel } from './http2-tunnel.ts';
import { Tunnel } from './tunnel.ts';

type Connection = Http2Connection<Http2DownstreamStream>;
type Stream = Http2Stream<Http2DownstreamStream>;

export class Http2DownstreamStream implements Downstream {
  readonly takesChunks = false;
  readonly #context: ProxyContext;
  readonly #info: DownstreamInfo;
  readonly #connection: Connection;
  readonly #stream: Stream;
  #exchange: Exchange | undefined;
  #tunnel: Http2Tunnel<Http2DownstreamStream> | undefined;
  /** A tunnel was asked for. */
  #wantsTunnel = false;
  /** The body's beginning, while nobody takes it yet. */
  #waiting: ByteQueue | undefined;
  /** The body has ended, and the exchange has not been told. */
  #bodyEnded = false;
  #trailers = '';

  constructor(context: ProxyContext, info: DownstreamInfo, connection: Connection, stream: Stream) {
    this.#context = context;
    this.#info = info;
    this.#connection = connection;
    this.#stream = stream;
  }

  // The client's side.

  /** Begin with the request's head. @param ended there is no body */
  begin(block: FieldBlock, ended: boolean): void {
    const request = http2Request(block, ended, this.#context.settings.trustsForwarded);
    if (typeof request === 'string') {
      this.#exchange = new Exchange(this.#context, this, this.#info, unreadable());
      this.#exchange.reject(request);
      return;
    }
    this.#wantsTunnel = request.upgrade !== '';
    charge(REQUEST);
    this.#exchange = new Exchange(this.#context, this, this.#info, request);
    this.#exchange.begin();
  }

  /** A part of the body. @returns false when it is kept until `release` */
  onBody(data: Buffer): boolean {
    if (this.#tunnel !== undefined) return this.#tunnel.receive(data);
    const exchange = this.#exchange;
    if (exchange === undefined) return true;
    if (this.#waiting === undefined && exchange.wantsBody && !this.#wantsTunnel) return exchange.sendBody(data);
    (this.#waiting ??= new ByteQueue()).add(data, 0, data.length);
    return false;
  }

  onTrailers(block: FieldBlock): void {
    for (let field = 0; field < block.count; field++) {
      const { bytes, fields } = block;
      if (classify(bytes, fields[field * 4]!, fields[field * 4 + 1]!) === OTHER)
        this.#trailers += bytes.toString('latin1', fields[field * 4], block.lineStart(field + 1));
    }
  }

  onBodyEnd(): void {
    if (this.#tunnel !== undefined) this.#tunnel.receiveEnd();
    else {
      this.#bodyEnded = true;
      this.#passBody();
    }
  }

  /** Hand over what waits of the body, once it is wanted. */
  #passBody(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || !exchange.wantsBody || this.#wantsTunnel) return;
    for (let waiting = this.#waiting; waiting !== undefined; waiting = this.#waiting) {
      const { front } = waiting;
      waiting.drop(front.length);
      if (waiting.size === 0) this.#waiting = undefined;
      if (!exchange.sendBody(front)) return;
    }
    this.#connection.release(this.#stream);
    if (!this.#bodyEnded || exchange.over) return;
    this.#bodyEnded = false;
    exchange.endRequest(this.#trailers);
  }

  /** The stream is over before its time. */
  onReset(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#waiting = undefined;
    exchange?.cancel();
    this.#tunnel?.destroy();
  }

  /** The client takes more. */
  onRoom(): void {
    if (this.#tunnel !== undefined) this.#tunnel.room();
    else this.#exchange?.resume();
  }

  sweep(now: number): void {
    this.#exchange?.sweep(now);
  }

  // The exchange's side.

  /** More of the request is wanted. */
  onDrain(): void {
    this.#passBody();
  }

  onInterim(response: Response): void {
    this.#sendHead(response, response.status, false);
  }

  onResponse(response: Response, whole?: Buffer): void {
    const { status } = response;
    // RFC 8441, section 5: 200 would open the tunnel that the application knows nothing of.
    if (this.#wantsTunnel && status >= 200 && status < 300) {
      const { encoder } = this.#connection;
      encoder.begin();
      encoder.status(502);
      this.#connection.sendHead(this.#stream, true);
      return;
    }
    this.#sendHead(response, status, response.body === NO_BODY);
    if (whole !== undefined) this.#connection.sendData(this.#stream, whole, 0, whole.length, true);
  }

  #sendHead(response: Response, status: number, end: boolean): void {
    const { encoder, lines } = this.#connection;
    const { inPlace } = response;
    encoder.begin();
    encoder.status(status);
    if (inPlace === undefined) {
      lines.write(response.lines());
      lines.write(response.lengthLine);
    } else {
      const { head, bytes } = inPlace;
      const { fields, dropped } = head;
      for (let field = 0; field < head.count; field++) {
        if (dropped[field] !== 0) continue;
        const at = field * 4;
        // A response to HEAD may tell of the chunks that it does not have.
        if (classify(bytes, fields[at]!, fields[at + 1]!) !== TRANSFER_ENCODING)
          encoder.field(bytes, fields[at]!, fields[at + 1]!, fields[at + 2]!, fields[at + 3]!);
      }
      lines.write(head.framing);
      lines.write(response.addedLines);
    }
    this.#connection.sendHead(this.#stream, end);
  }

  onData(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): boolean {
    return this.#connection.sendData(this.#stream, bytes, start, end, from === undefined);
  }

  onEnd(trailers: string): void {
    const whole = this.#exchange?.requestDone === true;
    this.#exchange = undefined;
    this.#waiting = undefined;
    this.#connection.sendEnd(this.#stream, trailers);
    // RFC 9113, section 8.1: a complete response may come before the end of its request.
    if (!whole) this.#connection.discard(this.#stream, true);
  }

  onAbort(): void {
    this.#exchange = undefined;
    this.#waiting = undefined;
    this.#connection.reset(this.#stream, INTERNAL_ERROR);
  }

  onSwitch(response: Response, rest: Buffer, upstream: UpstreamConnection): void {
    this.#exchange = undefined;
    if (this.#stream.closed) {
      upstream.destroy();
      return;
    }
    response.delete('sec-websocket-accept');
    this.#sendHead(response, 200, false);
    this.#tunnel = new Http2Tunnel(this.#connection, this.#stream);
    if (rest.length > 0) this.#tunnel.write(rest);
    new Tunnel(this.#context, this.#tunnel, upstream);
    // What the client said before it was answered.
    if (this.#waiting !== undefined) this.#tunnel.receive(this.#waiting.take());
    this.#waiting = undefined;
    if (this.#bodyEnded) this.#tunnel.receiveEnd();
  }

  /** Something threw: this stream is ended, nothing else. */
  onInternalError(error: unknown): void {
    if (this.#exchange === undefined) {
      internalError(this.#context, error);
      this.#connection.reset(this.#stream, INTERNAL_ERROR);
    } else this.#exchange.onInternalError(error);
  }
}
