/** One HTTP/2 stream of node:http2: a request and its response. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { internalError, type ProxyContext } from '#proxy/context.ts';
import { Exchange, unreadable, type Downstream } from '#proxy/exchange.ts';
import { OTHER, kindOf } from '#proxy/http/field-names.ts';
import { pushLines } from '#proxy/http/fields.ts';
import { LENGTH, NO_BODY } from '#proxy/http/message.ts';
import type { Response } from '#proxy/http/response.ts';
import type { Swept } from '#proxy/sweeper.ts';
import type { ReadBuffer } from '#proxy/upstream/buffers.ts';
import type { UpstreamConnection } from '#proxy/upstream/connection.ts';
import type { DownstreamInfo } from './connection.ts';
import { http2Request } from './http2-request.ts';
import { Tunnel } from './tunnel.ts';
import { DownstreamWriter } from './writer.ts';

// RFC 9113, section 7.
const NO_ERROR = 0;
const PROTOCOL_ERROR = 1;

type Headers = Record<string, string | number | string[]>;

export class Http2Stream implements Downstream, Swept {
  readonly takesChunks = false;
  readonly #context: ProxyContext;
  readonly #stream: ServerHttp2Stream;
  readonly #writer: DownstreamWriter;
  #exchange: Exchange | undefined;
  /** Declared length of the request's body still to come; -1 where none was declared. */
  #remaining = -1;
  #trailers = '';
  #responseTrailers: Headers | undefined;
  #tunnel = false;

  constructor(context: ProxyContext, stream: ServerHttp2Stream) {
    this.#context = context;
    this.#stream = stream;
    this.#writer = new DownstreamWriter(stream);
  }

  /** Begin; `ended` says that there is no body. */
  start(info: DownstreamInfo, headers: IncomingHttpHeaders, ended: boolean): void {
    const stream = this.#stream;
    const request = http2Request(headers, ended, this.#context.settings.trustsForwarded);
    stream.on('close', () => this.#guard(() => this.#onClose()));
    if (typeof request === 'string') {
      this.#exchange = new Exchange(this.#context, this, info, unreadable());
      this.#exchange.reject(request);
      if (!ended) stream.resume();
      return;
    }
    const exchange = new Exchange(this.#context, this, info, request);
    this.#exchange = exchange;
    this.#tunnel = request.upgrade !== '';
    this.#remaining = request.body === LENGTH ? request.length : -1;
    this.#context.sweeper.add(this);
    exchange.begin();
    stream.on('drain', () => this.#exchange?.resume());
    if (this.#tunnel || request.body === NO_BODY) return;
    stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      this.#trailers = Object.entries(trailers)
        .filter(([name]) => !name.startsWith(':') && kindOf(name) === OTHER)
        .map(([name, value]) => `${name}: ${String(value)}\r\n`)
        .join('');
    });
    stream.on('data', (chunk: Buffer) => this.#guard(() => this.#onData(chunk)));
    stream.on('end', () => this.#guard(() => this.#onEnd()));
    if (!exchange.wantsBody) stream.pause();
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onInternalError(error: unknown): void {
    if (this.#exchange !== undefined && !this.#exchange.over) this.#exchange.onInternalError(error);
    else internalError(this.#context, error);
    this.onAbort();
  }

  #onData(chunk: Buffer): void {
    const exchange = this.#exchange;
    // The response is over: what still comes is not wanted.
    if (exchange === undefined) return;
    if (this.#remaining >= 0) {
      this.#remaining -= chunk.length;
      if (this.#remaining < 0) return this.#misframed();
    }
    if (!exchange.sendBody(chunk)) this.#stream.pause();
  }

  #onEnd(): void {
    const exchange = this.#exchange;
    // A stream that was reset, or whose connection is lost, ends too: its body is not whole.
    if (exchange === undefined || this.#stream.aborted) return;
    if (this.#remaining > 0) return this.#misframed();
    exchange.endRequest(this.#trailers);
  }

  #misframed(): void {
    this.#context.stats.requestRejected('framing');
    this.#exchange?.cancel();
    this.#exchange = undefined;
    this.#stream.close(PROTOCOL_ERROR);
  }

  #onClose(): void {
    this.#exchange?.cancel();
    this.#exchange = undefined;
    this.#context.sweeper.remove(this);
  }

  sweep(now: number): void {
    this.#exchange?.sweep(now);
  }

  onDrain(): void {
    if (this.#stream.isPaused()) this.#stream.resume();
  }

  /** The client may have reset the stream meanwhile. */
  get #open(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  onInterim(response: Response): void {
    if (this.#open && !this.#stream.headersSent && response.status > 100)
      this.#stream.additionalHeaders(headersOf(response));
    else if (this.#open && !this.#stream.headersSent) this.#stream.additionalHeaders({ ':status': 100 });
  }

  onResponse(response: Response): void {
    if (!this.#open || this.#stream.headersSent) return;
    // RFC 8441, section 5: 200 would open the tunnel that the application knows nothing of.
    if (this.#tunnel && response.status >= 200 && response.status < 300) {
      this.#stream.respond({ ':status': 502 }, { endStream: true });
      return;
    }
    const bodiless = response.body === NO_BODY;
    // node:http2 refuses a status above 599.
    const headers = headersOf(response);
    if (response.status > 599) headers[':status'] = 502;
    if (!bodiless) this.#stream.on('wantTrailers', () => this.#sendTrailers());
    this.#stream.respond(headers, { endStream: bodiless, waitForTrailers: !bodiless });
  }

  #sendTrailers(): void {
    if (this.#open) this.#stream.sendTrailers(this.#responseTrailers ?? {});
  }

  onData(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): boolean {
    if (!this.#open || this.#stream.writableEnded) return true;
    if (end > start) this.#writer.write(bytes, start, end, from);
    return this.#writer.ready;
  }

  onEnd(trailers: string): void {
    const requestDone = this.#exchange?.requestDone !== false;
    this.#exchange = undefined;
    if (trailers !== '') this.#responseTrailers = listed(trailers);
    if (!this.#open) return;
    if (!this.#stream.writableEnded) this.#stream.end();
    // RFC 9113, section 8.1: a complete response may come before the end of its request.
    if (!requestDone) this.#stream.once('finish', () => this.#stream.close(NO_ERROR));
    if (!requestDone) this.#stream.resume();
  }

  onAbort(): void {
    this.#exchange = undefined;
    // Not `close`: it would end the stream in good order first, and a cut body would look whole.
    this.#stream.destroy(new Error('the endpoint broke off'));
  }

  onSwitch(response: Response, rest: Buffer, upstream: UpstreamConnection): void {
    this.#exchange = undefined;
    this.#context.sweeper.remove(this);
    if (!this.#open) {
      upstream.destroy();
      return;
    }
    response.delete('sec-websocket-accept');
    this.#stream.respond({ ...headersOf(response), ':status': 200 });
    if (rest.length > 0) this.#stream.write(rest);
    new Tunnel(this.#context, this.#stream, upstream);
  }
}

function headersOf(response: Response): Headers {
  const headers = listed(response.lines() + response.lengthLine);
  headers[':status'] = response.status;
  return headers;
}

/** Lines as node:http2 takes them. */
function listed(lines: string): Headers {
  const headers = Object.create(null) as Headers;
  const list: string[] = [];
  pushLines(list, lines);
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index]!.toLowerCase();
    const value = list[index + 1]!;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (name === 'set-cookie') headers[name] = [...(Array.isArray(before) ? before : [String(before)]), value];
    else headers[name] = `${String(before)}, ${value}`;
  }
  return headers;
}
