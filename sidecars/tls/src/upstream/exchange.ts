/**
 * One request and its response, seen from the application's side. What is spoken with the client is
 * the subclass' matter.
 */
import { CHUNKED, LENGTH, NO_BODY, UNTIL_CLOSE, ResponseHead } from '../http1/message.ts';
import { BAD, INCOMPLETE, scanResponse } from '../http1/scan-head.ts';
import { withCrlf } from '../http1/rewrite.ts';
import { ChunkWalker } from '../http1/chunks.ts';
import type { Plane } from '../plane.ts';
import { HEADROOM, TAILROOM, type Arena, type Reading } from './arena.ts';
import type { UpstreamConnection, UpstreamUser } from './connection.ts';

/** No request. */
export const IDLE = 0;
/** Waiting for a connection. */
export const CONNECTING = 1;
/** Waiting for the response's head. */
export const AWAITING = 2;
/** Reading the response's body. */
export const STREAMING = 3;

const response = new ResponseHead();

export abstract class Exchange implements UpstreamUser {
  protected readonly plane: Plane;
  protected upstream: UpstreamConnection | undefined;
  protected phase = IDLE;
  /** When patience ends, on the sweeper's clock. */
  protected deadline = Infinity;
  /** The whole request has been handed to the upstream connection. */
  protected requestDone = false;
  /** The method was HEAD. */
  protected toHead = false;
  /** The request asked for another protocol. */
  protected asksUpgrade = false;
  /** The client gets data without chunk framing. */
  protected dechunks = false;
  #text = '';
  #repeatable = false;
  #body = NO_BODY;
  #remaining = 0;
  #reusable = false;
  #partial: Buffer | undefined;
  #walker: ChunkWalker | undefined;

  constructor(plane: Plane) {
    this.plane = plane;
  }

  /** An interim response's head; the bytes end at `head.end`. */
  protected abstract onInterim(bytes: Buffer, head: ResponseHead): void;
  /** The final response's head. @returns the first byte that is passed to `onBytes` */
  protected abstract onHead(bytes: Buffer, head: ResponseHead): number;
  /**
   * Bytes for the client.
   * @param start of a rewritten head, or of the body
   * @param bodyStart of the body
   * @param reading for `Outlet.write`
   * @returns false to read no further
   */
  protected abstract onBytes(
    bytes: Buffer,
    start: number,
    bodyStart: number,
    end: number,
    reading: Reading | undefined,
  ): boolean;
  /** The response is complete. @param tail what ends a chunked body and was not passed yet, as text */
  protected abstract onEnd(tail: string): void;
  /** The application switched protocols; from here on the connection belongs to the subclass. */
  protected abstract onSwitch(bytes: Buffer, head: ResponseHead, end: number, upstream: UpstreamConnection): void;
  /** There will be no response. */
  protected abstract onFail(status: number): void;
  /** The response has begun and cannot be completed. */
  protected abstract onTruncated(): void;
  /** More of the request may be sent. */
  abstract onUpstreamDrain(): void;

  /**
   * Send a request's head.
   * @param text the head, perhaps with the beginning of a body, as Latin-1
   * @param repeatable whether it may be sent twice: idempotent and without a body
   */
  protected begin(text: string, repeatable: boolean): void {
    this.#text = text;
    this.#repeatable = repeatable;
    this.dechunks = false;
    this.#send(false);
  }

  #send(fresh: boolean): void {
    const upstream = this.plane.pool.acquire(this, this.#repeatable, fresh);
    this.upstream = upstream;
    this.phase = upstream.connected ? AWAITING : CONNECTING;
    upstream.socket.write(this.#text, 'latin1');
    if (upstream.connected) this.#awaits();
    else this.deadline = this.plane.sweeper.after(this.plane.parameters.TLS_CONNECT_TIMEOUT);
  }

  #awaits(): void {
    const { TLS_RESPONSE_TIMEOUT, TLS_IDLE_TIMEOUT } = this.plane.parameters;
    this.deadline = this.plane.sweeper.after(this.requestDone ? TLS_RESPONSE_TIMEOUT : TLS_IDLE_TIMEOUT);
  }

