/**
 * Filters: what a sidecar does with requests and responses on their way. Each is one object for all
 * exchanges; what it must remember of one exchange it keeps in a WeakMap, by the exchange.
 */
import type { Exchange } from '../exchange.ts';
import type { Response } from '../http/response.ts';

/** A response of a filter's own. */
export interface Reply {
  readonly status: number;
  /** Names and values; framing fields (Content-Length, Transfer-Encoding) are the proxy's matter. */
  readonly fields?: Iterable<readonly [name: string, value: string]>;
  /** A text, bytes, or bytes that come in time; absent for none. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Length of a body that comes in time, in bytes, where it is known; of an answer to HEAD, what GET would get. */
  readonly length?: number;
}

export interface Filter {
  /**
   * A request begins. It may be changed, sent to another cluster, waited with, or answered at once;
   * filters are asked in their order until one answers.
   * @returns nothing to let it go on, or an answer
   */
  onRequest?(exchange: Exchange): Reply | undefined | void | Promise<Reply | undefined | void>;
  /**
   * A final response begins, whether it is the endpoint's or the proxy's own; filters are asked in
   * the reverse order. It may be changed.
   * @returns nothing to let it go on, or an answer that takes its place
   */
  onResponse?(exchange: Exchange, response: Response): Reply | undefined | void;
  /** The exchange is over, well or badly: `exchange.outcome` tells. */
  onEnd?(exchange: Exchange): void;
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
