/** How long requests took, by method and status class. */
import type { Buckets, Histogram } from '#kit/telemetry/series.ts';
import { METHODS } from './http/methods.ts';
import type { Request } from './http/request.ts';
import type { SpanContext } from '#kit/tracing/span.ts';
import { readTraceparent } from './http/traceparent.ts';

/** A request that is over. */
export interface RequestEnd {
  readonly request: Request;
  /** Of the final response; 0 where there was none. */
  readonly status: number;
  /** By performance.now(), in milliseconds. */
  readonly startedAt: number;
  /** Where this proxy traces. */
  readonly span: SpanContext | undefined;
}

export class RequestDurations {
  readonly #histogram: Histogram;
  readonly #series = new Map<string, (Buckets | undefined)[]>();

  /** @param histogram in seconds, with the labels `method` and `code` */
  constructor(histogram: Histogram) {
    this.#histogram = histogram;
  }

  /** Observe a request; the trace that is sampled becomes an exemplar. */
  observe({ request, status, startedAt, span }: RequestEnd): void {
    const method = METHODS.has(request.method) ? request.method : '_OTHER';
    const group = Math.min(Math.trunc(status / 100), 5);
    let series = this.#series.get(method);
    if (series === undefined) this.#series.set(method, (series = []));
    const code = group === 0 ? 'none' : `${group}xx`;
    const buckets = (series[group] ??= this.#histogram.buckets({ method, code }));
    const trace = span ?? (request.has('traceparent') ? readTraceparent(request.getAll('traceparent')) : undefined);
    buckets.observe((performance.now() - startedAt) / 1000, trace?.sampled === true ? trace.traceId : undefined);
  }
}