  /** The request is complete. */
  protected endRequest(): void {
    this.requestDone = true;
    if (this.phase === AWAITING) this.#awaits();
  }

  /** Send a part of the request's body. @returns false when `onUpstreamDrain` should be waited for */
  protected sendBody(chunk: Buffer | string): boolean {
    if (this.phase >= AWAITING) this.deadline = this.plane.sweeper.after(this.plane.parameters.TLS_IDLE_TIMEOUT);
    return this.upstream!.socket.write(chunk as string, 'latin1');
  }

  /** The client is gone: so is the request. */
  protected abandon(): void {
    this.phase = IDLE;
    this.#partial = undefined;
    this.upstream?.destroy();
    this.upstream = undefined;
  }

  /** @returns whether the deadline has passed, and so the exchange is over */
  protected sweepExchange(now: number): void {
    if (now < this.deadline) return;
    const { phase, requestDone } = this;
    const stuck = this.upstream?.socket.writableNeedDrain === true;
    this.abandon();
    if (phase === CONNECTING) {
      this.plane.health.down('timeout');
      this.plane.tally.upstreamError('connect_timeout');
      this.onFail(503);
    } else if (phase === STREAMING) {
      this.plane.tally.upstreamError('body_timeout');
      this.onTruncated();
    } else if (requestDone || stuck) {
      this.plane.tally.upstreamError('response_timeout');
      this.onFail(504);
    } else this.onFail(408);
  }

  onUpstreamConnect(): void {
    this.plane.health.up();
    this.phase = AWAITING;
    this.#awaits();
  }

