/** One client that speaks HTTP/1: request after request, each relayed as its bytes come. */
import type { Socket } from 'node:net';
import { internalError, type ProxyContext } from '#proxy/context.ts';
import type { Downstream } from '#proxy/exchange/downstream.ts';
import { Exchange, unreadable } from '#proxy/exchange/exchange.ts';
import { BodyReader } from '#proxy/http/body.ts';
import { CR, LF } from '#proxy/http/bytes.ts';
import { Carry } from '#proxy/http/carry.ts';
import { CHUNKED, LENGTH, NO_BODY, UNKNOWN_LENGTH } from '#proxy/http/message.ts';
import { RequestHead } from '#proxy/http/request-head.ts';
import { Request } from '#proxy/http/request.ts';
import type { Response } from '#proxy/http/response.ts';
import { statusLine } from '#proxy/http/responses.ts';
import { readRequest, rewriteResponse, type ReadRequest } from '#proxy/http/rewrite.ts';
import { BAD, INCOMPLETE, scanRequest, type RejectReason } from '#proxy/http/scan-head.ts';
import { HEADROOM, TAILROOM, type ReadBuffer } from '#proxy/upstream/buffers.ts';
import type { UpstreamConnection } from '#proxy/upstream/connection.ts';
import { handleDirectly, type DownstreamHandler, type DownstreamInfo } from './connection.ts';
import { Tunnel } from './tunnel.ts';
import { DownstreamWriter } from './writer.ts';

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

const head = new RequestHead();
/** What was read of it. */
let read: ReadRequest;

export class Http1Downstream implements Downstream, DownstreamHandler {
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #info: DownstreamInfo;
  readonly #writer: DownstreamWriter;
  readonly #body: BodyReader;
  /** The request that is under way. */
  #exchange: Exchange | undefined;
  #deadline: number;
  #reads = HEAD;
  /** Heads are being read: whoever frees the next one leaves it to that loop. */
  #reading = false;
  /** Bytes of the client that wait. */
  readonly #carry = new Carry();
  /** No further request will be read. */
  #last = false;
  #minor = 1;
  /** The response's data gets chunks here. */
  #rechunks = false;
  /** The body's chunks are passed on as they come. */
  #chunked = false;
  /** A rewritten head that waits for the beginning of its body, where it lies. */
  #headStart = -1;

