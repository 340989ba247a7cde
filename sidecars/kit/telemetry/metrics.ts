/** The metrics of a sidecar, each declared in its contract. */
import { readdirSync } from 'node:fs';
import { expose, type TextFormat } from './exposition.ts';
import { joinNative } from './native-buckets.ts';
import { Counter, Gauge, Histogram, type Aggregator, type MetricSnapshot, type Sample } from './series.ts';

/** A metric as the contract names it. */
export interface MetricDeclaration {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What it counts or measures. */
  readonly help: string;
  /** What a person should look at: values, or changes of them, that say that something is wrong. */
  readonly bad?: string;
  readonly labels?: readonly string[];
  /**
   * Values of a counter's labels, of all of them, that can be told before anything is counted. Their series begin at 0:
   * `increase()` does not see the first value of a series, so an alert would miss what happens once.
   */
  readonly known?: Readonly<Record<string, readonly string[]>>;
  /** Upper bounds of a histogram's buckets, in the unit that the metric's name ends in. */
  readonly buckets?: readonly number[];
  /** What several processes of one sidecar make of it; a sum where absent. */
  readonly aggregator?: Aggregator;
}

/** The metrics of one process as plain data. */
export type MetricsSnapshot = readonly MetricSnapshot[];

export type MetricDeclarations = Readonly<Record<string, MetricDeclaration>>;

export type Metrics<M extends MetricDeclarations> = {
  readonly [Name in keyof M]: M[Name]['type'] extends 'counter'
    ? Counter
    : M[Name]['type'] extends 'gauge'
      ? Gauge
      : Histogram;
};

/** The metrics of one process, in the order in which they were declared. */
export class Registry {
  readonly #metrics = new Map<string, Counter | Gauge | Histogram>();

  /** @throws {Error} for a name that is taken */
  register(metric: Counter | Gauge | Histogram): void {
    if (this.#metrics.has(metric.name)) throw new Error(`there is a metric ${metric.name} already`);
    this.#metrics.set(metric.name, metric);
  }

  snapshot(): MetricsSnapshot {
    return [...this.#metrics.values()].map((metric) => metric.get());
  }

  /** All metrics as text. */
  metrics(format: TextFormat = 'prometheus'): string {
    return expose(this.snapshot(), format);
  }
}

/** Metrics of several processes as those of one: each by the aggregator that it was declared with. */
export function aggregate(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const all = new Map<string, { metric: MetricSnapshot; values: Map<string, Sample> }>();
  for (const metric of snapshots.flat()) {
    let known = all.get(metric.name);
    if (known === undefined) all.set(metric.name, (known = { metric, values: new Map() }));
    for (const sample of metric.values) {
      const key = `${sample.suffix ?? ''}${JSON.stringify(Object.entries(sample.labels))}`;
      const other = known.values.get(key);
      known.values.set(key, other === undefined ? sample : combined(metric.aggregator, other, sample));
    }
  }
  return [...all.values()].map(({ metric, values }) => ({ ...metric, values: [...values.values()] }));
}

function combined(aggregator: Aggregator, one: Sample, other: Sample): Sample {
  const later = (one.exemplar?.time ?? 0) > (other.exemplar?.time ?? 0) ? one.exemplar : other.exemplar;
  const values = [one.value, other.value] as const;
  const value = aggregator === 'sum' ? values[0] + values[1] : Math[aggregator](...values);
  const native = one.native && other.native ? joinNative(one.native, other.native) : (one.native ?? other.native);
  return { ...one, value, ...(later && { exemplar: later }), ...(native && { native }) };
}

/**
 * Every sidecar's own process. Its event loop is not watched: that wakes a process a hundred times a second, which an
 * idle sidecar must not.
 */
export const PROCESS_METRICS = {
  process_cpu_seconds_total: {
    type: 'counter',
    help: 'User and system CPU time spent, in seconds',
    bad: 'at the container’s CPU limit for minutes',
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Resident memory size, in bytes',
    bad: 'near the container’s memory limit',
  },
  process_open_fds: { type: 'gauge', help: 'Open file descriptors', bad: 'a rise that does not end' },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'Start time since the epoch, in seconds',
    bad: 'again and again a new one: it restarts',
    aggregator: 'min',
  },
} as const satisfies MetricDeclarations;

/**
 * Make the declared metrics.
 * @param declared metrics by name
 * @param registry where they are registered
 * @returns counters, gauges and histograms by the same names
 */
export function createMetrics<M extends MetricDeclarations>(declared: M, registry: Registry): Metrics<M> {
  const metrics: Record<string, Counter | Gauge | Histogram> = {};
  for (const [name, { type, help, labels = [], known, buckets, aggregator }] of Object.entries(declared)) {
    const common = { name, help, labelNames: labels, ...(aggregator && { aggregator }) };
    if (type === 'counter') metrics[name] = beginning(new Counter(common), known);
    else if (type === 'gauge') metrics[name] = new Gauge(common);
    else metrics[name] = new Histogram({ ...common, buckets });
    registry.register(metrics[name]);
  }
  return metrics as Metrics<M>;
}

/** A counter whose known series are at 0. */
function beginning(counter: Counter, known: MetricDeclaration['known']): Counter {
  let series: Readonly<Record<string, string>>[] = known === undefined ? [] : [{}];
  for (const [label, values] of Object.entries(known ?? {}))
    series = series.flatMap((labels) => values.map((value) => ({ ...labels, [label]: value })));
  for (const labels of series) counter.inc(labels, 0);
  return counter;
}

/**
 * Say which version runs, where the metric for it was declared.
 * @param name of the metric
 */
export function tellVersion(metrics: object, name: string, version: string): void {
  const metric: unknown = (metrics as Readonly<Record<string, unknown>>)[name];
  if (metric instanceof Gauge) metric.set({ version }, 1);
}

/** Bring the process' own metrics up to date; called at each scrape. */
export function updateProcessMetrics(metrics: Metrics<typeof PROCESS_METRICS>): void {
  const { user, system } = process.cpuUsage();
  metrics.process_cpu_seconds_total.reset();
  metrics.process_cpu_seconds_total.inc((user + system) / 1e6);
  metrics.process_resident_memory_bytes.set(process.memoryUsage.rss());
  metrics.process_start_time_seconds.set(Math.round(performance.timeOrigin / 1000));
  try {
    metrics.process_open_fds.set(readdirSync('/proc/self/fd').length);
  } catch {
    // Not Linux: the gauge keeps its zero, as the platform has no such directory.
  }
}