  onUpstreamData(arena: Arena, start: number, end: number): boolean {
    if (this.phase === STREAMING) {
      this.deadline = this.plane.sweeper.after(this.plane.parameters.TLS_IDLE_TIMEOUT);
      return this.#pass(arena.bytes, start, start, end, this.upstream!.reading);
    }
    if (this.#partial === undefined) return this.#readHead(arena.bytes, start, end, this.upstream!.reading);
    const joined = roomy([this.#partial, arena.bytes.subarray(start, end)]);
    this.#partial = undefined;
    return this.#readHead(joined, HEADROOM, joined.length - TAILROOM, undefined);
  }

  #readHead(bytes: Buffer, start: number, end: number, reading: Reading | undefined): boolean {
    const { plane } = this;
    const most = plane.parameters.TLS_MAX_HEADER_SIZE;
    for (;;) {
      const scanned = scanResponse(response, bytes, start, end);
      if (scanned === INCOMPLETE && end - start <= most) {
        this.#partial = Buffer.from(bytes.subarray(start, end));
        return true;
      }
      if (scanned === BAD) return this.#invalid(response.reason);
      if (scanned === INCOMPLETE || response.end - start > most) return this.#invalid('too_large');
      if (response.bareLf) {
        const clean = roomy([
          Buffer.from(withCrlf(bytes, start, response.end), 'latin1'),
          bytes.subarray(response.end, end),
        ]);
        return this.#readHead(clean, HEADROOM, clean.length - TAILROOM, undefined);
      }
      const fault = response.interpret(bytes, this.toHead, plane.hsts !== '');
      if (fault !== undefined) return this.#invalid(fault);
      if (response.status === 101) {
        if (!this.asksUpgrade || response.upgradeField === -1) return this.#invalid('upgrade');
        const upstream = this.upstream!;
        this.phase = IDLE;
        this.upstream = undefined;
        this.onSwitch(bytes, response, end, upstream);
        return true;
      }
      if (response.status >= 200) break;
      this.onInterim(bytes, response);
      start = response.end;
      if (start === end) return true;
    }
    plane.appIsOld = response.minor === 0;
    plane.tally.response(response.status);
    this.phase = STREAMING;
    this.deadline = plane.sweeper.after(plane.parameters.TLS_IDLE_TIMEOUT);
    this.#body = response.body;
    this.#remaining = response.length;
    this.#reusable = response.keepAlive;
    if (response.body === CHUNKED) (this.#walker ??= new ChunkWalker(most)).reset();
    const bodyStart = response.end;
    return this.#pass(bytes, this.onHead(bytes, response), bodyStart, end, reading);
  }

  /** Pass on what belongs to the response: from `from`, where its body goes on at `at`. */
  #pass(bytes: Buffer, from: number, at: number, end: number, reading: Reading | undefined): boolean {
    let next = at;
    let passEnd = at;
    let done = true;
    let tail = '';
    switch (this.#body) {
      case LENGTH:
        next = passEnd = Math.min(end, at + this.#remaining);
        this.#remaining -= next - at;
        done = this.#remaining === 0;
        break;
      case UNTIL_CLOSE:
        next = passEnd = end;
        done = false;
        break;
      case CHUNKED: {
        const walker = this.#walker!;
        if (this.dechunks) return this.#passData(bytes, from, at, end);
        next = walker.walk(bytes, at, end);
        if (walker.bad) {
          if (walker.passEnd > from) this.onBytes(bytes, from, at, walker.passEnd, reading);
          return this.#corrupt();
        }
        ({ passEnd, finished: done, tail } = walker);
      }
    }
    const more = passEnd === from || this.onBytes(bytes, from, at, passEnd, reading);
    if (this.phase !== STREAMING) return true;
    if (!done) return more;
    this.#finish(next === end, tail);
    return true;
  }

  /** A chunked body for a client that gets no chunks: its data, gathered. */
  #passData(bytes: Buffer, from: number, at: number, end: number): boolean {
    const walker = this.#walker!;
    const parts: Buffer[] = at > from ? [bytes.subarray(from, at)] : [];
    const next = walker.walk(bytes, at, end, { chunk: (start, stop) => void parts.push(bytes.subarray(start, stop)) });
    if (walker.bad) return this.#corrupt();
    const data = Buffer.concat(parts);
    const more = data.length === 0 || this.onBytes(data, 0, at - from, data.length, undefined);
    if (this.phase !== STREAMING) return true;
    if (!walker.finished) return more;
    this.#finish(next === end, walker.tail);
    return true;
  }

  #finish(clean: boolean, tail: string): void {
    const upstream = this.upstream!;
    this.upstream = undefined;
    this.phase = IDLE;
    if (clean && this.#reusable && this.requestDone) this.plane.pool.release(upstream);
    else upstream.destroy();
    this.onEnd(tail);
  }

  #invalid(reason: string): boolean {
    this.plane.tally.upstreamError('invalid_response');
    this.plane.log.warn({ reason }, 'the application sent an invalid response');
    this.abandon();
    this.onFail(502);
    return false;
  }

  #corrupt(): boolean {
    this.plane.tally.upstreamError('invalid_response');
    this.plane.log.warn({ reason: 'chunks' }, 'the application sent an invalid response body');
    this.abandon();
    this.onTruncated();
    return false;
  }

  onUpstreamEnd(): void {
    if (this.phase === STREAMING && this.#body === UNTIL_CLOSE) this.#finish(false, '');
    else this.#lost(undefined);
  }

  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void {
    this.#lost(error);
  }

  #lost(error: NodeJS.ErrnoException | undefined): void {
    const { phase, upstream, plane } = this;
    const untouched = phase === AWAITING && this.#partial === undefined;
    this.abandon();
    if (phase === CONNECTING) {
      const reason = error?.code ?? 'closed';
      plane.health.down(reason);
      plane.tally.upstreamError('connect');
      this.onFail(503);
    } else if (phase === STREAMING) {
      plane.tally.upstreamError('truncated');
      this.onTruncated();
    } else if (untouched && upstream?.reused === true && this.#repeatable) {
      // The connection had been idle and died as we wrote: nothing came back, so nothing is repeated that was answered.
      this.#send(true);
    } else {
      plane.tally.upstreamError('closed');
      this.onFail(502);
    }
  }
}

/** Joined bytes with an arena's room on both sides. */
function roomy(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.allocUnsafe(HEADROOM), ...parts, Buffer.alloc(TAILROOM)]);
}