  constructor(context: ProxyContext, info: DownstreamInfo) {
    this.#context = context;
    this.#info = info;
    this.#socket = info.socket;
    this.#writer = new DownstreamWriter(info.socket);
    this.#body = new BodyReader(context.settings.maxHeaderSize);
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
        const end = this.#readBody(chunk, 0);
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
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#reads === HEAD && this.#carry.size > 0) if (!this.#readHead(this.#carry.take())) break;
    } finally {
      this.#reading = false;
    }
  }

  /** @returns false when more bytes are needed */
  #readHead(bytes: Buffer): boolean {
    const most = this.#context.settings.maxHeaderSize;
    // RFC 9112, section 2.2: one empty line before a request is ignored.
    const start = bytes[0] === CR && bytes[1] === LF ? 2 : 0;
    if (bytes.length <= start || (bytes.length === 1 && bytes[0] === CR)) {
      this.#carry.add(bytes);
      return false;
    }
    const { trustsForwarded } = this.#context.settings;
    if (head.kept.begins(bytes, start, bytes.length, trustsForwarded) && head.end - start <= most) {
      this.#begin(bytes);
      return true;
    }
    const scanned = scanRequest(head, bytes, start, bytes.length);
    if (scanned === BAD) this.#reject(head.reason);
    else if ((scanned === INCOMPLETE ? bytes.length : head.end) - start > most) this.#reject('too_large');
    else if (scanned === INCOMPLETE) {
      this.#carry.add(bytes);
      return false;
    } else this.#readRequest(bytes);
    return true;
  }

  #readRequest(bytes: Buffer): void {
    const { trustsForwarded } = this.#context.settings;
    const reason = head.interpret(bytes, trustsForwarded);
    if (reason !== undefined) return this.#reject(reason);
    const found = readRequest(head, bytes);
    if (typeof found === 'string') return this.#reject(found);
    read = found;
    head.kept.keep(bytes, head.start, head.end, trustsForwarded);
    this.#begin(bytes);
  }

  /** Begin the request that was read. */
  #begin(bytes: Buffer): void {
    const exchange = new Exchange(this.#context, this, this.#info, new Request(read.init, read.wire));
    this.#exchange = exchange;
    this.#minor = head.minor;
    this.#last = !head.keepAlive;
    this.#body.begin(head.body, head.length);
    this.#reads = head.body === NO_BODY ? NEXT : BODY;
    let at = head.end;
    let start = '';
    if (head.body === LENGTH && at < bytes.length && bytes.length - at <= SMALL_BODY) {
      this.#body.read(bytes, at);
      start = bytes.toString('latin1', at, this.#body.next);
      at = this.#body.next;
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
    const carried = this.#carry.take();
    const end = this.#readBody(carried, 0);
    if (end < carried.length && this.#reads !== NOTHING) this.#carry.add(carried.subarray(end));
  }

  /** Pass a part of the body on. @returns the first byte that is not of it */
  #readBody(bytes: Buffer, start: number): number {
    const body = this.#body;
    const exchange = this.#exchange!;
    if (body.chunked && !exchange.rawBody) return this.#readData(bytes, start);
    body.read(bytes, start);
    if (body.bad) {
      this.#rejectBody();
      return bytes.length;
    }
    const { next } = body;
    let more = true;
    if (body.passEnd > start)
      more = exchange.sendBody(
        start === 0 && body.passEnd === bytes.length ? bytes : bytes.subarray(start, body.passEnd),
      );
    this.#sent(exchange, more, body.tail);
    return next;
  }

  /** A chunked body for an endpoint, or a filter, that takes data. */
  #readData(bytes: Buffer, start: number): number {
    const body = this.#body;
    const exchange = this.#exchange!;
    const parts: Buffer[] = [];
    body.read(bytes, start, { chunk: (from, to) => void parts.push(bytes.subarray(from, to)) });
    if (body.bad) {
      this.#rejectBody();
      return bytes.length;
    }
    const { next } = body;
    const more = parts.length === 0 || exchange.sendBody(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    this.#sent(exchange, more, body.trailers);
    return next;
  }

  #sent(exchange: Exchange, more: boolean, trailers: string): void {
    // The exchange may have ended meanwhile.
    if (this.#reads !== BODY || this.#exchange !== exchange) return;
    if (this.#body.done) {
      this.#reads = NEXT;
      exchange.endRequest(trailers);
    } else if (!more) this.#socket.pause();
  }

  /** The body turned out malformed in the middle of things. */
  #rejectBody(): void {
    const begun = this.#exchange!.responding;
    this.#exchange!.reject(begun ? 'chunks' : 'framing');
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
    } else this.#socket.end();
  }

  onClientClose(): void {
    this.#context.sweeper.remove(this);
    this.#reads = NOTHING;
    this.#exchange?.cancel();
    this.#exchange = undefined;
  }

  onClientDrain(): void {
    this.#exchange?.resume();
  }

  sweep(now: number): void {
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
    if (this.#minor > 0) this.#socket.write(`${statusLine(response.status)}${response.lines()}\r\n`, 'latin1');
  }

  onResponse(response: Response, whole?: Buffer): void {
    let added = '';
    this.#rechunks = false;
    this.#chunked = response.body === CHUNKED;
    if (response.body === UNKNOWN_LENGTH) {
      if (this.#minor > 0) {
        this.#rechunks = true;
        added = 'Transfer-Encoding: chunked\r\n';
      } else this.#last = true;
    }
    if (response.close || this.#context.draining) this.#last = true;
    if (response.upgrade !== '')
      added += `Upgrade: ${response.upgrade}\r\nConnection: ${this.#last ? 'close, upgrade' : 'upgrade'}\r\n`;
    else if (this.#last) added += 'Connection: close\r\n';
    else if (this.#minor === 0) added += 'Connection: keep-alive\r\n';
    const { inPlace } = response;
    const lines = added + response.addedLines;
    if (inPlace !== undefined && lines.length <= HEADROOM - CHUNK_SIZE_ROOM) {
      const { head: found, bytes } = inPlace;
      if (found.minor !== 1) bytes[found.start + 7] = 49;
      this.#headStart = rewriteResponse(found, bytes, lines);
      return;
    }
    const framing = response.body === CHUNKED ? 'Transfer-Encoding: chunked\r\n' : response.lengthLine;
    const text = `${statusLine(response.status)}${response.lines()}${framing}${added}\r\n`;
    if (whole === undefined) this.#socket.write(text, 'latin1');
    else this.#writer.writeMessage(text, whole);
  }

  onData(bytes: Buffer, start: number, end: number, reading: ReadBuffer | undefined): boolean {
    let from = start;
    let to = end;
    const headStart = this.#headStart;
    if (headStart !== -1) {
      // The head lies before the body's beginning, with nothing between them.
      this.#headStart = -1;
      from = headStart;
    }
    if (this.#rechunks && end > start) {
      const size = `${(end - start).toString(16)}\r\n`;
      if (reading === undefined && headStart === -1) {
        // There may be no room around these bytes.
        this.#socket.write(size, 'latin1');
        this.#writer.write(bytes, start, end, undefined);
        this.#socket.write('\r\n', 'latin1');
        return this.#writer.ready;
      }
      from -= size.length;
      if (headStart !== -1) bytes.copyWithin(from, headStart, start);
      bytes.write(size, start - size.length, 'latin1');
      bytes[to++] = CR;
      bytes[to++] = LF;
    }
    if (to > from) this.#writer.write(bytes, from, to, reading);
    return this.#writer.ready;
  }

  onEnd(trailers: string): void {
    this.#exchange = undefined;
    const rest = this.#rechunks ? `0\r\n${trailers}\r\n` : this.#chunked ? trailers : '';
    if (rest !== '') this.#socket.write(rest, 'latin1');
    this.#body.forget();
    if (this.#reads === BODY && !this.#last && !this.#body.exceeds(MAX_REST)) {
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
    if (ambiguous) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  onSwitch(response: Response, rest: Buffer, upstream: UpstreamConnection): void {
    this.#exchange = undefined;
    this.#context.sweeper.remove(this);
    this.#socket.write(
      `${statusLine(101)}${response.lines()}Upgrade: ${response.upgrade}\r\nConnection: upgrade\r\n\r\n`,
      'latin1',
    );
    if (rest.length > 0) this.#socket.write(rest);
    const tunnel = new Tunnel(this.#context, this.#socket, upstream);
    if (this.#carry.size > 0) tunnel.onClientData(this.#carry.take());
    this.#socket.resume();
  }
}

/** Free bytes that are left before a head for the size of a body's first chunk. */
const CHUNK_SIZE_ROOM = TAILROOM + 2;
