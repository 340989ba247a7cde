/**
 * One request and its response: filters, the request on its way upstream, and the response back. A
 * downstream protocol makes one for each request and drives it; what it hears of it is `Downstream`.
 * Whatever throws in here ends this exchange and nothing else.
 */
import type { DownstreamInfo } from './downstream/connection.ts';
import { internalError, type ProxyContext } from './context.ts';
import type { BodySink, FilteredExchange, Outcome } from './filters/filter.ts';
import { NO_BODY } from './http/message.ts';
import { BrokenBody, type Reply } from './http/reply.ts';
import { Request } from './http/request.ts';
import { bytesOf, plainReply, responseOf, statusOf } from './http/responses.ts';
import { Response } from './http/response.ts';
import type { RejectReason } from './http/scan-head.ts';
import { RequestBody } from './request-body.ts';
import type { ReadBuffer } from './upstream/buffers.ts';
import type { Cluster, Endpoint, ResponseUser, UpstreamFailure } from './upstream/cluster.ts';
import type { UpstreamConnection } from './upstream/connection.ts';
import { UpstreamRequest } from './upstream/request.ts';
import type { RetryPolicy } from './upstream/retry.ts';

/** The client's side of an exchange: what every downstream protocol offers. */
export interface Downstream {
  /** Chunked bodies pass as they are, both ways: HTTP/1.1, and nothing else. */
  readonly takesChunks: boolean;
  /** An interim response (1xx, but for 101). */
  onInterim(response: Response): void;
  /**
   * The final response's head. Where it lies in place (`response.inPlace`), `onData` follows in the
   * same turn, perhaps with no bytes.
   * @param whole the body, where it is there already: no `onData` follows then
   */
  onResponse(response: Response, whole?: Buffer): void;
  /**
   * A part of the body, as ResponseUser.onUpstreamData has it.
   * @returns false to get no further until `exchange.resume()`
   */
  onData(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): boolean;
  /** The response is complete. @param trailers whole lines; of a CHUNKED body what is left to send */
  onEnd(trailers: string): void;
  /** The endpoint switched protocols: from here on the connection belongs to the downstream. @param rest bytes of the new protocol */
  onSwitch(response: Response, rest: Buffer, upstream: UpstreamConnection): void;
  /** The response has begun and cannot be completed: the client must notice. Must not throw. */
  onAbort(): void;
  /** More of the request's body is wanted, or the first of it. */
  onDrain(): void;
}

/** A filter has not decided yet. */
const FILTERING = 1;
/** The request is upstream's, and so are the deadlines. */
const UPSTREAM = 2;
/** An answer's body comes in time. */
const REPLYING = 3;
const OVER = 4;

/** After so many milliseconds without a word the client is told to send its body (RFC 9110, section 10.1.1). */
const CONTINUE_AFTER = 1000;

export const STATUS_OF_FAILURE: Readonly<Record<UpstreamFailure, number>> = {
  connect: 503,
  connect_timeout: 503,
  no_endpoint: 503,
  closed: 502,
  invalid_response: 502,
  truncated: 502,
  response_timeout: 504,
  body_timeout: 504,
  request_timeout: 408,
};

/** What stands for a request that could not be read. */
export const unreadable = (): Request => new Request({ method: '-', target: '-', authority: '' });

export class Exchange implements FilteredExchange, ResponseUser {
  readonly context: ProxyContext;
  readonly downstream: DownstreamInfo;
  readonly request: Request;
  cluster: Cluster;
  retry: RetryPolicy | undefined;
  timeout: number;
  status = 0;
  outcome: Outcome = 'complete';
  failure: UpstreamFailure | undefined;
  failureReason = '';
  received = 0;
  sent = 0;
  trailers = '';
  state: object | undefined = undefined;
  /** The whole request has been handed to the exchange. */
  requestDone: boolean;
  readonly #client: Downstream;
  #phase = FILTERING;
  #deadline = Infinity;
  /** When the client is told to continue; 0 for never. */
  #continueAt = 0;
  #continued = false;
  #upstream: UpstreamRequest | undefined;
  /** The beginning of the body that came with the head, as Latin-1 text. */
  #start = '';
  /** The body, where a filter reads it. */
  #body: RequestBody | undefined;
  #responding = false;
  #sinks: BodySink[] | undefined;
  /** Wakes an answer that waits for a slow client. */
  #drained: (() => void) | undefined;
  #abort: AbortController | undefined;

