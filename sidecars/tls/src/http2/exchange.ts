/** One HTTP/2 stream: a request to the application and its response back. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { OTHER } from '../http1/field-names.ts';
import { ownResponse, statusOf } from '../http1/responses.ts';
import { CHUNKED, NO_BODY, isIdempotent, type ResponseHead } from '../http1/message.ts';
import type { Fault } from '../http1/scan-head.ts';
import type { Plane } from '../plane.ts';
import type { Forwarding } from '../http1/forwarding.ts';
import type { Swept } from '../sweeper.ts';
import { Tunnel } from '../tcp/tunnel.ts';
import type { Reading } from '../upstream/arena.ts';
import type { UpstreamConnection } from '../upstream/connection.ts';
import { Exchange, IDLE } from '../upstream/exchange.ts';
import { Outlet } from '../upstream/outlet.ts';
import { http2Request, kindOf } from './request.ts';

// RFC 9113, section 7.
const NO_ERROR = 0;
const PROTOCOL_ERROR = 1;

export class Http2Exchange extends Exchange implements Swept {
  readonly #stream: ServerHttp2Stream;
  readonly #outlet: Outlet;
  /** Declared length of the request's body still to come; -1 for a body in chunks. */
  #remaining = -1;
  #trailers = '';
  #counted = false;
  #responseTrailers: Record<string, string> | undefined;
  #path = '';

  constructor(plane: Plane, stream: ServerHttp2Stream) {
    super(plane);
    this.#stream = stream;
    this.#outlet = new Outlet(stream);
  }

  /** Begin; `ended` says that there is no body. */
  start(headers: IncomingHttpHeaders, ended: boolean, forwarding: Forwarding): void {
    const { plane } = this;
    const stream = this.#stream;
    const request = http2Request(headers, ended, {
      fields: (host) => forwarding.fields(host),
      dropExpect: plane.appIsOld,
      close: !plane.pool.keepsAlive,
    });
    if ('fault' in request) return this.#refuse(request.fault);
    this.toHead = request.method === 'HEAD';
    this.asksUpgrade = request.tunnel;
    this.requestDone = ended || request.tunnel;
    this.#remaining = request.length;
    this.#counted = true;
    plane.tally.requestsInFlight++;
    plane.sweeper.add(this);
    if (plane.logsRequests) this.#path = `${request.method} ${headers[':path']?.split('?', 1)[0]}`;
    stream.on('close', () => this.#onClose());
    this.begin(request.text, this.requestDone && isIdempotent(request.method));
    if (request.tunnel) return;
    stream.on('drain', () => this.upstream?.resume());
    if (ended) return;
    if (headers.expect !== undefined && plane.appIsOld) stream.additionalHeaders({ ':status': 100 });
    stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      this.#trailers = Object.entries(trailers)
        .filter(([name]) => !name.startsWith(':') && kindOf(name) === OTHER)
        .map(([name, value]) => `${name}: ${String(value)}\r\n`)
        .join('');
    });
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('end', () => this.#onEnd());
  }

  #onData(chunk: Buffer): void {
    // The response is over: what still comes is not wanted.
    if (this.phase === IDLE) return;
    let more: boolean;
    if (this.#remaining >= 0) {
      this.#remaining -= chunk.length;
      if (this.#remaining < 0) return this.#misframed();
      more = this.sendBody(chunk);
    } else {
      this.sendBody(`${chunk.length.toString(16)}\r\n`);
      this.sendBody(chunk);
      more = this.sendBody('\r\n');
    }
    if (!more) this.#stream.pause();
  }

  #onEnd(): void {
    if (this.phase === IDLE) return;
    if (this.#remaining > 0) return this.#misframed();
    if (this.#remaining === -1) this.sendBody(`0\r\n${this.#trailers}\r\n`);
    this.endRequest();
  }

  #misframed(): void {
    this.abandon();
    this.plane.tally.rejected('framing');
    this.#stream.close(PROTOCOL_ERROR);
  }

  #onClose(): void {
    if (this.phase !== IDLE) this.abandon();
    this.plane.sweeper.remove(this);
    if (this.#counted) this.plane.tally.requestsInFlight--;
    this.#counted = false;
  }

  #refuse(fault: Fault): void {
    this.plane.tally.rejected(fault);
    this.#answer(statusOf(fault));
  }

  #answer(status: number): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.headersSent) return;
    this.plane.tally.response(status);
    const { fields, body } = ownResponse(
      status,
      Math.ceil(this.plane.parameters.TLS_RETRY_AFTER / 1000),
      this.plane.hsts,
    );
    stream.respond({ ':status': status, ...fields });
    stream.end(this.toHead ? undefined : body);
    if (!this.requestDone) stream.resume();
  }

  sweep(now: number): void {
    if (this.phase !== IDLE) this.sweepExchange(now);
  }

  onUpstreamDrain(): void {
    if (this.#stream.isPaused()) this.#stream.resume();
  }

  protected onInterim(bytes: Buffer, head: ResponseHead): void {
    if (!this.#stream.headersSent) this.#stream.additionalHeaders(fieldsOf(bytes, head));
  }

  protected onHead(bytes: Buffer, head: ResponseHead): number {
    if (head.body === CHUNKED) {
      this.dechunks = true;
      head.dropped[head.codingField] = 1;
    }
    if (head.upgradeField !== -1) head.dropped[head.upgradeField] = 1;
    const headers = fieldsOf(bytes, head);
    if (this.plane.hsts !== '') headers['strict-transport-security'] = this.plane.hsts;
    if (this.#path !== '') this.plane.log.debug({ request: this.#path, status: head.status }, 'request');
    const withTrailers = this.dechunks && headers['trailer'] !== undefined;
    if (withTrailers) this.#stream.on('wantTrailers', () => this.#stream.sendTrailers(this.#responseTrailers ?? {}));
    // node:http2 ends the stream by itself where a status has no body.
    this.#stream.respond(headers, {
      endStream: head.body === NO_BODY,
      waitForTrailers: withTrailers && head.body !== NO_BODY,
    });
    return head.end;
  }

  protected onBytes(
    bytes: Buffer,
    start: number,
    _bodyStart: number,
    end: number,
    reading: Reading | undefined,
  ): boolean {
    this.#outlet.write(bytes, start, end, reading);
    return this.#outlet.ready;
  }

  protected onEnd(tail: string): void {
    if (tail.length > 2) {
      this.#responseTrailers = Object.fromEntries(
        tail
          .trimEnd()
          .split('\r\n')
          .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      );
    }
    if (!this.#stream.writableEnded) this.#stream.end();
    // RFC 9113, section 8.1: a complete response may come before the end of its request.
    if (!this.requestDone && !this.#stream.destroyed) this.#stream.once('finish', () => this.#stream.close(NO_ERROR));
  }

  protected onFail(status: number): void {
    if (status === 408) this.plane.tally.rejected('timeout');
    this.#answer(status);
  }

  protected onTruncated(): void {
    // Not `close`: it would end the stream in good order first, and a cut body would look whole.
    this.#stream.destroy(new Error('the application broke off'));
  }

  protected onSwitch(bytes: Buffer, head: ResponseHead, end: number, upstream: UpstreamConnection): void {
    head.dropped[head.upgradeField] = 1;
    const headers = fieldsOf(bytes, head);
    delete headers['sec-websocket-accept'];
    this.plane.tally.response(200);
    this.plane.sweeper.remove(this);
    this.#stream.respond({ ...headers, ':status': 200 });
    if (end > head.end) this.#stream.write(Buffer.from(bytes.subarray(head.end, end)));
    new Tunnel(this.plane, this.#stream, upstream);
  }
}

/** The kept fields of a response, as node:http2 takes them. */
function fieldsOf(bytes: Buffer, head: ResponseHead): Record<string, string | number | string[]> {
  const headers: Record<string, string | number | string[]> = { ':status': head.status };
  for (let field = 0; field < head.count; field++) {
    if (head.dropped[field] !== 0) continue;
    const index = field * 4;
    const name = bytes.toString('latin1', head.fields[index], head.fields[index + 1]).toLowerCase();
    const value = bytes.toString('latin1', head.fields[index + 2], head.fields[index + 3]);
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (name === 'set-cookie') headers[name] = [...(Array.isArray(before) ? before : [String(before)]), value];
    else headers[name] = `${String(before)}, ${value}`;
  }
  return headers;
}
