/**
 * One request and its response. Here is the request's way: through the filters and to an endpoint; response-path.ts
 * is the way back. A downstream protocol makes one for each request and drives it; what it hears of it is
 * `Downstream`. Whatever throws in here ends this exchange and nothing else.
 */
import type { SpanContext } from '#kit/tracing/span.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import type { BodySink, Outcome } from '#proxy/filters/filter.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import type { Reply } from '#proxy/http/reply.ts';
import { Request } from '#proxy/http/request.ts';
import { plainReply, statusOf } from '#proxy/http/responses.ts';
import type { Response } from '#proxy/http/response.ts';
import type { RejectReason } from '#proxy/http/scan-head.ts';
import type { Cluster, Endpoint } from '#proxy/upstream/cluster.ts';
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';
import { UpstreamRequest } from '#proxy/upstream/request.ts';
import type { RetryPolicy } from '#proxy/upstream/retry.ts';
import type { Downstream } from './downstream.ts';
import { RequestBody } from './request-body.ts';
import { ResponsePath, type Answered } from './response-path.ts';

/** Milliseconds without a response after which the client is told to send its body (RFC 9110, section 10.1.1). */
const CONTINUE_AFTER = 1000;

/** What stands for a request that could not be read. */
export const unreadable = (): Request => new Request({ method: '-', target: '-', authority: '' });

