/** Metrics in Prometheus' text format, each declared in the sidecar's contract. */
import { readdirSync } from 'node:fs';
// Its index loads TLS, clusters and child processes along: 5 MB that no sidecar uses.
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import AggregatorRegistry from 'prom-client/lib/cluster.js';
import type { Aggregator, MetricObjectWithValues, MetricValue } from 'prom-client';

export { Registry };

/** A metric as the contract names it. */
export interface MetricDeclaration {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels?: readonly string[];
  /** Upper bounds of a histogram's buckets, in the unit that the metric's name ends in. */
  readonly buckets?: readonly number[];
  /** What several processes of one sidecar make of it; a sum where absent. */
  readonly aggregator?: Aggregator;
}

/** The metrics of one process, as `registry.getMetricsAsJSON()` tells them. */
export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

/** Metrics of several processes as those of one: each by the aggregator that it was declared with. */
export function aggregate(snapshots: readonly MetricsSnapshot[]): Registry {
  return AggregatorRegistry.aggregate([...snapshots]);
}

export type MetricDeclarations = Readonly<Record<string, MetricDeclaration>>;

export type Metrics<M extends MetricDeclarations> = {
  readonly [Name in keyof M]: M[Name]['type'] extends 'counter'
    ? Counter
    : M[Name]['type'] extends 'gauge'
      ? Gauge
      : Histogram;
};

/**
 * Every sidecar's own process. prom-client's defaults are not used: their event loop monitor wakes
 * the process a hundred times a second, which an idle sidecar must not.
 */
export const PROCESS_METRICS = {
  process_cpu_seconds_total: { type: 'counter', help: 'User and system CPU time spent, in seconds' },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory size, in bytes' },
  process_open_fds: { type: 'gauge', help: 'Open file descriptors' },
  process_start_time_seconds: { type: 'gauge', help: 'Start time since the epoch, in seconds', aggregator: 'min' },
} as const satisfies MetricDeclarations;

/**
 * Make the declared metrics.
 * @param declared metrics by name
 * @param registry where they are registered
 * @returns prom-client's objects by the same names
 */
export function createMetrics<M extends MetricDeclarations>(declared: M, registry: Registry): Metrics<M> {
  const metrics: Record<string, Counter | Gauge | Histogram> = {};
  for (const [name, { type, help, labels = [], buckets, aggregator }] of Object.entries(declared)) {
    const common = { name, help, labelNames: [...labels], registers: [registry], ...(aggregator && { aggregator }) };
    if (type === 'counter') metrics[name] = new Counter(common);
    else if (type === 'gauge') metrics[name] = new Gauge(common);
    else metrics[name] = new Histogram({ ...common, ...(buckets && { buckets: [...buckets] }) });
  }
  return metrics as Metrics<M>;
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
