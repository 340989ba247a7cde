/**
 * One request and its response: filters, an endpoint, and the response back. A downstream protocol
 * makes one for each request and drives it; what it hears of it is `Downstream`. Whatever throws in
 * here ends this exchange and nothing else.
 */
import type { DownstreamInfo } from './downstream/connection.ts';
import { internalError, type ProxyContext } from './context.ts';
import type { FilteredExchange, Outcome } from './filters/filter.ts';
import { CHUNKED, isIdempotent, NO_BODY } from './http/message.ts';
import type { Reply } from './http/reply.ts';
import { Request } from './http/request.ts';
import { bytesOf, plainReply, responseOf, statusOf } from './http/responses.ts';
import { Response } from './http/response.ts';
import type { RejectReason } from './http/scan-head.ts';
import type { ReadBuffer } from './upstream/buffers.ts';
import type {
  Cluster,
  Endpoint,
  Pick,
  ResponseUser,
  TryOutcome,
  UpstreamFailure,
  UpstreamStream,
} from './upstream/cluster.ts';
import type { UpstreamConnection } from './upstream/connection.ts';

/** The client's side of an exchange: what every downstream protocol offers. */
export interface Downstream {
  /** Chunked bodies pass as they are, both ways: HTTP/1.1, and nothing else. */
  readonly takesChunks: boolean;
  /** An interim response (1xx, but for 101). */
  onInterim(response: Response): void;
  /**
   * The final response's head. Where it lies in place (`response.inPlace`), `onData` follows in the
   * same turn, perhaps with no bytes.
   */
  onResponse(response: Response): void;
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

/** Not begun. */
const NEW = 0;
/** A filter has not decided yet. */
const FILTERING = 1;
/** Waiting for a connection. */
const CONNECTING = 2;
/** Waiting for the response's head. */
const AWAITING = 3;
/** Passing the response's body on. */
const STREAMING = 4;
const OVER = 5;

/** After so many milliseconds without a word the client is told to send its body (RFC 9110, section 10.1.1). */
const CONTINUE_AFTER = 1000;
const NONE: readonly Endpoint[] = [];

const STATUS_OF_FAILURE: Readonly<Record<UpstreamFailure, number>> = {
  connect: 503,
  connect_timeout: 503,
  closed: 502,
  invalid_response: 502,
  response_timeout: 504,
  truncated: 502,
  body_timeout: 504,
};

/** What stands for a request that could not be read. */
export const unreadable = (): Request => new Request({ method: '-', target: '-', authority: '' });

export class Exchange implements FilteredExchange, ResponseUser, Pick {
  readonly context: ProxyContext;
  readonly downstream: DownstreamInfo;
  readonly request: Request;
  /** Where the request goes; a filter may choose another. */
  cluster: Cluster;
  /** The final response's status; 0 before it. */
  status = 0;
  outcome: Outcome = 'complete';
  /** The whole request has been handed to the exchange. */
  requestDone: boolean;
  /** The request's body is sent on as the chunks it came in; otherwise as its data. Known once `wantsBody`. */
  rawBody = false;
  readonly #client: Downstream;
  #phase = NEW;
  #deadline = Infinity;
  /** When the client is told to continue; 0 for never. */
  #continueAt = 0;
  #endpoint: Endpoint | undefined;
  #tried: readonly Endpoint[] = NONE;
  #tryStartedAt = 0;
  #stream: UpstreamStream | undefined;
  /** The beginning of the body that came with the head, as Latin-1 text. */
  #start = '';
  #responding = false;
  #ended = false;
  #abort: AbortController | undefined;

  constructor(context: ProxyContext, client: Downstream, downstream: DownstreamInfo, request: Request) {
    this.context = context;
    this.#client = client;
    this.downstream = downstream;
    this.request = request;
    this.cluster = context.cluster;
    this.requestDone = request.body === NO_BODY;
    context.stats.requestStarted();
  }

  /** Endpoints that were tried, the last one last. */
  get tried(): readonly Endpoint[] {
    return this.#tried;
  }

  /** The response, or its refusal, has begun. */
  get responding(): boolean {
    return this.#responding;
  }

  /** `sendBody` may be called now; otherwise `Downstream.onDrain` tells when, or the exchange ends. */
  get wantsBody(): boolean {
    return this.#stream !== undefined;
  }

  get over(): boolean {
    return this.#phase === OVER;
  }

