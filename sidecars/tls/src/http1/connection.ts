/** One client that speaks HTTP/1: request after request, each relayed as its bytes come. */
import type { TLSSocket } from 'node:tls';
import type { ClientHandler } from '../client.ts';
import { handle } from '../client.ts';
import type { Plane } from '../plane.ts';
import { Tunnel } from '../tcp/tunnel.ts';
import type { Reading } from '../upstream/arena.ts';
import type { UpstreamConnection } from '../upstream/connection.ts';
import { Exchange, IDLE } from '../upstream/exchange.ts';
import { Outlet } from '../upstream/outlet.ts';
import { CR, LF } from './bytes.ts';
import { BodyReader } from './body.ts';
import type { Forwarding } from './forwarding.ts';
import { CHUNKED, LENGTH, NO_BODY, UNTIL_CLOSE, RequestHead, isIdempotent, type ResponseHead } from './message.ts';
import { http1Response, ownResponse, statusOf } from './responses.ts';
import { methodOf, rewriteRequest, rewriteResponse, type RequestRewrite } from './rewrite.ts';
import { BAD, INCOMPLETE, scanRequest, type Fault } from './scan-head.ts';

// What the client's bytes are at the moment.
/** A head, or its beginning. */
const HEAD: number = 0;
/** The body of the request that is under way. */
const BODY: number = 1;
/** The next request's: kept until this one is answered. */
const NEXT: number = 2;
/** The rest of a body that nobody wants. */
const REST: number = 3;
/** Nothing: the connection is closing. */
const NOTHING: number = 4;

/** A body of at most this size travels with its head in one write, in bytes. */
const SMALL_BODY = 4096;
/** So much of an unwanted body is read to keep a connection, in bytes. */
const MAX_REST = 1024 * 1024;
/** How long an idle connection may still begin a request while draining, in milliseconds. */
const DRAIN_GRACE = 1000;
/** How long a closed connection's last bytes are waited for, in milliseconds. */
const LINGER = 2000;
/** After so many milliseconds without a word the client is told to send its body (RFC 9110, section 10.1.1). */
const CONTINUE_AFTER = 1000;

const request = new RequestHead();

export class Http1Connection extends Exchange implements ClientHandler {
  readonly #socket: TLSSocket;
  readonly #outlet: Outlet;
  readonly #rewrite: { -readonly [K in keyof RequestRewrite]: RequestRewrite[K] };
  #reads = HEAD;
  /** Bytes of the client that wait. */
  #carry: Buffer | undefined;
  /** No further request will be read. */
  #last = false;
  #minor = 1;
  readonly #body: BodyReader;
  #rechunks = false;
  /** When the client is told to continue; 0 for never. */
  #continueAt = 0;
  #described = '';

