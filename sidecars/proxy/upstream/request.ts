/**
 * A request on its way to an endpoint, and its response: picks endpoints, waits, tries again. Its user is told of the
 * last try. A filter may also make one of its own, without a client: to refresh what it stores, or to mirror a request.
 */
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import { CHUNKED, isIdempotent, NO_BODY } from '#proxy/http/message.ts';
import type { Request } from '#proxy/http/request.ts';
import type { Response } from '#proxy/http/response.ts';
import { BodyCopy } from './body-copy.ts';
import type { ReadBuffer } from './buffers.ts';
import type { Cluster, Endpoint, Pick, ResponseUser, TryOutcome, UpstreamStream } from './cluster.ts';
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';
import type { UpstreamConnection } from './connection.ts';
import { internalError, type UpstreamContext } from './context.ts';
import type { FailedTry, RetryPolicy } from './retry.ts';

/** Waiting for a connection. */
const CONNECTING = 1;
/** Waiting for the response's head. */
const AWAITING = 2;
/** Passing the response's body on. */
const STREAMING = 3;
/** Waiting before another try. */
const BACKOFF = 4;
const OVER = 5;

/** So much of a body is kept until its request has left, in bytes: more does not come in one turn. */
const MAX_UNSENT = 256 * 1024;
const NONE: readonly Endpoint[] = [];

export interface UpstreamRequestOptions {
  readonly request: Request;
  readonly cluster: Cluster;
  readonly downstream: DownstreamInfo;
  readonly retry?: RetryPolicy | undefined;
  /** How long the response may take to begin, all tries together, in milliseconds. */
  readonly timeout: number;
  /** How long either body may say nothing, in milliseconds; absent: as the settings have it. */
  readonly idleTimeout?: number;
  /** The user can send a chunked body as the chunks it came in. */
  readonly sendsChunks: boolean;
}

export class UpstreamRequest implements ResponseUser, Pick {
  readonly request: Request;
  readonly downstream: DownstreamInfo;
  /** The request's body is sent as the chunks it came in; otherwise as its data. */
  rawBody = false;
  readonly #context: UpstreamContext;
  readonly #user: ResponseUser;
  readonly #cluster: Cluster;
  readonly #retry: RetryPolicy | undefined;
  readonly #timeout: number;
  readonly #idleTimeout: number;
  readonly #sendsChunks: boolean;
  #phase = CONNECTING;
  #deadline = Infinity;
  /** No further try begins after this, on the sweeper's clock. */
  #lastTry = Infinity;
  #endpoint: Endpoint | undefined;
  #tried: readonly Endpoint[] = NONE;
  #tryStartedAt = 0;
  #stream: UpstreamStream | undefined;
  /** The body so far. */
  readonly #copy = new BodyCopy();
  #trailers = '';
  /** The end of the request follows its beginning, since it has trailers. */
  #endsLater = false;
  /** The cluster was told what came of the try. */
  #told = false;
  #backoff: NodeJS.Timeout | undefined;

  constructor(context: UpstreamContext, user: ResponseUser, options: UpstreamRequestOptions) {
    this.#context = context;
    this.#user = user;
    this.request = options.request;
    this.downstream = options.downstream;
    this.#cluster = options.cluster;
    this.#retry = options.retry;
    this.#timeout = options.timeout;
    this.#idleTimeout = options.idleTimeout ?? context.settings.idleTimeout;
    this.#sendsChunks = options.sendsChunks;
  }

  get tried(): readonly Endpoint[] {
    return this.#tried;
  }

  /** The endpoint of the last try. */
  get endpoint(): Endpoint | undefined {
    return this.#tried.at(-1);
  }

  get requestDone(): boolean {
    return this.#user.requestDone && !this.#endsLater;
  }

