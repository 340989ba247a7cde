/**
 * Filters: what a sidecar does with requests and responses on their way. Each is one object for all
 * exchanges; what it must remember of one exchange it keeps in `exchange.state`, or in a WeakMap by the exchange.
 */
import type { SpanContext } from '#kit/tracing/span.ts';
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Request } from '#proxy/http/request.ts';
import type { Response } from '#proxy/http/response.ts';
import type { Cluster, Endpoint } from '#proxy/upstream/cluster.ts';
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';
import type { RetryPolicy } from '#proxy/upstream/retry.ts';

/** How an exchange ended. */
export type Outcome =
  | 'complete'
  /** The client went away. */
  | 'cancelled'
  /** The endpoint's connection became the client's: WebSocket and its like. */
  | 'switched'
  /** The request was refused. */
  | 'rejected'
  | 'internal_error'
  | UpstreamFailure
  | 'filter_timeout';

/** An exchange as filters see it. */
export interface FilteredExchange {
  readonly downstream: DownstreamInfo;
  readonly request: Request;
  /** By performance.now(), in milliseconds. */
  readonly startedAt: number;
  /** Where the request goes; may be changed in `onRequest`. */
  cluster: Cluster;
  /** When it is tried again; may be set in `onRequest`. */
  retry: RetryPolicy | undefined;
  /** How long the response may take to begin, all tries together, in milliseconds; may be set in `onRequest`. */
  timeout: number;
  /**
   * How long either body may say nothing, in milliseconds; may be set in `onRequest`. Absent: the settings' own.
   */
  idleTimeout: number | undefined;
  /** Endpoints that were tried, the last one last. */
  readonly tried: readonly Endpoint[];
  /** The final response's status; 0 before it. */
  readonly status: number;
  /** How it ended, in `onEnd`. */
  readonly outcome: Outcome;
  /** Why no endpoint answered, or not to the end; the proxy's own answer to that passes `onResponse`, too. */
  readonly failure: UpstreamFailure | undefined;
  /** Of `failure`, as the system or the protocol calls it: ECONNREFUSED, … */
  readonly failureReason: string;
  /** Bytes of the request's body so far, with chunks' own where these go on as they are. */
  readonly received: number;
  /** Bytes of the response's body so far, in the same way. */
  readonly sent: number;
  /** In `onEnd`: whole lines of the response's trailers; '' for none. */
  readonly trailers: string;
  /**
   * What the sidecar's filters remember of this exchange, together. The library never looks at it.
   * A WeakMap does the same at twice the price of a filter: its entries are dear to collect.
   */
  state: object | undefined;
  /** Of this hop, where it is traced; set by the filter that does so. */
  span: SpanContext | undefined;
  /**
   * The pattern of the configuration that the request fits, such as `/orders/**`; one of few. Set by the filter that
   * matches it; a histogram of durations then has the label `route`.
   */
  route: string | undefined;
  /** Why a filter answered by itself, in a few words that hold nothing of the client's; for the span. */
  reason: string | undefined;
  /** Aborted when the exchange is over: for what a filter waits for. */
  readonly signal: AbortSignal;
  /**
   * In `onRequest`: read the whole body. It goes on to the endpoint all the same.
   * @param limit in bytes
   * @returns undefined when it is longer; then it was not kept, and goes on as it comes
   */
  readBody(limit: number): Promise<Buffer | undefined>;
  /** Before the final response: send an interim one, such as 103 (Early Hints), that a filter has of its own. */
  sendInterim(response: Response): void;
  /** In `onResponse`: see the response's body go by. */
  tee(sink: BodySink): void;
}

/** Who sees a response's body go by. */
export interface BodySink {
  /** A part of its data: good during the call only. */
  onData(bytes: Buffer): void;
  /** It was complete. */
  onEnd(): void;
  /** It broke off, or the client went away. */
  onAbort(): void;
}

export interface Filter {
  /**
   * A request begins. It may be changed, sent to another cluster, waited with, or answered at once;
   * filters are asked in their order until one answers.
   * @returns nothing to let it go on, or an answer
   */
  onRequest?(exchange: FilteredExchange): Reply | undefined | void | Promise<Reply | undefined | void>;
  /**
   * A final response begins, whether it is the endpoint's or the proxy's own; filters are asked in
   * the reverse order. It may be changed.
   * @returns nothing to let it go on, or an answer that takes its place
   */
  onResponse?(exchange: FilteredExchange, response: Response): Reply | undefined | void;
  /** The exchange is over, well or badly: `exchange.outcome` tells. */
  onEnd?(exchange: FilteredExchange): void;
}

/** A chain of filters, sorted by what they want to hear of. */
export class Filters {
  readonly onRequest: readonly With<'onRequest'>[];
  readonly onResponse: readonly With<'onResponse'>[];
  readonly onEnd: readonly With<'onEnd'>[];

  /** @param filters in the order in which they see a request */
  constructor(filters: readonly Filter[]) {
    this.onRequest = filters.filter((filter): filter is With<'onRequest'> => 'onRequest' in filter);
    this.onResponse = filters.filter((filter): filter is With<'onResponse'> => 'onResponse' in filter).toReversed();
    this.onEnd = filters.filter((filter): filter is With<'onEnd'> => 'onEnd' in filter);
  }
}

type With<K extends keyof Filter> = Filter & Required<Pick<Filter, K>>;