  constructor(context: ProxyContext, client: Downstream, downstream: DownstreamInfo, request: Request) {
    this.context = context;
    this.#client = client;
    this.downstream = downstream;
    this.request = request;
    this.cluster = context.cluster;
    this.retry = undefined;
    this.timeout = context.settings.responseTimeout;
    this.requestDone = request.body === NO_BODY;
    context.stats.requestStarted();
  }

  get tried(): readonly Endpoint[] {
    return this.#upstream?.tried ?? [];
  }

  /** The response, or its refusal, has begun. */
  get responding(): boolean {
    return this.#responding;
  }

  get over(): boolean {
    return this.#phase === OVER;
  }

  /** `sendBody` may be called now; otherwise `Downstream.onDrain` tells when, or the exchange ends. */
  get wantsBody(): boolean {
    return this.#phase === UPSTREAM || this.#body?.reading === true;
  }

  /** The request's body is sent as the chunks it came in; otherwise as its data. Known once `wantsBody`. */
  get rawBody(): boolean {
    return this.#upstream?.rawBody === true;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#phase === OVER) this.#abort.abort();
    return this.#abort.signal;
  }

  // The downstream's calls.

  /**
   * Begin.
   * @param start the beginning of a LENGTH body that came with the head, or all of it, as Latin-1 text
   */
  begin(start = ''): void {
    this.#start = start;
    this.received = start.length;
    try {
      this.#filter(0);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** Refuse the request instead of beginning it, or within its body; the connection can serve no other. */
  reject(reason: RejectReason | 'timeout'): void {
    this.context.stats.requestRejected(reason);
    this.context.log.debug({ reason, client: this.downstream.remoteAddress }, 'request refused');
    try {
      this.#upstream?.cancel();
      if (this.#responding) this.#cut('rejected');
      else this.#answer(plainReply(statusOf(reason), 0), 'rejected');
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /**
   * Send a part of the request's body: bytes of its chunks where `rawBody`, otherwise its data.
   * @returns false when `Downstream.onDrain` should be waited for
   */
  sendBody(bytes: Buffer): boolean {
    this.#continueAt = 0;
    this.received += bytes.length;
    try {
      if (this.#phase === UPSTREAM) return this.#upstream!.write(bytes);
      return this.#body === undefined || this.#body.push(bytes);
    } catch (error) {
      this.onInternalError(error);
      return true;
    }
  }

  /** The request's body is complete. @param trailers whole lines; of a raw body what is left to send */
  endRequest(trailers: string): void {
    this.requestDone = true;
    this.#continueAt = 0;
    try {
      if (this.#phase === UPSTREAM) this.#upstream!.end(trailers);
      else this.#body?.end(trailers);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** The client is gone: so is the request. */
  cancel(): void {
    if (this.#phase === OVER) return;
    this.#upstream?.cancel();
    this.#end('cancelled');
  }

  /** The client takes more of the response. */
  resume(): void {
    try {
      this.#upstream?.resume();
      this.#drained?.();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** Look at the deadlines; `now` is the sweeper's clock. */
  sweep(now: number): void {
    try {
      if (this.#continueAt !== 0 && now >= this.#continueAt) this.#continue();
      if (this.#phase === UPSTREAM) this.#upstream!.sweep(now);
      else if (now >= this.#deadline) this.#late();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  // What filters may do: see FilteredExchange.

  readBody(limit: number): Promise<Buffer | undefined> {
    if (this.#phase !== FILTERING) throw new Error('a body can be read in onRequest only');
    this.#body ??= new RequestBody(this.#start, this.requestDone);
    this.#start = '';
    const whole = this.#body.read(limit);
    // Not before whoever calls `begin` is ready for it.
    if (!this.requestDone)
      queueMicrotask(() => {
        if (this.request.expectsContinue) this.#protect(() => this.#continue());
        this.onUpstreamDrain();
      });
    return whole;
  }

  sendInterim(response: Response): void {
    if (!this.#responding && !this.over) this.#client.onInterim(response);
  }

  tee(sink: BodySink): void {
    (this.#sinks ??= []).push(sink);
  }

  #filter(from: number): void {
    const { onRequest } = this.context.filters;
    for (let index = from; index < onRequest.length; index++) {
      const answer = onRequest[index]!.onRequest(this);
      if (answer === undefined) continue;
      if (answer instanceof Promise) return this.#wait(answer, index + 1);
      return this.#answer(answer as Reply, 'complete');
    }
    this.#send();
  }

  #wait(answer: Promise<Reply | undefined | void>, next: number): void {
    this.#deadline = this.context.sweeper.after(this.context.settings.responseTimeout);
    answer
      .then((reply) => {
        if (this.#phase !== FILTERING) return;
        if (reply) this.#answer(reply, 'complete');
        else {
          this.#filter(next);
          if (!this.requestDone && this.wantsBody) this.#client.onDrain();
        }
      })
      .catch((error: unknown) => {
        // A filter that was still waiting for something when the exchange ended has nothing to say.
        if (this.#phase !== OVER) this.onInternalError(error);
      });
  }

  #send(): void {
    const upstream = new UpstreamRequest(this.context, this, {
      request: this.request,
      cluster: this.cluster,
      downstream: this.downstream,
      retry: this.retry,
      timeout: this.timeout,
      // Of a body that a filter read, the chunks are gone.
      sendsChunks: this.#client.takesChunks && this.#body === undefined,
    });
    this.#upstream = upstream;
    this.#phase = UPSTREAM;
    const body = this.#body;
    if (body === undefined) upstream.begin(this.#start);
    else upstream.begin(body.release(), body.trailers);
    if (!this.request.expectsContinue || this.requestDone || this.over) return;
    if (upstream.endpoint?.http10 === true) this.#continue();
    else this.#continueAt = this.context.sweeper.now + CONTINUE_AFTER;
  }

  /** Tell the client to send its body. */
  #continue(): void {
    this.#continueAt = 0;
    if (this.#continued || this.#responding) return;
    this.#continued = true;
    this.#client.onInterim(new Response({ status: 100, body: NO_BODY }));
  }

  /** A deadline has passed. */
  #late(): void {
    if (this.#phase === REPLYING) return this.#cut('body_timeout');
    const slow = this.#body?.reading === true;
    this.context.stats.requestRejected(slow ? 'timeout' : 'filter_timeout');
    this.#answer(plainReply(slow ? 408 : 504, 0), slow ? 'request_timeout' : 'filter_timeout');
  }

  // The response.

  /**
   * Answer without an endpoint.
   * @param from the first filter that sees the response
   */
  #answer(reply: Reply, outcome: Outcome, from = 0): void {
    const bytes = bytesOf(reply);
    const size = bytes?.length ?? reply.length;
    const response = responseOf(reply, size, this.request.method === 'HEAD');
    response.close = outcome === 'rejected' || !this.requestDone;
    this.#phase = REPLYING;
    this.#deadline = this.context.sweeper.after(this.context.settings.idleTimeout);
    const whole = response.body === NO_BODY ? undefined : bytes;
    if (!this.#respond(response, from, whole)) return;
    if (bytes === undefined && response.body !== NO_BODY) {
      this.#pump(reply.body as AsyncIterable<Uint8Array>, reply.length, outcome).catch((error: unknown) => {
        if (error instanceof BrokenBody) {
          if (!this.over) this.#cut(error.failure);
        } else this.onInternalError(error);
      });
      return;
    }
    this.#end(outcome);
    this.#client.onEnd('');
  }

  /** An answer's body that comes in time, no faster than the client takes it. */
  async #pump(body: AsyncIterable<Uint8Array>, length: number | undefined, outcome: Outcome): Promise<void> {
    let sent = 0;
    for await (const chunk of body) {
      if (this.over) return;
      sent += chunk.byteLength;
      if (length !== undefined && sent > length) throw new Error(`an answer of ${length} bytes has more`);
      this.#deadline = this.context.sweeper.after(this.context.settings.idleTimeout);
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      if (this.#data(bytes, 0, bytes.length, undefined)) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drained = resolve;
      await promise;
    }
    if (this.over) return;
    if (length !== undefined && sent < length) throw new Error(`an answer of ${length} bytes has ${sent}`);
    this.#end(outcome);
    this.#client.onEnd('');
  }

  /** @returns false when a filter's answer has gone out instead */
  #respond(response: Response, from = 0, whole?: Buffer): boolean {
    this.status = response.status;
    this.#continueAt = 0;
    const { onResponse } = this.context.filters;
    for (let index = from; index < onResponse.length; index++) {
      const reply = onResponse[index]!.onResponse(this, response);
      if (!reply) continue;
      this.#upstream?.cancel();
      this.#answer(reply, 'complete', index + 1);
      return false;
    }
    if (this.#sinks !== undefined || !this.#client.takesChunks) response.dechunk();
    this.#responding = true;
    this.context.stats.responded(response.status);
    if (whole !== undefined && this.#sinks !== undefined) for (const sink of this.#sinks) sink.onData(whole);
    this.#client.onResponse(response, whole);
    response.detach();
    return true;
  }

  /** A part of the response's body. @returns false to send no more for now */
  #data(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): boolean {
    this.sent += end - start;
    if (this.#sinks !== undefined && end > start)
      for (const sink of this.#sinks) sink.onData(bytes.subarray(start, end));
    return this.#client.onData(bytes, start, end, from);
  }

  /** There will be no response, or no end of it. */
  #cut(outcome: Outcome): void {
    this.#end(outcome);
    this.#client.onAbort();
  }

  #end(outcome: Outcome): void {
    if (this.#phase === OVER) return;
    this.#phase = OVER;
    this.#continueAt = 0;
    this.outcome = outcome;
    this.context.stats.requestEnded();
    this.#body?.abort();
    this.#drained?.();
    if (this.#sinks !== undefined)
      for (const sink of this.#sinks) this.#protect(() => (outcome === 'complete' ? sink.onEnd() : sink.onAbort()));
    for (const filter of this.context.filters.onEnd)
      try {
        filter.onEnd(this);
      } catch (error) {
        internalError(this.context, error);
      }
    this.#abort?.abort();
  }

  #protect(action: () => void): void {
    try {
      action();
    } catch (error) {
      internalError(this.context, error);
    }
  }

  // The upstream request's calls.

  onUpstreamConnect(): void {}

  onUpstreamInterim(response: Response): void {
    // The body has come already: it need not be asked for.
    try {
      if (response.status === 100) {
        if (!this.requestDone) this.#continue();
        return;
      }
      this.#client.onInterim(response);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamResponse(response: Response): void {
    try {
      this.#respond(response);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamData(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): boolean {
    try {
      return this.#data(bytes, start, end, from);
    } catch (error) {
      this.onInternalError(error);
      return false;
    }
  }

  onUpstreamEnd(trailers: string): void {
    this.trailers = trailers;
    try {
      this.#end('complete');
      this.#client.onEnd(trailers);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamSwitch(response: Response, rest: Buffer, connection: UpstreamConnection): void {
    this.status = response.status;
    this.#responding = true;
    try {
      this.context.stats.responded(response.status);
      this.#end('switched');
      this.#client.onSwitch(response, rest, connection);
    } catch (error) {
      connection.destroy();
      this.onInternalError(error);
    }
  }

  onUpstreamFailure(failure: UpstreamFailure, reason: string): void {
    this.failure = failure;
    this.failureReason = reason;
    try {
      if (failure === 'request_timeout') this.context.stats.requestRejected('timeout');
      if (this.#responding) this.#cut(failure);
      else this.#answer(plainReply(STATUS_OF_FAILURE[failure], this.context.settings.retryAfter), failure);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamDrain(): void {
    if (this.requestDone || this.over) return;
    try {
      this.#client.onDrain();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** Something threw: this exchange is ended, nothing else. */
  onInternalError(error: unknown): void {
    internalError(this.context, error);
    this.#protect(() => this.#upstream?.cancel());
    if (this.over || this.#responding) return this.#cut('internal_error');
    this.#responding = true;
    try {
      const reply = plainReply(500, 0);
      const bytes = bytesOf(reply)!;
      const response = responseOf(reply, bytes.length, this.request.method === 'HEAD');
      response.close = true;
      this.status = 500;
      this.context.stats.responded(500);
      this.#client.onResponse(response, response.body === NO_BODY ? undefined : bytes);
      this.#end('internal_error');
      this.#client.onEnd('');
    } catch (second) {
      internalError(this.context, second);
      this.#cut('internal_error');
    }
  }
}
