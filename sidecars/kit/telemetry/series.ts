/** Metrics in memory: series by labels, and what a scrape reads of them. */
import { noBuckets, observeNative, type NativeBuckets } from './native-buckets.ts';

export type Labels = Readonly<Record<string, string | number>>;

/** How the values of several processes become one. */
export type Aggregator = 'sum' | 'min' | 'max';

/** A trace that shows how a value came about (OpenMetrics 1.0, "Exemplars"). */
export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** One line of a metric. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** What the line's name has after the metric's: a histogram's `_bucket`, `_sum` and `_count`. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly exemplar?: Exemplar;
  /** On a histogram's `_count`: the same observations, for a scraper that takes native histograms. */
  readonly native?: NativeBuckets;
}

/** A metric as plain data, so that processes can tell each other. */
export interface MetricSnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: Aggregator;
  readonly values: readonly Sample[];
}

/** Upper bounds in seconds, where a histogram declares none. */
export const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  readonly aggregator?: Aggregator;
}

abstract class Metric<S> {
  abstract readonly type: MetricSnapshot['type'];
  readonly name: string;
  readonly help: string;
  readonly aggregator: Aggregator;
  /** Called before the metric is read, for counts that are kept elsewhere while traffic flows. */
  collect: (() => void) | undefined;
  protected readonly labelNames: readonly string[];
  protected readonly series = new Map<string, { readonly labels: Labels; value: S }>();

  constructor({ name, help, labelNames = [], aggregator = 'sum' }: MetricOptions) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.aggregator = aggregator;
  }

  protected abstract initial(): S;
  protected abstract samples(labels: Labels, value: S): Iterable<Sample>;

  /** Forget all series; one without labels begins again. */
  reset(): void {
    this.series.clear();
    if (this.labelNames.length === 0) this.at({});
  }

  /** Forget one series. */
  remove(labels: Labels): void {
    this.series.delete(this.#key(labels));
  }

  /** The metric now, with what `collect` brings. */
  get(): MetricSnapshot {
    this.collect?.();
    const values = [...this.series.values()].flatMap(({ labels, value }) => [...this.samples(labels, value)]);
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values };
  }

  protected at(labels: Labels): { readonly labels: Labels; value: S } {
    const key = this.#key(labels);
    let series = this.series.get(key);
    if (series === undefined) {
      for (const name of Object.keys(labels))
        if (!this.labelNames.includes(name)) throw new Error(`${this.name} has no label ${name}`);
      series = { labels: { ...labels }, value: this.initial() };
      this.series.set(key, series);
    }
    return series;
  }

  #key(labels: Labels): string {
    let key = '';
    for (const name of this.labelNames) key += `${labels[name] ?? ''}\n`;
    return key;
  }
}

/** Both forms of a call: `inc(2)` and `inc({ reason }, 2)`. */
const argumentsOf = (labels: Labels | number | undefined, value: number | undefined): [Labels, number | undefined] =>
  typeof labels === 'object' ? [labels, value] : [{}, labels];

abstract class Plain extends Metric<number> {
  constructor(options: MetricOptions) {
    super(options);
    if (this.labelNames.length === 0) this.at({});
  }

  protected initial(): number {
    return 0;
  }

  protected samples(labels: Labels, value: number): Sample[] {
    return [{ labels, value }];
  }
}

export class Counter extends Plain {
  readonly type = 'counter';

  /** Count. @param by 1 where absent @throws {Error} when it is negative or no number */
  inc(by?: number): void;
  inc(labels: Labels, by?: number): void;
  inc(labels?: Labels | number, by?: number): void {
    const [at, count = 1] = argumentsOf(labels, by);
    if (!(count >= 0)) throw new Error(`${this.name} cannot count ${count}`);
    this.at(at).value += count;
  }
}

export class Gauge extends Plain {
  readonly type = 'gauge';

  set(value: number): void;
  set(labels: Labels, value: number): void;
  set(labels: Labels | number, value?: number): void {
    const [at, now] = argumentsOf(labels, value);
    this.at(at).value = now!;
  }

  inc(by?: number): void;
  inc(labels: Labels, by?: number): void;
  inc(labels?: Labels | number, by?: number): void {
    const [at, count = 1] = argumentsOf(labels, by);
    this.at(at).value += count;
  }

  dec(by?: number): void;
  dec(labels: Labels, by?: number): void;
  dec(labels?: Labels | number, by?: number): void {
    const [at, count = 1] = argumentsOf(labels, by);
    this.at(at).value -= count;
  }
}

/** Observations in buckets: a histogram's series, which a caller may keep and observe without finding it again. */
export class Buckets {
  /** Of each bucket alone; the last one is for what lies above all bounds. */
  readonly counts: number[];
  sum = 0;
  readonly #native = noBuckets();
  readonly #bounds: readonly number[];
  /** The last exemplar of each bucket. */
  #exemplars: (Exemplar | undefined)[] | undefined;

  /** @param bounds upper bounds in ascending order, in the unit that is observed */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** @param traceId of a sampled trace, which becomes the bucket's exemplar */
  observe(value: number, traceId?: string): void {
    this.sum += value;
    let index = 0;
    while (index < this.#bounds.length && value > this.#bounds[index]!) index++;
    this.counts[index]! += 1;
    observeNative(this.#native, value);
    if (traceId === undefined) return;
    this.#exemplars ??= [];
    this.#exemplars[index] = { labels: { trace_id: traceId }, value, time: Date.now() / 1000 };
  }

  /** As Prometheus has them: each bucket holds those below it. */
  *samples(labels: Labels): Generator<Sample> {
    let count = 0;
    for (const [index, bound] of [...this.#bounds, '+Inf'].entries()) {
      count += this.counts[index]!;
      const exemplar = this.#exemplars?.[index];
      yield { suffix: '_bucket', labels: { ...labels, le: bound }, value: count, ...(exemplar && { exemplar }) };
    }
    yield { suffix: '_sum', labels, value: this.sum };
    yield { suffix: '_count', labels, value: count, native: this.#native };
  }
}

export class Histogram extends Metric<Buckets> {
  readonly type = 'histogram';
  readonly #bounds: readonly number[];

  constructor(options: MetricOptions & { readonly buckets?: readonly number[] | undefined }) {
    super(options);
    this.#bounds = options.buckets ?? DEFAULT_BUCKETS;
    if (this.labelNames.length === 0) this.at({});
  }

  protected initial(): Buckets {
    return new Buckets(this.#bounds);
  }

  protected samples(labels: Labels, value: Buckets): Iterable<Sample> {
    return value.samples(labels);
  }

  observe(value: number): void;
  observe(labels: Labels, value: number): void;
  observe(labels: Labels | number, value?: number): void {
    const [at, observed] = argumentsOf(labels, value);
    this.at(at).value.observe(observed!);
  }

  /** The series of these labels, for a caller that observes it often. */
  buckets(labels: Labels): Buckets {
    return this.at(labels).value;
  }

  /** Show a series that is kept elsewhere. */
  show(labels: Labels, buckets: Buckets): void {
    this.at(labels).value = buckets;
  }
}
