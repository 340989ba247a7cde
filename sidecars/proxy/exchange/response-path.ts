/**
 * The way back of one exchange: an endpoint's response, or the proxy's own answer, through the filters and to the
 * client; and how the exchange ends. Whatever throws in here ends this exchange and nothing else.
 */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import type { BodySink, FilteredExchange, Outcome } from '#proxy/filters/filter.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import { BrokenBody, type Reply } from '#proxy/http/reply.ts';
import { Response } from '#proxy/http/response.ts';
import { STATUS_OF_FAILURE, bytesOf, plainReply, responseOf } from '#proxy/http/responses.ts';
import type { ReadBuffer } from '#proxy/upstream/buffers.ts';
import type { ResponseUser } from '#proxy/upstream/cluster.ts';
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';
import type { UpstreamConnection } from '#proxy/upstream/connection.ts';
import type { Downstream } from './downstream.ts';
import { ReplyBody, type ReplyBodyUser } from './reply-body.ts';

/** The exchange, as far as its response's path knows it. */
export interface Answered extends FilteredExchange {
  /** The whole request has been handed to the exchange. */
  readonly requestDone: boolean;
  /** What an endpoint still says is not wanted. */
  cancelUpstream(): void;
  /** The exchange is over: end what waits for more of it. */
  onOver(): void;
}

/** An interim response's status line and blank line, in bytes. */
const INTERIM_OVERHEAD = 32;

export class ResponsePath implements ResponseUser, ReplyBodyUser {
  status = 0;
  outcome: Outcome = 'complete';
  failure: UpstreamFailure | undefined;
  failureReason = '';
  /** Bytes of the body. */
  sent = 0;
  trailers = '';
  /** The response, or its refusal, has begun. */
  begun = false;
  /** The proxy answers by itself. */
  replying = false;
  over = false;
  /** Bytes of interim responses. */
  #interim = 0;
  readonly #context: ProxyContext;
  readonly #client: Downstream;
  readonly #exchange: Answered;
  /** The client was told to send its body. */
  #asked = false;
  #sinks: BodySink[] | undefined;
  #body: ReplyBody | undefined;
  /** Of the next part of that, on the sweeper's clock. */
  #deadline = Infinity;

  constructor(context: ProxyContext, client: Downstream, exchange: Answered) {
    this.#context = context;
    this.#client = client;
    this.#exchange = exchange;
  }

  get requestDone(): boolean {
    return this.#exchange.requestDone;
  }

  // The request's calls.

  /** An interim response, where the final one has not begun. */
  interim(response: Response): void {
    if (!this.begun && !this.over) this.#client.onInterim(response);
  }

