/** HTTP/1 towards an endpoint: one request at a time on a connection, and its response read as its bytes come. */
import { LF } from '#proxy/http/bytes.ts';
import { PartialInput } from '#proxy/http/partial-input.ts';
import { ChunkWalker, JoinedChunks } from '#proxy/http/chunks.ts';
import { CHUNKED, LENGTH, NO_BODY, UNKNOWN_LENGTH } from '#proxy/http/message.ts';
import type { Request } from '#proxy/http/request.ts';
import { ResponseHead } from '#proxy/http/response-head.ts';
import { Response } from '#proxy/http/response.ts';
import { withCrlf } from '#proxy/http/rewrite.ts';
import { BAD, INCOMPLETE, scanResponse } from '#proxy/http/scan-head.ts';
import { HEADROOM, TAILROOM, type PooledBuffer, type ReadBuffer } from './buffers.ts';
import type { ResponseUser, UpstreamStream } from './cluster.ts';
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';
import { UpstreamConnection, type Multiplexer, type ConnectionTarget, type UpstreamUser } from './connection.ts';
import { Http1Writer } from './http1-writer.ts';

// What the endpoint's bytes are at the moment.
/** None is expected: no request is under way. */
const IDLE = 0;
/** A head, or its beginning. */
const HEAD = 1;
/** A body. */
const BODY = 2;

const head = new ResponseHead();

/** Where a connection belongs to. */
export interface Http1Owner {
  /** A response was read to its end: the connection may serve another request. */
  release(connection: Http1Connection): void;
  /** A connection is closed. */
  remove(connection: Http1Connection): void;
  /** A response came. @param http10 it was HTTP/1.0's */
  onVersion(http10: boolean): void;
}

export class Http1Connection implements UpstreamStream, UpstreamUser {
  /** When it became idle, on the sweeper's clock. */
  idleSince = 0;
  reused = false;
  unsent = false;
  /** Bytes of the request's body and of the response, of the last request. */
  moved = 0;
  readonly #connection: UpstreamConnection;
  readonly #writer: Http1Writer;
  readonly #owner: Http1Owner;
  readonly #maxHeaderSize: number;
  #user: ResponseUser | undefined;
  #reads = IDLE;
  #toHead = false;
  #asksUpgrade = false;
  /** The beginning of a head. */
  readonly #partial = new PartialInput();
  /** Something came for the request that is under way. */
  #answered = false;
  #body = NO_BODY;
  #remaining = 0;
  /** The connection may serve another request after this response. */
  #keepAlive = false;
  /** The body's chunks are taken off. */
  #dechunks = false;
  #walker: ChunkWalker | undefined;

  /**
   * @param maxHeaderSize of a response, in bytes
   * @param carriers take the connection where they can
   */
  constructor(target: ConnectionTarget, maxHeaderSize: number, owner: Http1Owner, carriers?: Multiplexer) {
    this.#owner = owner;
    this.#maxHeaderSize = maxHeaderSize;
    this.#connection = new UpstreamConnection(target, this, () => owner.remove(this), carriers);
    this.#writer = new Http1Writer(this.#connection.socket);
  }

  get connected(): boolean {
    return this.#connection.connected;
  }

  /** It is one of many on a carrier. */
  get multiplexed(): boolean {
    return this.#connection.multiplexed;
  }

  get blocked(): boolean {
    return this.#writer.blocked;
  }

  /**
   * Begin a request; see Endpoint.open.
   * @param repeatable whether it may be sent a second time, should the connection turn out to be dead
   */
  begin(request: Request, text: string, user: ResponseUser, repeatable: boolean): void {
    this.#user = user;
    this.#reads = HEAD;
    this.#answered = false;
    this.moved = 0;
    this.#toHead = request.method === 'HEAD';
    this.#asksUpgrade = request.upgrade !== '';
    this.unsent = this.reused && !repeatable;
    if (this.unsent) this.#lookFirst();
    this.#writer.begin(text, request.body === CHUNKED);
  }

