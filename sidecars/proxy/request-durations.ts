/** How long requests took, by method and status class, and by route where there are routes. */
import type { Buckets, Histogram, Labels } from '#kit/telemetry/series.ts';
import { METHODS } from './http/methods.ts';
import type { Request } from './http/request.ts';
import type { SpanContext } from '#kit/tracing/span.ts';
import { readTraceparent } from './http/traceparent.ts';

/** Routes that have series of their own: a configuration that is changed again and again has no end of them. */
const MAX_ROUTES = 100;
const OTHERS = 'others';

/** A request that is over. */
export interface RequestEnd {
  readonly request: Request;
  /** Of the final response; 0 where there was none. */
  readonly status: number;
  /** By performance.now(), in milliseconds. */
  readonly startedAt: number;
  /** See FilteredExchange. */
  readonly route: string | undefined;
  /** Where this proxy traces. */
  readonly span: SpanContext | undefined;
}

export class RequestDurations {
  readonly #histogram: Histogram;
  readonly #labels: Labels;
  readonly #routes = new Map<string | undefined, Map<string, (Buckets | undefined)[]>>();

  /**
   * @param histogram in seconds, with the labels `method` and `code`, and `route` where filters set one
   * @param labels further ones, of all its series
   */
  constructor(histogram: Histogram, labels: Labels = {}) {
    this.#histogram = histogram;
    this.#labels = labels;
  }

  /** Observe a request; the trace that is sampled becomes an exemplar. */
  observe({ request, status, startedAt, route, span }: RequestEnd): void {
    const method = METHODS.has(request.method) ? request.method : '_OTHER';
    const group = Math.min(Math.trunc(status / 100), 5);
    const [name, methods] = this.#methodsOf(route);
    let series = methods.get(method);
    if (series === undefined) methods.set(method, (series = []));
    const code = group === 0 ? 'none' : `${group}xx`;
    const buckets = (series[group] ??= this.#histogram.buckets({
      ...this.#labels,
      method,
      code,
      ...(name !== undefined && { route: name }),
    }));
    const trace = span ?? (request.traced ? readTraceparent(request.getAll('traceparent')) : undefined);
    buckets.observe((performance.now() - startedAt) / 1000, trace?.sampled === true ? trace.traceId : undefined);
  }

  /** The series of a route; of one too many those of all others. */
  #methodsOf(route: string | undefined): readonly [string | undefined, Map<string, (Buckets | undefined)[]>] {
    const known = this.#routes.get(route);
    if (known !== undefined) return [route, known];
    if (route !== undefined && this.#routes.size >= MAX_ROUTES && route !== OTHERS) return this.#methodsOf(OTHERS);
    const methods = new Map<string, (Buckets | undefined)[]>();
    this.#routes.set(route, methods);
    return [route, methods];
  }
}
