/**
 * Counts by labels, in plain numbers while traffic flows: they become metrics when somebody asks for them. A labelled
 * metric for each request would cost more than routing it.
 */
import type { Histogram, MetricValueWithName } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

/** Series of one metric, or of some that share their labels. So many at most: what a caller can invent has no place in labels. */
const MAX_SERIES = 5000;

export class SeriesMap<S> {
  readonly #series = new Map<string, S>();
  readonly #make: (labels: Labels) => S;

  constructor(make: (labels: Labels) => S) {
    this.#make = make;
  }

  /** @param labels all of the series, always in the same order @returns undefined when there are too many */
  get(labels: Labels): S | undefined {
    // All values, so that two series which differ in one label are two here.
    const key = Object.values(labels).join('\n');
    let series = this.#series.get(key);
    if (series !== undefined) return series;
    if (this.#series.size >= MAX_SERIES) return undefined;
    series = this.#make(labels);
    this.#series.set(key, series);
    return series;
  }

  [Symbol.iterator](): IterableIterator<S> {
    return this.#series.values();
  }
}

/** Durations or sizes in buckets. */
export class Buckets {
  readonly counts: number[];
  readonly #bounds: readonly number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = bounds.map(() => 0);
    this.counts.push(0);
  }

  observe(value: number): void {
    this.sum += value;
    let index = 0;
    while (index < this.#bounds.length && value > this.#bounds[index]!) index++;
    this.counts[index]! += 1;
  }

  /** As Prometheus has them: each bucket holds the ones below it. */
  *values(name: string, labels: Labels): Generator<MetricValueWithName<string>> {
    let count = 0;
    for (const [index, bound] of [...this.#bounds, '+Inf'].entries()) {
      count += this.counts[index]!;
      yield { metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: count };
    }
    yield { metricName: `${name}_sum`, labels, value: this.sum };
    yield { metricName: `${name}_count`, labels, value: count };
  }
}

/** One of a histogram's series. */
export interface Observed {
  readonly labels: Labels;
  readonly buckets: Buckets;
}

/**
 * Let a histogram show what was observed: prom-client calls `get` for JSON and `getForPromString` for text, and has no
 * way to add many observations at once.
 */
export function showHistogram(
  histogram: Histogram,
  name: string,
  help: string,
  observed: () => Iterable<Observed>,
): void {
  const get = (): Promise<object> => {
    const values: MetricValueWithName<string>[] = [];
    for (const { labels, buckets } of observed()) values.push(...buckets.values(name, labels));
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  };
  Object.assign(histogram, { get, getForPromString: get });
}