  /**
   * The endpoint may have closed the connection already, and we have not read it yet: nothing leaves
   * before what the kernel knows has been read, which a whole turn of the event loop does.
   */
  #lookFirst(): void {
    const { socket } = this.#connection;
    socket.cork();
    setImmediate(() =>
      setImmediate(() => {
        if (this.#reads !== IDLE) this.unsent = false;
        socket.uncork();
      }),
    );
  }

  write(data: Buffer, raw: boolean): boolean {
    this.moved += data.length;
    return this.#writer.write(data, raw);
  }

  end(trailers: string, raw: boolean): void {
    this.#writer.end(trailers, raw);
  }

  resume(): void {
    this.#connection.resume();
  }

  cancel(): void {
    const answers = this.#reads !== IDLE;
    this.#forget();
    if (answers && this.connected) this.#connection.reset();
    else this.#connection.destroy();
  }

  /** @returns who has to hear of the end */
  #forget(): ResponseUser | undefined {
    const user = this.#user;
    this.#user = undefined;
    this.#reads = IDLE;
    this.#partial.clear();
    return user;
  }

  onUpstreamConnect(): void {
    this.#user?.onUpstreamConnect();
  }

  onUpstreamDrain(): void {
    this.#user?.onUpstreamDrain();
  }

  onUpstreamBytes(buffer: PooledBuffer, start: number, end: number): boolean {
    const { reading } = this.#connection;
    if (this.unsent) {
      // It says something of its own, mostly that it closes: this answers nothing.
      this.#fail('closed', 'unasked');
      return false;
    }
    this.#answered = true;
    this.moved += end - start;
    if (this.#reads === BODY) return this.#pass(buffer.bytes, start, end, reading);
    if (this.#reads === IDLE) {
      // No request is under way: what comes answers none, and the connection is of no use.
      this.#connection.destroy();
      return false;
    }
    if (this.#partial.size === 0) return this.#readHead(buffer.bytes, start, end, reading);
    const part = buffer.bytes.subarray(start, end);
    // A head that was incomplete is complete only with another line's end.
    if (part.indexOf(LF) === -1 && this.#partial.size + part.length <= this.#maxHeaderSize) {
      this.#partial.add(Buffer.from(part));
      return true;
    }
    const joined = roomy([this.#partial.take(), part]);
    return this.#readHead(joined, HEADROOM, joined.length - TAILROOM, undefined);
  }

  #readHead(bytes: Buffer, from: number, end: number, reading: ReadBuffer | undefined): boolean {
    const most = this.#maxHeaderSize;
    let start = from;
    for (;;) {
      // Interim ones are not kept.
      if (head.kept.begins(bytes, start, end, this.#toHead) && head.end - start <= most) break;
      const scanned = scanResponse(head, bytes, start, end);
      if (scanned === INCOMPLETE && end - start <= most) {
        this.#partial.add(Buffer.from(bytes.subarray(start, end)));
        return true;
      }
      if (scanned === BAD) return this.#invalid(head.reason);
      if (scanned === INCOMPLETE || head.end - start > most) return this.#invalid('too_large');
      if (head.bareLf) {
        const clean = roomy([Buffer.from(withCrlf(bytes, start, head.end), 'latin1'), bytes.subarray(head.end, end)]);
        return this.#readHead(clean, HEADROOM, clean.length - TAILROOM, undefined);
      }
      const reason = head.interpret(bytes, this.#toHead);
      if (reason !== undefined) return this.#invalid(reason);
      if (head.status === 101) return this.#switch(bytes, end);
      if (head.status >= 200) {
        head.kept.keep(bytes, start, head.end, this.#toHead);
        break;
      }
      this.#user!.onUpstreamInterim(this.#response(bytes));
      // The user may have cancelled.
      if (this.#reads !== HEAD) return false;
      start = head.end;
      if (start === end) return true;
    }
    const user = this.#user!;
    this.#owner.onVersion(head.minor === 0);
    this.#reads = BODY;
    this.#keepAlive = head.keepAlive;
    this.#remaining = head.length;
    this.#body = head.body;
    if (head.body === CHUNKED) (this.#walker ??= new ChunkWalker(most)).reset();
    const at = head.end;
    const response = this.#response(bytes);
    user.onUpstreamResponse(response);
    if (this.#user !== user) return false;
    this.#dechunks = response.body !== this.#body;
    return this.#pass(bytes, at, end, reading);
  }

  #response(bytes: Buffer): Response {
    return new Response(
      {
        status: head.status,
        body: head.body,
        length: head.hasLength ? head.length : -1,
        upgrade: head.upgrade,
      },
      { head, bytes, withBody: true },
    );
  }

  #switch(bytes: Buffer, end: number): boolean {
    if (!this.#asksUpgrade || head.upgrade === '') return this.#invalid('upgrade');
    const response = this.#response(bytes);
    const user = this.#forget()!;
    user.onUpstreamSwitch(response, Buffer.from(bytes.subarray(head.end, end)), this.#connection);
    return true;
  }

  /** Pass on what belongs to the response's body. */
  #pass(bytes: Buffer, at: number, end: number, reading: ReadBuffer | undefined): boolean {
    const user = this.#user!;
    let next = at;
    let passEnd = at;
    let done = true;
    let trailers = '';
    switch (this.#body) {
      case LENGTH:
        next = passEnd = Math.min(end, at + this.#remaining);
        this.#remaining -= next - at;
        done = this.#remaining === 0;
        break;
      case UNKNOWN_LENGTH:
        next = passEnd = end;
        done = false;
        break;
      case CHUNKED: {
        if (this.#dechunks) return this.#passData(bytes, at, end, reading);
        const walker = this.#walker!;
        next = walker.walk(bytes, at, end);
        if (walker.bad) {
          if (walker.passEnd > at) user.onUpstreamData(bytes, at, walker.passEnd, reading);
          return this.#invalid('chunks');
        }
        ({ passEnd, finished: done, tail: trailers } = walker);
      }
    }
    if (this.#body === NO_BODY) {
      user.onUpstreamData(bytes, at, at, reading);
      if (this.#user !== user) return false;
      this.#finish(next === end, '');
      return true;
    }
    const more = user.onUpstreamData(bytes, at, passEnd, reading);
    if (this.#user !== user) return false;
    if (!done) return more;
    this.#finish(next === end, trailers);
    return true;
  }

  /** A chunked body for a user that takes no chunks: its data, joined where the first lies. */
  #passData(bytes: Buffer, at: number, end: number, reading: ReadBuffer | undefined): boolean {
    const user = this.#user!;
    const walker = this.#walker!;
    const data = new JoinedChunks(bytes, at);
    const next = walker.walk(bytes, at, end, data);
    if (walker.bad) return this.#invalid('chunks');
    const more = user.onUpstreamData(bytes, data.start, data.end, reading);
    if (this.#user !== user) return false;
    if (!walker.finished) return more;
    this.#finish(next === end, walker.trailers);
    return true;
  }

  /** @param clean nothing came after the response */
  #finish(clean: boolean, trailers: string): void {
    const user = this.#forget()!;
    if (clean && this.#keepAlive && user.requestDone) {
      this.reused = true;
      this.#owner.release(this);
    } else this.#connection.destroy();
    user.onUpstreamEnd(trailers);
  }

  #invalid(reason: string): boolean {
    this.#fail('invalid_response', reason);
    return false;
  }

  #fail(failure: UpstreamFailure, reason: string): void {
    const user = this.#forget();
    this.#connection.destroy();
    user?.onUpstreamFailure(failure, reason);
  }

  onUpstreamFinish(): void {
    if (this.#reads === BODY && this.#body === UNKNOWN_LENGTH) this.#finish(false, '');
    else this.#lost(undefined);
  }

  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void {
    if (this.#reads !== IDLE) this.#lost(error);
  }

  #lost(error: NodeJS.ErrnoException | undefined): void {
    const reason = error?.code ?? 'closed';
    if (!this.connected) this.#fail('connect', reason);
    else if (this.#reads === BODY) this.#fail('truncated', reason);
    else if (!this.#answered) this.#fail('closed', reason);
    else this.#fail('invalid_response', 'incomplete');
  }

  onInternalError(error: unknown): void {
    this.#forget()?.onInternalError(error);
  }
}

/** Joined bytes with room on both sides, as the buffers of a connection have it. */
function roomy(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.allocUnsafe(HEADROOM), ...parts, Buffer.alloc(TAILROOM)]);
}
