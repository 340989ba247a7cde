/** One client that speaks HTTP/1: request after request, each relayed as its bytes come. */
import type { Socket } from 'node:net';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import type { Downstream } from '#proxy/exchange/downstream.ts';
import { Exchange, unreadable } from '#proxy/exchange/exchange.ts';
import { LF } from '#proxy/http/bytes.ts';
import { PartialInput } from '#proxy/http/partial-input.ts';
import { LENGTH, NO_BODY, UNKNOWN_LENGTH } from '#proxy/http/message.ts';
import { Request } from '#proxy/http/request.ts';
import type { Response } from '#proxy/http/response.ts';
import type { RejectReason } from '#proxy/http/scan-head.ts';
import type { ReadBuffer } from '#proxy/upstream/buffers.ts';
import type { UpstreamConnection } from '#proxy/upstream/connection.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { handleDirectly, LINGER, type DownstreamHandler, type DownstreamInfo } from '../sockets/connection.ts';
import { Http1Body } from './http1-body.ts';
import { Http1HeadReader } from './http1-head.ts';
import { BODY, HEAD, NEXT, NOTHING, REST } from './http1-reads.ts';
import { Http1Response } from './http1-response.ts';
import { Pipeline } from './pipeline.ts';
import { Tunnel } from './tunnel.ts';

/** A body of at most this size travels with its head in one write, in bytes. */
const SMALL_BODY = 4096;
/** How long an idle connection may still begin a request while draining, in milliseconds. */
const DRAIN_GRACE = 1000;

/** One for all connections: what it has read is used at once. */
const heads = new Http1HeadReader();

export class Http1Downstream implements Downstream, DownstreamHandler {
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #info: DownstreamInfo;
  readonly #body: Http1Body;
  readonly #response: Http1Response;
  /** The request that is under way. */
  #exchange: Exchange | undefined;
  #deadline: number;
  #reads = HEAD;
  /** A loop is reading heads: other callers leave the next head to that loop. */
  #reading = false;
  /** From the first request on that was answered before the next was read. */
  #pipeline: Pipeline | undefined;
  /** Bytes of the client that wait. */
  readonly #carry = new PartialInput();
  /** No further request will be read. */
  #last = false;
  #minor = 1;

  constructor(context: ProxyContext, info: DownstreamInfo) {
    this.#context = context;
    this.#info = info;
    this.#socket = info.socket;
    this.#body = new Http1Body(context.settings.maxHeaderSize);
    this.#response = new Http1Response(context, info.socket);
    this.#deadline = context.sweeper.after(context.settings.idleTimeout);
    context.sweeper.add(this);
    handleDirectly(info.socket, this);
  }

  // The client's bytes.

  onClientData(chunk: Buffer): void {
    switch (this.#reads) {
      case HEAD:
        this.#readHeads(chunk);
        return;
      case BODY: {
        if (!this.#exchange!.wantsBody) return this.#keep(chunk);
        const end = this.#passBody(chunk);
        if (end < chunk.length) this.#readAhead(chunk.subarray(end));
        return;
      }
      case NEXT:
        this.#keep(chunk);
        return;
      case REST: {
        const end = this.#skipRest(chunk);
        if (end < chunk.length) this.#readAhead(chunk.subarray(end));
      }
    }
  }

  /** Bytes that must wait, and the client with them. */
  #keep(chunk: Buffer): void {
    this.#carry.add(chunk);
    this.#socket.pause();
    this.#account();
  }