  /** Tell the client to send its body, once. */
  askForBody(): void {
    if (this.#asked || this.begun || this.over) return;
    this.#asked = true;
    this.#client.onInterim(new Response({ status: 100, body: NO_BODY }));
  }

  tee(sink: BodySink): void {
    (this.#sinks ??= []).push(sink);
  }

  /** The client takes more. */
  resume(): void {
    this.#body?.resume();
  }

  /** Look at the deadline of an answer's body; `now` is the sweeper's clock. */
  sweep(now: number): void {
    if (!this.over && now >= this.#deadline) this.#cut('body_timeout');
  }

  /** Answer without an endpoint, or end a response that has begun. */
  refuse(reply: Reply, outcome: Outcome): void {
    if (this.begun) this.#cut(outcome);
    else this.answer(reply, outcome);
  }

  /**
   * Answer without an endpoint.
   * @param from the first filter that sees the response
   */
  answer(reply: Reply, outcome: Outcome, from = 0): void {
    const bytes = bytesOf(reply);
    const size = bytes?.length ?? reply.length;
    const response = responseOf(reply, size, this.#exchange.request.method === 'HEAD');
    response.close = outcome === 'rejected' || !this.requestDone;
    this.replying = true;
    this.#touch();
    const whole = response.body === NO_BODY ? undefined : bytes;
    if (!this.#respond(response, from, whole)) return;
    if (bytes === undefined && response.body !== NO_BODY) this.#stream(reply, outcome);
    else this.#complete(outcome);
  }

  /** The end of the exchange. */
  end(outcome: Outcome): void {
    if (this.over) return;
    this.over = true;
    this.outcome = outcome;
    this.#context.stats.requestEnded(this.#exchange);
    this.#body?.resume();
    if (this.#sinks !== undefined)
      for (const sink of this.#sinks) this.#protect(() => (outcome === 'complete' ? sink.onEnd() : sink.onAbort()));
    for (const filter of this.#context.filters.onEnd)
      try {
        filter.onEnd(this.#exchange);
      } catch (error) {
        internalError(this.#context, error);
      }
    this.#exchange.onOver();
  }

  /** Something threw: this exchange is ended, nothing else. */
  onInternalError(error: unknown): void {
    internalError(this.#context, error);
    this.#protect(() => this.#exchange.cancelUpstream());
    if (this.over || this.begun) return this.#cut('internal_error');
    this.begun = true;
    try {
      const reply = plainReply(500, 0);
      const bytes = bytesOf(reply)!;
      const response = responseOf(reply, bytes.length, this.#exchange.request.method === 'HEAD');
      response.close = true;
      this.status = 500;
      this.#context.stats.responded(500);
      this.#client.onResponse(response, response.body === NO_BODY ? undefined : bytes);
      this.#complete('internal_error');
    } catch (second) {
      internalError(this.#context, second);
      this.#cut('internal_error');
    }
  }

  // An answer's body that comes in time.

  #stream(reply: Reply, outcome: Outcome): void {
    this.#body = new ReplyBody(this);
    this.#body
      .send(reply.body as AsyncIterable<Uint8Array>, reply.length)
      .then((whole) => {
        if (whole && !this.over) this.#complete(outcome);
      })
      .catch((error: unknown) => {
        if (error instanceof BrokenBody) {
          if (!this.over) this.#cut(error.failure);
        } else this.onInternalError(error);
      });
  }

  onPart(bytes: Buffer): boolean {
    this.#touch();
    return this.#data(bytes, 0, bytes.length, undefined);
  }

  #touch(): void {
    this.#deadline = this.#context.sweeper.after(this.#context.settings.idleTimeout);
  }

  // Any response.

  /** @returns false when a filter's answer has gone out instead */
  #respond(response: Response, from = 0, whole?: Buffer): boolean {
    this.status = response.status;
    const { onResponse } = this.#context.filters;
    for (let index = from; index < onResponse.length; index++) {
      const reply = onResponse[index]!.onResponse(this.#exchange, response);
      if (!reply) continue;
      this.#exchange.cancelUpstream();
      this.answer(reply, 'complete', index + 1);
      return false;
    }
    if (this.#sinks !== undefined || !this.#client.takesChunks) response.dechunk();
    this.begun = true;
    this.#context.stats.responded(response.status);
    if (whole !== undefined) {
      this.sent += whole.length;
      if (this.#sinks !== undefined) for (const sink of this.#sinks) sink.onData(whole);
    }
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

  #complete(outcome: Outcome): void {
    this.end(outcome);
    this.#client.onEnd(this.trailers);
  }

  /** There will be no response, or no end of it. */
  #cut(outcome: Outcome): void {
    this.end(outcome);
    this.#client.onAbort();
  }

  #protect(action: () => void): void {
    try {
      action();
    } catch (error) {
      internalError(this.#context, error);
    }
  }

  // The upstream request's calls.

  onUpstreamConnect(): void {}

  onUpstreamInterim(response: Response): void {
    try {
      // The client may read none of them: all together are no more than one head may be.
      this.#interim += INTERIM_OVERHEAD + response.lines().length;
      if (this.#interim > this.#context.settings.maxHeaderSize) {
        this.#exchange.cancelUpstream();
        this.#context.stats.upstreamFailed('invalid_response');
        this.onUpstreamFailure('invalid_response', 'interim responses');
      } else if (response.status !== 100) this.#client.onInterim(response);
      // The body may have come already: it need not be asked for.
      else if (!this.requestDone) this.askForBody();
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
      this.#complete('complete');
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamSwitch(response: Response, rest: Buffer, connection: UpstreamConnection): void {
    this.status = response.status;
    this.begun = true;
    try {
      this.#context.stats.responded(response.status);
      this.end('switched');
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
      if (failure === 'request_timeout') this.#context.stats.requestRejected('timeout');
      this.refuse(plainReply(STATUS_OF_FAILURE[failure], this.#context.settings.retryAfter), failure);
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
}