  /** Aborted when the exchange is over: for what a filter waits for. */
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
    this.#phase = FILTERING;
    try {
      this.#filter(0);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** Refuse the request instead of beginning it; the connection can serve no other. */
  reject(reason: RejectReason | 'timeout'): void {
    this.context.stats.requestRejected(reason);
    this.context.log.debug({ reason, client: this.downstream.remoteAddress }, 'request refused');
    this.outcome = 'rejected';
    try {
      this.#dropStream('cancelled');
      if (this.#responding) this.#cut('rejected');
      else this.#answer(plainReply(statusOf(reason), 0), true);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /**
   * Send a part of the request's body: bytes of its chunks where `rawBody`, otherwise its data.
   * @returns false when `Downstream.onDrain` should be waited for
   */
  sendBody(bytes: Buffer): boolean {
    const stream = this.#stream;
    if (stream === undefined) return true;
    this.#continueAt = 0;
    try {
      if (this.#phase >= AWAITING) this.#touch();
      return stream.write(bytes, this.rawBody);
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
      this.#stream?.end(trailers, this.rawBody);
      if (this.#phase === AWAITING) this.#await();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** The client is gone: so is the request. */
  cancel(): void {
    if (this.#phase === OVER) return;
    this.#dropStream('cancelled');
    this.#end('cancelled');
  }

  /** The client takes more of the response. */
  resume(): void {
    if (this.#phase === STREAMING) this.#touch();
    try {
      this.#stream?.resume();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** Look at the deadlines; `now` is the sweeper's clock. */
  sweep(now: number): void {
    try {
      if (this.#continueAt !== 0 && now >= this.#continueAt) this.#continue();
      if (now >= this.#deadline) this.#late();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  // Filters and tries.

  #filter(from: number): void {
    const { onRequest } = this.context.filters;
    for (let index = from; index < onRequest.length; index++) {
      const answer = onRequest[index]!.onRequest(this);
      if (answer === undefined) continue;
      if (answer instanceof Promise) return this.#wait(answer, index + 1);
      return this.#answer(answer as Reply, false);
    }
    this.#try(false);
  }

  #wait(answer: Promise<Reply | undefined | void>, next: number): void {
    this.#deadline = this.context.sweeper.after(this.context.settings.responseTimeout);
    answer
      .then((reply) => {
        if (this.#phase !== FILTERING) return;
        if (reply) this.#answer(reply, false);
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

  #try(fresh: boolean): void {
    const endpoint = this.cluster.pick(this);
    if (endpoint === undefined) {
      this.context.stats.upstreamFailed('no_endpoint');
      return this.#fail('no_endpoint', 503);
    }
    this.#tried = this.#tried === NONE ? [endpoint] : [...this.#tried, endpoint];
    this.#endpoint = endpoint;
    this.rawBody = this.request.body === CHUNKED && this.#client.takesChunks && endpoint.takesChunks;
    endpoint.active++;
    if (this.cluster.onTryEnd !== undefined) this.#tryStartedAt = performance.now();
    const stream = endpoint.open(this.request, this.#start, this, fresh);
    this.#stream = stream;
    if (stream.connected) this.#await();
    else {
      this.#phase = CONNECTING;
      this.#deadline = this.context.sweeper.after(this.context.settings.connectTimeout);
    }
    if (this.request.expectsContinue && !this.requestDone) {
      if (endpoint.http10) this.#continue();
      else this.#continueAt = this.context.sweeper.now + CONTINUE_AFTER;
    }
  }

  #await(): void {
    const { responseTimeout, idleTimeout } = this.context.settings;
    this.#phase = AWAITING;
    this.#deadline = this.context.sweeper.after(this.requestDone ? responseTimeout : idleTimeout);
  }

  #touch(): void {
    this.#deadline = this.context.sweeper.after(this.context.settings.idleTimeout);
  }

  /** Tell the client to send its body. */
  #continue(): void {
    this.#continueAt = 0;
    if (!this.#responding) this.#client.onInterim(new Response({ status: 100, body: NO_BODY }));
  }

  /** A deadline has passed. */
  #late(): void {
    const blocked = this.#stream?.blocked === true;
    switch (this.#phase) {
      case FILTERING:
        this.context.stats.requestRejected('filter_timeout');
        return this.#fail('filter_timeout', 504);
      case CONNECTING:
        this.cluster.onConnectFailure?.(this.#endpoint!, 'timeout');
        return this.#failTry('connect_timeout');
      case AWAITING:
        if (this.requestDone || blocked) return this.#failTry('response_timeout');
        this.context.stats.requestRejected('timeout');
        return this.#fail('request_timeout', 408);
      case STREAMING:
        return this.#failTry('body_timeout');
    }
  }

  /** A try is over: the endpoint is told, and owes nothing more. */
  #endTry(outcome: TryOutcome): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    this.#endpoint = undefined;
    endpoint.active--;
    const { cluster } = this;
    if (cluster.onTryEnd !== undefined) cluster.onTryEnd(endpoint, outcome, performance.now() - this.#tryStartedAt);
  }

  #dropStream(failure: UpstreamFailure | 'cancelled'): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel();
    this.#endTry(this.status > 0 && this.#responding ? { status: this.status } : { failure });
  }

  #failTry(failure: UpstreamFailure): void {
    this.context.stats.upstreamFailed(failure);
    this.#dropStream(failure);
    this.#fail(failure, STATUS_OF_FAILURE[failure]);
  }

  /** There will be no response, or no end of it. */
  #fail(outcome: Outcome, status: number): void {
    this.#dropStream('cancelled');
    if (this.#responding) return this.#cut(outcome);
    this.outcome = outcome;
    this.#answer(plainReply(status, this.context.settings.retryAfter), false);
  }

  #cut(outcome: Outcome): void {
    this.#end(outcome);
    this.#client.onAbort();
  }

  // The response.

  /** Answer without an endpoint. */
  #answer(reply: Reply, close: boolean): void {
    this.#dropStream('cancelled');
    const bytes = bytesOf(reply);
    if (bytes === undefined) throw new TypeError('a body that comes in time is not supported yet');
    const response = responseOf(reply, reply.length ?? bytes.length, this.request.method === 'HEAD');
    response.close = close || !this.requestDone;
    this.#respond(response);
    if (response.body !== NO_BODY) this.#client.onData(bytes, 0, bytes.length, undefined);
    this.#end(this.outcome);
    this.#client.onEnd('');
  }

  #respond(response: Response): void {
    this.status = response.status;
    this.#continueAt = 0;
    for (const filter of this.context.filters.onResponse) filter.onResponse(this, response);
    this.#responding = true;
    this.context.stats.responded(response.status);
    this.#client.onResponse(response);
    response.detach();
  }

  #end(outcome: Outcome): void {
    this.#phase = OVER;
    this.#continueAt = 0;
    if (this.#ended) return;
    this.#ended = true;
    this.outcome = outcome;
    this.context.stats.requestEnded();
    for (const filter of this.context.filters.onEnd) {
      try {
        filter.onEnd(this);
      } catch (error) {
        internalError(this.context, error);
      }
    }
    this.#abort?.abort();
  }

  // The upstream protocol's calls.

  get takesChunks(): boolean {
    return this.#client.takesChunks;
  }

  onUpstreamConnect(): void {
    try {
      this.cluster.onConnect?.(this.#endpoint!);
      this.#await();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamInterim(response: Response): void {
    // The body has come already: it need not be asked for.
    if (response.status === 100 && this.requestDone) return;
    if (response.status === 100) this.#continueAt = 0;
    try {
      this.#client.onInterim(response);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamResponse(response: Response): void {
    this.#phase = STREAMING;
    this.#touch();
    try {
      this.#respond(response);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamData(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): boolean {
    this.#touch();
    try {
      return this.#client.onData(bytes, start, end, from);
    } catch (error) {
      this.onInternalError(error);
      return false;
    }
  }

  onUpstreamEnd(trailers: string): void {
    this.#stream = undefined;
    try {
      this.#endTry({ status: this.status });
      this.#end('complete');
      this.#client.onEnd(trailers);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamSwitch(response: Response, rest: Buffer, connection: UpstreamConnection): void {
    this.#stream = undefined;
    this.status = response.status;
    this.#responding = true;
    try {
      this.context.stats.responded(response.status);
      this.#endTry({ status: response.status });
      this.#end('switched');
      this.#client.onSwitch(response, rest, connection);
    } catch (error) {
      connection.destroy();
      this.onInternalError(error);
    }
  }

  onUpstreamFailure(failure: UpstreamFailure, reason: string): void {
    const stale = failure === 'closed' && this.#stream?.reused === true;
    this.#stream = undefined;
    try {
      if (failure === 'connect') this.cluster.onConnectFailure?.(this.#endpoint!, reason);
      if (failure === 'invalid_response')
        this.context.log.warn({ reason, endpoint: this.#endpoint?.authority }, 'invalid response');
      // The connection had been idle and died as we wrote: nothing came back, so nothing is repeated that was answered.
      if (stale && this.request.body === NO_BODY && isIdempotent(this.request.method)) {
        this.#endTry({ failure });
        this.#try(true);
      } else this.#failTry(failure);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamDrain(): void {
    if (this.requestDone) return;
    try {
      this.#client.onDrain();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  /** Something threw: this exchange is ended, nothing else. */
  onInternalError(error: unknown): void {
    internalError(this.context, error);
    const over = this.#phase === OVER;
    try {
      this.#dropStream('cancelled');
      if (!over && !this.#responding) {
        this.#responding = true;
        this.status = 500;
        const reply = plainReply(500, 0);
        const bytes = bytesOf(reply)!;
        const response = responseOf(reply, bytes.length, this.request.method === 'HEAD');
        response.close = true;
        this.context.stats.responded(500);
        this.#client.onResponse(response);
        if (response.body !== NO_BODY) this.#client.onData(bytes, 0, bytes.length, undefined);
        this.#end('internal_error');
        this.#client.onEnd('');
        return;
      }
    } catch (second) {
      internalError(this.context, second);
    }
    this.#end('internal_error');
    this.#client.onAbort();
  }
}