  /** Bytes after the body: the next request's. */
  #readAhead(chunk: Buffer): void {
    if (this.#reads === HEAD) this.#readHeads(chunk);
    else if (this.#reads !== NOTHING) this.#keep(chunk);
  }

  /** Read requests until bytes, or the answer to one, must be waited for. */
  #readHeads(chunk: Buffer): void {
    const waited = this.#carry.size > 0;
    this.#carry.add(chunk);
    if (!waited) this.#deadline = this.#context.sweeper.after(this.#context.settings.headerTimeout);
    // A head that was incomplete is complete only with another line's end.
    else if (chunk.indexOf(LF) === -1 && this.#carry.size <= this.#context.settings.maxHeaderSize) return;
    this.#readCarry();
  }

  /** Requests that are answered at once are read in this loop; recursion would end with a pipeline's length. */
  #readCarry(): void {
    if (this.#reading || this.#pipeline?.waits) return;
    this.#reading = true;
    try {
      while (this.#reads === HEAD && this.#carry.size > 0) {
        if (!this.#readHead(this.#carry.take())) break;
        if (this.#reads !== HEAD || this.#carry.size === 0) break;
        this.#pipeline ??= new Pipeline(this.#info, this, () => this.#readCarry());
        if (!this.#pipeline.mayGoOn()) break;
      }
    } finally {
      this.#reading = false;
    }
  }

  /** @returns false when more bytes are needed */
  #readHead(bytes: Buffer): boolean {
    const read = heads.read(bytes, this.#context.settings);
    if (read === 'incomplete') {
      this.#carry.add(bytes);
      return false;
    }
    if (read === 'request') this.#begin(bytes);
    else this.#reject(read);
    return true;
  }

  /** Begin the request that was read. */
  #begin(bytes: Buffer): void {
    const { head, request } = heads;
    const exchange = new Exchange(this.#context, this, this.#info, new Request(request!.init, request!.wire));
    this.#exchange = exchange;
    this.#minor = head.minor;
    this.#last = !head.keepAlive;
    this.#body.begin(head.body, head.length);
    this.#reads = head.body === NO_BODY ? NEXT : BODY;
    let at = head.end;
    let start = '';
    if (head.body === LENGTH && at < bytes.length && bytes.length - at <= SMALL_BODY) {
      const end = this.#body.start(bytes, at);
      start = bytes.toString('latin1', at, end);
      at = end;
      if (this.#body.done) {
        exchange.requestDone = true;
        this.#reads = NEXT;
      }
    }
    if (at < bytes.length) this.#carry.add(bytes.subarray(at));
    // It was paused where this request had waited for the one before.
    if (this.#reads === BODY && this.#socket.isPaused()) this.#socket.resume();
    exchange.begin(start);
    this.#sendCarry();
    if (this.#carry.size > 0 && (this.#reads === NEXT || this.#reads === BODY)) this.#socket.pause();
  }

  /** The part of the body that came with the head. */
  #sendCarry(): void {
    if (this.#reads !== BODY || this.#carry.size === 0 || !this.#exchange!.wantsBody) return;
    const leftover = this.#carry.take();
    const end = this.#passBody(leftover);
    if (end < leftover.length && this.#reads !== NOTHING) this.#carry.add(leftover.subarray(end));
  }

  /** Pass a part of the body on. @returns the first byte that is not of it */
  #passBody(bytes: Buffer): number {
    const exchange = this.#exchange!;
    const next = this.#body.pass(exchange, bytes);
    if (next === -1) {
      // The body turned out malformed in the middle of things.
      exchange.reject(exchange.responding ? 'chunks' : 'framing');
      return bytes.length;
    }
    // The exchange may have ended meanwhile.
    if (this.#reads === BODY && this.#exchange === exchange) {
      if (this.#body.done) {
        this.#reads = NEXT;
        exchange.endRequest(this.#body.trailers);
      } else if (!this.#body.more) {
        this.#socket.pause();
        this.#account();
      }
    }
    return next;
  }

  /** Read the rest of a body that the application did not wait for. @returns the first byte that is not of it */
  #skipRest(bytes: Buffer): number {
    const next = this.#body.skip(bytes);
    if (next === -1) {
      this.#close();
      return bytes.length;
    }
    if (this.#body.done) this.#expectRequest();
    return next;
  }

  /** A head that cannot be read, or did not come in time. */
  #reject(reason: RejectReason | 'timeout'): void {
    this.#minor = 1;
    this.#exchange = new Exchange(this.#context, this, this.#info, unreadable());
    this.#exchange.reject(reason);
  }

  /** Send no more; what still comes is not looked at. */
  #close(): void {
    this.#reads = NOTHING;
    this.#carry.clear();
    this.#deadline = this.#context.sweeper.after(this.#context.settings.idleTimeout);
    this.#response.flush();
    this.#socket.end();
    this.#socket.resume();
  }

  #expectRequest(): void {
    const { sweeper, settings, draining } = this.#context;
    this.#reads = HEAD;
    this.#deadline = sweeper.after(draining ? DRAIN_GRACE : settings.idleTimeout);
    if (this.#carry.size > 0) {
      this.#deadline = sweeper.after(settings.headerTimeout);
      this.#readCarry();
    }
    if (this.#reads === HEAD && this.#socket.isPaused()) this.#socket.resume();
  }

  onClientEnd(): void {
    // Who closes TLS while a response is on its way does not want it.
    if (this.#exchange !== undefined) {
      this.#exchange.cancel();
      this.#exchange = undefined;
      this.#socket.destroy();
    } else if (!this.#socket.writableEnded) this.#socket.end();
  }

  onClientClose(): void {
    this.#context.sweeper.remove(this);
    this.#response.close();
    this.#reads = NOTHING;
    this.#exchange?.cancel();
    this.#exchange = undefined;
  }

  onClientDrain(): void {
    this.#account();
    this.#exchange?.resume();
  }

  sweep(now: number): void {
    this.#account();
    if (this.#exchange !== undefined) this.#exchange.sweep(now);
    else if (this.#reads === NOTHING && this.#socket.writableFinished) {
      this.#deadline = Math.min(this.#deadline, this.#context.sweeper.after(LINGER));
      if (now >= this.#deadline) this.#socket.destroy();
    } else if (now >= this.#deadline) {
      if (this.#reads === NOTHING) this.#socket.destroy();
      else if (this.#carry.size === 0 && this.#reads === HEAD) this.#close();
      else this.#reject('timeout');
    }
  }

  drain(): void {
    if (this.#exchange === undefined && this.#reads === HEAD && this.#carry.size === 0)
      this.#deadline = Math.min(this.#deadline, this.#context.sweeper.after(DRAIN_GRACE));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onInternalError(error: unknown): void {
    const exchange = this.#exchange;
    if (exchange !== undefined && !exchange.over) exchange.onInternalError(error);
    else internalError(this.#context, error);
    this.onAbort();
  }

  #account(): void {
    this.#response.account(this.#carry.size, this.#reads === BODY && this.#socket.isPaused());
  }

  // The exchange's calls.

  get takesChunks(): boolean {
    return this.#minor > 0;
  }

  onDrain(): void {
    if (this.#reads !== BODY) return;
    this.#sendCarry();
    if (this.#reads === BODY && this.#carry.size === 0 && this.#socket.isPaused()) this.#socket.resume();
  }

  onInterim(response: Response): void {
    // HTTP/1.0 knows no interim responses (RFC 9110, section 15.2).
    if (this.#minor > 0) this.#response.interim(response);
  }

  onResponse(response: Response, whole?: Buffer): void {
    // To HTTP/1.0, only the connection's end says where such a body ends.
    const unframed = response.body === UNKNOWN_LENGTH && this.#minor === 0;
    if (unframed || response.close || this.#context.draining) this.#last = true;
    this.#response.begin(response, whole, this.#minor, this.#last);
  }

  onData(bytes: Buffer, start: number, end: number, reading: ReadBuffer | undefined): boolean {
    return this.#response.data(bytes, start, end, reading);
  }

  onEnd(trailers: string): void {
    this.#exchange = undefined;
    this.#response.end(trailers);
    const worthwhile = this.#body.forget();
    if (this.#reads === BODY && !this.#last && worthwhile) {
      this.#reads = REST;
      if (this.#carry.size > 0) this.onClientData(this.#carry.take());
      this.#socket.resume();
    } else if (this.#last || this.#reads === BODY) this.#close();
    else if (this.#reads === NEXT || this.#reads === HEAD) this.#expectRequest();
  }

  onAbort(): void {
    // The only way to say so (RFC 9112, section 8): an end without the end of the body. Where the end
    // is all that ends a body, it must not look like an orderly one.
    const ambiguous = this.#minor === 0;
    this.#exchange = undefined;
    this.#reads = NOTHING;
    this.#response.flush();
    if (ambiguous) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  onSwitch(response: Response, rest: Buffer, upstream: UpstreamConnection): void {
    this.#exchange = undefined;
    this.#context.sweeper.remove(this);
    this.#response.close();
    this.#response.switch(response, rest);
    const tunnel = new Tunnel(this.#context, this.#socket, upstream);
    if (this.#carry.size > 0) tunnel.onClientData(this.#carry.take());
    this.#socket.resume();
  }
}