  /**
   * Begin. Where `user.requestDone`, the request ends with `start`.
   * @param start the beginning of its body, or all of it, as Latin-1 text
   */
  begin(start: string, trailers = ''): void {
    this.#copy.begin(start);
    this.#trailers = trailers;
    if (this.#retry !== undefined && this.requestDone) this.#lastTry = this.#context.sweeper.after(this.#timeout);
    this.#try(false);
  }

  /** Send a part of the request's body. @returns false when `onUpstreamDrain` should be waited for */
  write(data: Buffer): boolean {
    if (this.#copy.kept) this.#copy.add(data, this.#stream?.unsent === true ? MAX_UNSENT : (this.#retry?.maxBody ?? 0));
    if (this.#phase === AWAITING || this.#phase === STREAMING) this.#touch();
    // Between two tries the copy alone grows.
    return this.#stream === undefined || this.#stream.write(data, this.rawBody);
  }

  /** The request's body is complete; `user.requestDone` says so too. @param trailers whole lines; of a raw body what is left to send */
  end(trailers: string): void {
    this.#trailers = trailers;
    // What the client takes to send its request is not the endpoints' time.
    if (this.#retry !== undefined) this.#lastTry = this.#context.sweeper.after(this.#timeout);
    this.#stream?.end(trailers, this.rawBody);
    if (this.#phase === AWAITING) this.#await();
  }

  resume(): void {
    if (this.#phase === STREAMING) this.#touch();
    this.#stream?.resume();
  }

  /** End it; its user hears nothing more. */
  cancel(): void {
    this.#drop('cancelled');
    this.#phase = OVER;
    clearTimeout(this.#backoff);
  }

  /** Look at the deadline; `now` is the sweeper's clock. */
  sweep(now: number): void {
    if (now < this.#deadline) return;
    if (this.#phase === CONNECTING) {
      this.#cluster.onConnectFailure?.(this.#endpoint!, 'timeout');
      this.#failTry('connect_timeout', 'timeout');
    } else if (this.#phase === STREAMING) this.#failTry('body_timeout', 'timeout');
    else if (this.#phase === AWAITING) {
      const late = this.requestDone || this.#stream?.blocked === true;
      this.#failTry(late ? 'response_timeout' : 'request_timeout', 'timeout');
    }
  }

  #try(fresh: boolean): void {
    const endpoint = this.#cluster.pick(this);
    if (endpoint === undefined) return this.#fail('no_endpoint', 'none is available');
    this.#tried = this.#tried === NONE ? [endpoint] : [...this.#tried, endpoint];
    this.#endpoint = endpoint;
    endpoint.active++;
    this.#told = false;
    if (this.#cluster.onTryEnd !== undefined) this.#tryStartedAt = performance.now();
    if (this.#tried.length === 1)
      this.rawBody =
        this.request.body === CHUNKED &&
        this.#sendsChunks &&
        this.#copy.size === 0 &&
        this.#retry === undefined &&
        endpoint.takesChunks;
    const copy = this.#copy.text();
    // Chunks as they came are not a body's data, which `open` takes.
    const chunks = this.rawBody && copy !== '';
    this.#endsLater = this.#trailers !== '' || chunks;
    const stream = endpoint.open(this.request, chunks ? '' : copy, this, fresh);
    this.#stream = stream;
    if (chunks) stream.write(Buffer.from(copy, 'latin1'), true);
    if (this.#endsLater) {
      this.#endsLater = false;
      if (this.requestDone) stream.end(this.#trailers, chunks);
    }
    if (stream.connected) this.#await();
    else {
      const { sweeper, settings } = this.#context;
      this.#phase = CONNECTING;
      this.#deadline = sweeper.after(this.#cluster.connectTimeout ?? settings.connectTimeout);
    }
  }

  #await(): void {
    const { sweeper } = this.#context;
    this.#phase = AWAITING;
    this.#deadline = sweeper.after(this.requestDone ? this.#timeout : this.#idleTimeout);
    if (this.#retry !== undefined)
      this.#deadline = Math.min(this.#deadline, this.#lastTry, sweeper.after(this.#retry.perTryTimeout));
  }

  #touch(): void {
    this.#deadline = this.#context.sweeper.after(this.#idleTimeout);
  }

  /** Tell the cluster what came of the try. */
  #tell(outcome: TryOutcome): void {
    const endpoint = this.#endpoint;
    if (this.#told || endpoint === undefined) return;
    this.#told = true;
    const cluster = this.#cluster;
    if (cluster.onTryEnd !== undefined) cluster.onTryEnd(endpoint, outcome, performance.now() - this.#tryStartedAt);
  }

  /** The try is over: the endpoint has one less. */
  #leave(): void {
    this.#stream = undefined;
    if (this.#endpoint !== undefined) this.#endpoint.active--;
    this.#endpoint = undefined;
  }

  #drop(failure: UpstreamFailure | 'cancelled'): void {
    const stream = this.#stream;
    this.#tell({ failure });
    this.#leave();
    stream?.cancel();
  }

  #failTry(failure: UpstreamFailure, reason: string): void {
    const endpoint = this.#endpoint;
    this.#drop(failure);
    if (this.#phase !== STREAMING && this.#tryAgain({ endpoint, failure, reason })) return;
    this.#fail(failure, reason);
  }

  #fail(failure: UpstreamFailure, reason: string): void {
    this.#phase = OVER;
    if (failure !== 'request_timeout') this.#context.stats.upstreamFailed(failure);
    this.#user.onUpstreamFailure(failure, reason);
  }

  /** @returns whether another try will be made */
  #tryAgain(failed: Omit<FailedTry, 'tries'>): boolean {
    // Trailers or a body that was not kept cannot be sent again; of one that had not left yet more may be kept.
    if (this.#retry === undefined || !this.#copy.kept || this.#copy.size > this.#retry.maxBody) return false;
    const delay = this.#retry.again({ ...failed, tries: this.#tried.length });
    if (delay === undefined || this.#context.sweeper.now + delay >= this.#lastTry) return false;
    if (failed.failure !== undefined) this.#context.stats.upstreamFailed(failed.failure);
    this.#phase = BACKOFF;
    this.#deadline = Infinity;
    this.#backoff = setTimeout(() => {
      try {
        this.#try(true);
      } catch (error) {
        this.onInternalError(error);
      }
    }, delay);
    return true;
  }

  // The upstream protocol's calls: whatever throws behind them ends this request, and its user is told.

  onUpstreamConnect(): void {
    try {
      this.#cluster.onConnect?.(this.#endpoint!);
      this.#await();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamInterim(response: Response): void {
    this.#user.onUpstreamInterim(response);
  }

  onUpstreamResponse(response: Response): void {
    try {
      const unreached = this.#cluster.unreachedIn?.(this.#endpoint!, response);
      if (unreached !== undefined) return this.#failTry(unreached.failure, unreached.reason);
      if (this.#retry !== undefined) {
        const endpoint = this.#endpoint;
        if (this.#tryAgain({ endpoint, response })) {
          const stream = this.#stream;
          this.#tell({ status: response.status });
          this.#leave();
          stream?.cancel();
          return;
        }
      }
      this.#phase = STREAMING;
      this.#copy.forget();
      this.#touch();
      this.#tell({ status: response.status });
      this.#user.onUpstreamResponse(response);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamData(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): boolean {
    this.#touch();
    return this.#user.onUpstreamData(bytes, start, end, from);
  }

  onUpstreamEnd(trailers: string): void {
    try {
      this.#leave();
      this.#phase = OVER;
      this.#user.onUpstreamEnd(trailers);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamSwitch(response: Response, rest: Buffer, connection: UpstreamConnection): void {
    try {
      this.#tell({ status: response.status });
      this.#leave();
      this.#phase = OVER;
      this.#user.onUpstreamSwitch(response, rest, connection);
    } catch (error) {
      connection.destroy();
      this.onInternalError(error);
    }
  }

  onUpstreamFailure(failure: UpstreamFailure, reason: string): void {
    try {
      const stale = failure === 'closed' && this.#stream?.reused === true;
      const unsent = this.#stream?.unsent === true && this.#copy.kept;
      this.#stream = undefined;
      if (failure === 'connect') this.#cluster.onConnectFailure?.(this.#endpoint!, reason);
      if (failure === 'invalid_response')
        this.#context.log.warn({ reason, endpoint: this.#endpoint?.authority }, 'invalid response');
      // The connection had been idle and died as we wrote: nothing came back, so nothing is repeated that was
      // answered; or nothing had left, so nothing is repeated at all.
      if (stale && (unsent || (this.request.body === NO_BODY && isIdempotent(this.request.method)))) {
        this.#tell({ failure });
        this.#leave();
        this.#try(true);
      } else this.#failTry(failure, reason);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onUpstreamDrain(): void {
    this.#user.onUpstreamDrain();
  }

  onInternalError(error: unknown): void {
    try {
      this.cancel();
    } catch (second) {
      internalError(this.#context, second);
    }
    this.#user.onInternalError(error);
  }
}