  constructor(plane: Plane, socket: TLSSocket, forwarding: Forwarding) {
    super(plane);
    this.#socket = socket;
    this.#outlet = new Outlet(socket);
    this.#body = new BodyReader(plane.parameters.TLS_MAX_HEADER_SIZE);
    const { PROXY_HOST, PROXY_PORT } = plane.parameters;
    this.#rewrite = {
      fields: (host) => forwarding.fields(host),
      fallbackHost: PROXY_HOST.includes(':') ? `[${PROXY_HOST}]:${PROXY_PORT}` : `${PROXY_HOST}:${PROXY_PORT}`,
      dropExpect: false,
      close: !plane.pool.keepsAlive,
    };
    this.deadline = plane.sweeper.after(plane.parameters.TLS_IDLE_TIMEOUT);
    plane.sweeper.add(this);
    handle(socket, this);
  }

  // The client's side.

  onClientData(chunk: Buffer): void {
    switch (this.#reads) {
      case HEAD:
        this.#readHeads(chunk);
        return;
      case BODY: {
        const end = this.#readBody(chunk, 0);
        if (end < chunk.length && this.#reads !== NOTHING) this.#readAhead(chunk.subarray(end));
        return;
      }
      case NEXT:
        this.#readAhead(chunk);
        return;
      case REST: {
        const end = this.#skipRest(chunk);
        if (this.#reads === HEAD && end < chunk.length) this.#readHeads(chunk.subarray(end));
      }
    }
  }

  /** Bytes of the next request: they wait, and the client with them. */
  #readAhead(chunk: Buffer): void {
    if (this.#reads === HEAD) {
      this.#readHeads(chunk);
      return;
    }
    this.#carry = this.#carry === undefined ? chunk : Buffer.concat([this.#carry, chunk]);
    this.#socket.pause();
  }

  /** Read requests until bytes, or the answer to one, must be waited for. */
  #readHeads(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#carry !== undefined) {
      const looked = this.#carry.length;
      bytes = Buffer.concat([this.#carry, chunk]);
      this.#carry = undefined;
      // A head that was incomplete is complete only with another line's end.
      if (bytes.indexOf(LF, looked) === -1 && bytes.length <= this.plane.parameters.TLS_MAX_HEADER_SIZE) {
        this.#carry = bytes;
        return;
      }
    } else this.deadline = this.plane.sweeper.after(this.plane.parameters.TLS_HEADER_TIMEOUT);
    this.#readHead(bytes);
  }

  #readHead(bytes: Buffer): void {
    const most = this.plane.parameters.TLS_MAX_HEADER_SIZE;
    // RFC 9112, section 2.2: one empty line before a request is ignored.
    const start = bytes[0] === CR && bytes[1] === LF ? 2 : 0;
    if (bytes.length <= start || (bytes.length === 1 && bytes[0] === CR)) {
      this.#carry = bytes;
      return;
    }
    const scanned = scanRequest(request, bytes, start, bytes.length);
    if (scanned === BAD) this.#refuse(request.reason);
    else if ((scanned === INCOMPLETE ? bytes.length : request.end) - start > most) this.#refuse('too_large');
    else if (scanned === INCOMPLETE) this.#carry = bytes;
    else this.#readRequest(bytes);
  }

  #readRequest(bytes: Buffer): void {
    const { plane } = this;
    const fault = request.interpret(bytes);
    if (fault !== undefined) return this.#refuse(fault);
    const method = methodOf(request, bytes);
    const expects = request.expectField !== -1;
    this.#rewrite.dropExpect = expects && plane.appIsOld;
    const rewritten = rewriteRequest(request, bytes, method, this.#rewrite);
    if ('fault' in rewritten) return this.#refuse(rewritten.fault);

    this.toHead = method === 'HEAD';
    this.asksUpgrade = request.upgradeField !== -1;
    this.#minor = request.minor;
    this.#last = !request.keepAlive;
    this.#body.begin(request.body, request.length);
    this.#rechunks = false;
    this.#continueAt = 0;
    this.requestDone = request.body === NO_BODY;
    plane.tally.requestsInFlight++;
    if (plane.logsRequests)
      this.#described = `${method} ${bytes.toString('latin1', request.targetStart, request.targetEnd).split('?', 1)[0]}`;

    let at = request.end;
    let { text } = rewritten;
    if (this.requestDone) {
      this.#reads = NEXT;
      this.begin(text, isIdempotent(method));
    } else {
      this.#reads = BODY;
      if (request.body === LENGTH && at < bytes.length && bytes.length - at <= SMALL_BODY) {
        this.#body.read(bytes, at);
        text += bytes.toString('latin1', at, this.#body.next);
        at = this.#body.next;
        if (this.#body.done) {
          this.requestDone = true;
          this.#reads = NEXT;
        }
      }
      this.begin(text, false);
      if (expects && this.#reads === BODY) {
        if (plane.appIsOld) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
        else this.#continueAt = plane.sweeper.now + CONTINUE_AFTER;
      }
      if (this.#reads === BODY && at < bytes.length) at = this.#readBody(bytes, at);
    }
    if (at < bytes.length && this.#reads !== NOTHING) this.#readAhead(bytes.subarray(at));
  }

  /** Pass a part of the body on. @returns the first byte that is not of it */
  #readBody(bytes: Buffer, start: number): number {
    const body = this.#body;
    body.read(bytes, start);
    if (body.bad) {
      this.#refuseBody();
      return body.next;
    }
    this.#continueAt = 0;
    let more = true;
    if (body.passEnd > start)
      more = this.sendBody(start === 0 && body.passEnd === bytes.length ? bytes : bytes.subarray(start, body.passEnd));
    if (body.tail !== '') more = this.sendBody(body.tail);
    if (body.done) {
      this.#reads = NEXT;
      this.endRequest();
    } else if (!more) this.#socket.pause();
    return body.next;
  }

  /** The body turned out malformed in the middle of things. */
  #refuseBody(): void {
    const begun = this.#responding;
    this.abandon();
    if (begun) {
      this.#over();
      this.plane.tally.rejected('chunks');
      this.#socket.destroy();
    } else {
      this.#over();
      this.#refuse('framing');
    }
  }

  /** Read the rest of a body that the application did not wait for. */
  #skipRest(bytes: Buffer): number {
    const body = this.#body;
    body.read(bytes, 0);
    if (body.bad || (!body.done && body.exceeds(MAX_REST))) {
      this.#close();
      return bytes.length;
    }
    if (body.done) this.#expectRequest();
    return body.next;
  }

  #refuse(fault: Fault): void {
    this.plane.tally.rejected(fault);
    this.plane.log.debug({ reason: fault, client: this.#socket.remoteAddress }, 'request refused');
    this.#answer(statusOf(fault), true);
  }

  /** Answer without the application. */
  #answer(status: number, close: boolean): void {
    const { TLS_RETRY_AFTER } = this.plane.parameters;
    this.plane.tally.response(status);
    this.#socket.write(
      http1Response(
        status,
        ownResponse(status, Math.ceil(TLS_RETRY_AFTER / 1000), this.plane.hsts),
        close,
        this.toHead,
      ),
      'latin1',
    );
    if (close) this.#close();
    else this.#expectRequest();
  }

  /** Send no more; what still comes is not looked at. */
  #close(): void {
    this.#reads = NOTHING;
    this.#carry = undefined;
    this.deadline = this.plane.sweeper.after(this.plane.parameters.TLS_IDLE_TIMEOUT);
    this.#socket.end();
    this.#socket.resume();
  }

  #expectRequest(): void {
    this.#reads = HEAD;
    this.toHead = false;
    this.deadline = this.plane.sweeper.after(
      this.plane.draining ? DRAIN_GRACE : this.plane.parameters.TLS_IDLE_TIMEOUT,
    );
    const { plane } = this;
    const carried = this.#carry;
    if (carried === undefined) {
      if (this.#socket.isPaused()) this.#socket.resume();
      return;
    }
    this.#carry = undefined;
    this.deadline = plane.sweeper.after(plane.parameters.TLS_HEADER_TIMEOUT);
    this.#readHead(carried);
    if (this.#reads === HEAD && this.#socket.isPaused()) this.#socket.resume();
  }

  onClientEnd(): void {
    // Who closes TLS while a response is on its way does not want it.
    if (this.phase !== IDLE) {
      this.abandon();
      this.#over();
      this.#socket.destroy();
    } else this.#socket.end();
  }

  onClientClose(): void {
    this.plane.sweeper.remove(this);
    if (this.phase === IDLE) return;
    this.abandon();
    this.#over();
  }

  onClientDrain(): void {
    this.upstream?.resume();
    if (this.phase !== IDLE)
      this.deadline = Math.max(this.deadline, this.plane.sweeper.after(this.plane.parameters.TLS_IDLE_TIMEOUT));
  }

  sweep(now: number): void {
    if (this.#continueAt !== 0 && now >= this.#continueAt) {
      this.#continueAt = 0;
      if (!this.#responding) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    }
    if (this.phase !== IDLE) this.sweepExchange(now);
    else if (this.#reads === NOTHING && this.#socket.writableFinished) {
      this.deadline = Math.min(this.deadline, this.plane.sweeper.after(LINGER));
      if (now >= this.deadline) this.#socket.destroy();
    } else if (now >= this.deadline) {
      if (this.#reads === NOTHING) this.#socket.destroy();
      else if (this.#carry === undefined && this.#reads === HEAD) this.#close();
      else {
        this.plane.tally.rejected('timeout');
        this.#answer(408, true);
      }
    }
  }

  drain(): void {
    if (this.phase === IDLE && this.#reads === HEAD && this.#carry === undefined)
      this.deadline = Math.min(this.deadline, this.plane.sweeper.after(DRAIN_GRACE));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  // The application's side.

  #responding = false;

  onUpstreamDrain(): void {
    if (this.#reads === BODY && this.#socket.isPaused()) this.#socket.resume();
  }

  protected onInterim(bytes: Buffer, head: ResponseHead): void {
    // HTTP/1.0 knows no interim responses (RFC 9110, section 15.2).
    if (this.#minor === 0 || (head.status === 100 && this.#reads !== BODY)) return;
    if (head.status === 100) this.#continueAt = 0;
    const start = rewriteResponse(head, bytes, '');
    this.#socket.write(bytes.toString('latin1', start, head.end), 'latin1');
  }

  protected onHead(bytes: Buffer, head: ResponseHead): number {
    let added = '';
    this.#responding = true;
    this.#continueAt = 0;
    if (head.body === UNTIL_CLOSE) {
      if (this.#minor > 0) {
        this.#rechunks = true;
        added = 'Transfer-Encoding: chunked\r\n';
      } else this.#last = true;
    } else if (head.body === CHUNKED && this.#minor === 0) {
      this.dechunks = true;
      head.dropped[head.codingField] = 1;
      this.#last = true;
    }
    if (this.plane.draining) this.#last = true;
    if (head.upgradeField !== -1) added += this.#last ? 'Connection: close, upgrade\r\n' : 'Connection: upgrade\r\n';
    else if (this.#last) added += 'Connection: close\r\n';
    else if (this.#minor === 0) added += 'Connection: keep-alive\r\n';
    if (this.plane.hsts !== '') added += `Strict-Transport-Security: ${this.plane.hsts}\r\n`;
    if (head.minor !== 1) bytes[head.start + 7] = 49;
    if (this.#described !== '')
      this.plane.log.debug(
        { request: this.#described, status: head.status, client: this.#socket.remoteAddress },
        'request',
      );
    return rewriteResponse(head, bytes, added);
  }

  protected onBytes(
    bytes: Buffer,
    start: number,
    bodyStart: number,
    end: number,
    reading: Reading | undefined,
  ): boolean {
    let from = start;
    let to = end;
    if (this.#rechunks && end > bodyStart) {
      const size = `${(end - bodyStart).toString(16)}\r\n`;
      from = start - size.length;
      bytes.copyWithin(from, start, bodyStart);
      bytes.write(size, bodyStart - size.length, 'latin1');
      bytes[to++] = CR;
      bytes[to++] = LF;
    }
    this.#outlet.write(bytes, from, to, reading);
    return this.#outlet.ready;
  }

  protected onEnd(tail: string): void {
    this.#over();
    const rest = this.#rechunks ? '0\r\n\r\n' : this.dechunks ? '' : tail;
    if (rest !== '') this.#socket.write(rest, 'latin1');
    this.#body.forget();
    if (this.#reads === BODY && !this.#last && !this.#body.exceeds(MAX_REST)) {
      this.#reads = REST;
      this.#socket.resume();
    } else if (this.#last || this.#reads === BODY) this.#close();
    else if (this.#reads === NEXT) this.#expectRequest();
  }

  protected onFail(status: number): void {
    this.#over();
    const { requestDone } = this;
    if (status === 408) this.plane.tally.rejected('timeout');
    this.#answer(status, !requestDone || this.#last || this.plane.draining);
  }

  protected onTruncated(): void {
    // The only way to say so (RFC 9112, section 8): an end without the end of the body. Where the end
    // is all that ends a body, it must not look like an orderly one.
    const ambiguous = this.#minor === 0;
    this.#over();
    this.#reads = NOTHING;
    if (ambiguous) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  protected onSwitch(bytes: Buffer, head: ResponseHead, end: number, upstream: UpstreamConnection): void {
    this.plane.tally.response(101);
    this.plane.tally.requestsInFlight--;
    this.plane.sweeper.remove(this);
    const start = rewriteResponse(head, bytes, 'Connection: upgrade\r\n');
    this.#socket.write(bytes.toString('latin1', start, end), 'latin1');
    const carried = this.#carry;
    this.#carry = undefined;
    const tunnel = new Tunnel(this.plane, this.#socket, upstream);
    if (carried !== undefined) tunnel.onClientData(carried);
    this.#socket.resume();
  }

  /** The request is no longer in flight. */
  #over(): void {
    this.#responding = false;
    this.plane.tally.requestsInFlight--;
  }
}