export class Exchange implements Answered {
  readonly context: ProxyContext;
  readonly downstream: DownstreamInfo;
  readonly request: Request;
  readonly startedAt = performance.now();
  cluster: Cluster;
  retry: RetryPolicy | undefined;
  timeout: number;
  idleTimeout: number | undefined = undefined;
  received = 0;
  state: object | undefined = undefined;
  span: SpanContext | undefined = undefined;
  route: string | undefined = undefined;
  reason: string | undefined = undefined;
  /** The whole request has been handed to the exchange. */
  requestDone: boolean;
  readonly #client: Downstream;
  readonly #response: ResponsePath;
  /** Of a filter that has not decided yet, on the sweeper's clock. */
  #deadline = Infinity;
  /** When the client is told to continue; 0 for never. */
  #continueAt = 0;
  #upstream: UpstreamRequest | undefined;
  /** The beginning of the body that came with the head, as Latin-1 text. */
  #start = '';
  /** The body, where a filter reads it. */
  #body: RequestBody | undefined;
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
    this.#response = new ResponsePath(context, client, this);
    context.stats.requestStarted();
  }

  // What is known of the response: see FilteredExchange.

  get status(): number {
    return this.#response.status;
  }
  get outcome(): Outcome {
    return this.#response.outcome;
  }
  get failure(): UpstreamFailure | undefined {
    return this.#response.failure;
  }
  get failureReason(): string {
    return this.#response.failureReason;
  }
  get sent(): number {
    return this.#response.sent;
  }
  get trailers(): string {
    return this.#response.trailers;
  }
  get tried(): readonly Endpoint[] {
    return this.#upstream?.tried ?? [];
  }

  /** The response, or its refusal, has begun. */
  get responding(): boolean {
    return this.#response.begun;
  }

  get over(): boolean {
    return this.#response.over;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.over) this.#abort.abort();
    return this.#abort.signal;
  }

  /** An answer of the proxy's own is on its way, or the exchange is over: nothing more goes to an endpoint. */
  get #settled(): boolean {
    return this.#response.replying || this.#response.over;
  }

  /** `sendBody` may be called now; otherwise `Downstream.onDrain` tells when, or the exchange ends. */
  get wantsBody(): boolean {
    return (this.#upstream !== undefined && !this.#settled) || this.#body?.reading === true;
  }

  /** The request's body is sent as the chunks it came in; otherwise as its data. Known once `wantsBody`. */
  get rawBody(): boolean {
    return this.#upstream?.rawBody === true;
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
      this.cancelUpstream();
      this.#response.refuse(plainReply(statusOf(reason), 0), 'rejected');
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
      if (this.#upstream !== undefined && !this.#settled) return this.#upstream.write(bytes);
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
      if (this.#upstream !== undefined && !this.#settled) this.#upstream.end(trailers);
      else this.#body?.end(trailers);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** The client is gone: so is the request. */
  cancel(): void {
    if (this.over) return;
    this.cancelUpstream();
    this.#response.end('cancelled');
  }

  /** The client takes more of the response. */
  resume(): void {
    try {
      this.#upstream?.resume();
      this.#response.resume();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** Look at the deadlines; `now` is the sweeper's clock. */
  sweep(now: number): void {
    try {
      if (this.#continueAt !== 0 && now >= this.#continueAt) this.#askForBody();
      if (this.#settled) this.#response.sweep(now);
      else if (this.#upstream !== undefined) this.#upstream.sweep(now);
      else if (now >= this.#deadline) this.#late();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** Something threw: this exchange is ended, nothing else. */
  onInternalError(error: unknown): void {
    this.#response.onInternalError(error);
  }

  // What filters may do: see FilteredExchange.

  readBody(limit: number): Promise<Buffer | undefined> {
    if (this.#upstream !== undefined || this.#settled) throw new Error('a body can be read in onRequest only');
    this.#body ??= new RequestBody(this.#start, this.requestDone);
    this.#start = '';
    const whole = this.#body.read(limit);
    // Not before the caller of `begin` is ready for it.
    if (!this.requestDone) queueMicrotask(() => this.#wantBody());
    return whole;
  }

  sendInterim(response: Response): void {
    this.#response.interim(response);
  }

  tee(sink: BodySink): void {
    this.#response.tee(sink);
  }

  // The request's way.

  #filter(from: number): void {
    const { onRequest } = this.context.filters;
    for (let index = from; index < onRequest.length; index++) {
      const answer = onRequest[index]!.onRequest(this);
      if (answer === undefined) continue;
      if (answer instanceof Promise) return this.#wait(answer, index + 1);
      return this.#response.answer(answer as Reply, 'complete');
    }
    this.#send();
  }

  #wait(answer: Promise<Reply | undefined | void>, next: number): void {
    this.#deadline = this.context.sweeper.after(this.context.settings.responseTimeout);
    answer
      .then((reply) => {
        if (this.#settled) return;
        if (reply) this.#response.answer(reply, 'complete');
        else {
          this.#filter(next);
          if (!this.requestDone && this.wantsBody) this.#client.onDrain();
        }
      })
      .catch((error: unknown) => {
        // A filter that was still waiting for something when the exchange ended has nothing to say.
        if (!this.over) this.onInternalError(error);
      });
  }

  /** A filter reads the body, and the client may be waiting. */
  #wantBody(): void {
    try {
      if (this.request.expectsContinue) this.#askForBody();
    } catch (error) {
      internalError(this.context, error);
    }
    this.#response.onUpstreamDrain();
  }

  #send(): void {
    const upstream = new UpstreamRequest(this.context, this.#response, {
      request: this.request,
      cluster: this.cluster,
      downstream: this.downstream,
      retry: this.retry,
      timeout: this.timeout,
      ...(this.idleTimeout !== undefined && { idleTimeout: this.idleTimeout }),
      // Of a body that a filter read, the chunks are gone.
      sendsChunks: this.#client.takesChunks && this.#body === undefined,
    });
    this.#upstream = upstream;
    const body = this.#body;
    if (body === undefined) upstream.begin(this.#start);
    else upstream.begin(body.release(), body.trailers);
    if (!this.request.expectsContinue || this.requestDone || this.over) return;
    if (upstream.endpoint?.http10 === true) this.#askForBody();
    else this.#continueAt = this.context.sweeper.now + CONTINUE_AFTER;
  }

  #askForBody(): void {
    this.#continueAt = 0;
    this.#response.askForBody();
  }

  /** A filter, or the client whose body it reads, has taken too long. */
  #late(): void {
    const slow = this.#body?.reading === true;
    this.context.stats.requestRejected(slow ? 'timeout' : 'filter_timeout');
    this.#response.answer(plainReply(slow ? 408 : 504, 0), slow ? 'request_timeout' : 'filter_timeout');
  }

  // The response path's calls.

  cancelUpstream(): void {
    this.#upstream?.cancel();
  }

  onOver(): void {
    this.#body?.abort();
    this.#abort?.abort();
  }
}
