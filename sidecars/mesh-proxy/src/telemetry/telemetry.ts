/** All that this proxy tells of its traffic. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import { SpanExporter } from '#kit/tracing/exporter.ts';
import type { TracingSettings } from '#kit/tracing/parameters.ts';
import { createSampler, type Sampler } from '#kit/tracing/sampler.ts';
import type { Attributes, SpanContext } from '#kit/tracing/span.ts';
import { RequestDurations } from '#proxy/request-durations.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import { DirectionStats } from './direction-stats.ts';
import type { AccessEntry, Ended } from './access-log.ts';
import type { Direction, Self } from './labels.ts';
import { RecentEntries } from './recent-entries.ts';
import { Recorder } from './recorder.ts';
import type { meshMetrics } from './metrics.ts';
import { RequestMetrics } from './request-metrics.ts';
import { spanOf } from './span.ts';

export interface TelemetryOptions {
  readonly log: Logger;
  readonly metrics: Metrics<typeof meshMetrics>;
  readonly self: () => Self;
  /** Where the configuration says nothing of it. */
  readonly accessLog: boolean;
  /** Of the environment: what a configuration says goes before it. */
  readonly tracing: TracingSettings;
  /** Name and version of this program, which spans bear. */
  readonly scope: { readonly name: string; readonly version: string };
}

export class Telemetry {
  readonly outbound: Recorder;
  readonly inbound: Recorder;
  readonly last = new RecentEntries();
  readonly #stats: readonly DirectionStats[];
  readonly #log: Logger;
  readonly #spans: SpanExporter;
  readonly #logsByDefault: boolean;
  #logs: boolean;
  readonly #tracing: TracingSettings;
  #sampler: Sampler | undefined;
  /** Who watches the stream of requests. */
  readonly watchers = new Set<(entry: AccessEntry) => void>();

  constructor({ log, metrics, self, accessLog, tracing, scope }: TelemetryOptions) {
    this.#log = log;
    this.#logsByDefault = accessLog;
    this.#logs = accessLog;
    this.#tracing = tracing;
    const resource = (): Attributes => {
      const { name, namespace, version } = self();
      return {
        'service.name': name,
        'service.namespace': namespace,
        'service.version': version,
        ...tracing.resource,
      };
    };
    this.#spans = new SpanExporter({
      log,
      resource,
      scope,
      onExported: (spans) => metrics.mesh_spans_exported_total.inc(spans),
      onDropped: (spans) => metrics.mesh_spans_dropped_total.inc(spans),
    });
    const requests = new RequestMetrics(metrics);
    const recorder = (direction: Direction, stats: DirectionStats): Recorder =>
      new Recorder({
        direction,
        self,
        stats,
        metrics: requests,
        durations: new RequestDurations(metrics.mesh_request_duration_seconds, { direction }),
        sampler: () => this.#sampler,
        onEnded: (ended, span) => this.#tell(ended, span),
        onRefused: (_direction, reason) => stats.refused(reason),
      });
    const [outbound, inbound] = [new DirectionStats(metrics, 'outbound'), new DirectionStats(metrics, 'inbound')];
    this.#stats = [outbound, inbound];
    this.outbound = recorder('outbound', outbound);
    this.inbound = recorder('inbound', inbound);
  }

  #tell(ended: Ended, span: SpanContext | undefined): void {
    this.last.add(ended);
    if (this.#logs) {
      // The line has a time of its own already.
      const { time: began, ...rest } = ended.entry();
      this.#log.info({ began, ...rest }, 'access');
    }
    for (const watcher of this.watchers) watcher(ended.entry());
    if (span?.sampled === true) this.#spans.export(spanOf(span, ended));
  }

  /** Take what a configuration says of telemetry. */
  update({ telemetry }: Configuration): void {
    this.#logs = telemetry?.accessLog ?? this.#logsByDefault;
    const { collector, transport, sampler } = this.#tracing;
    const said = this.#tracing.disabled ? undefined : telemetry?.tracing;
    if (said === undefined) {
      this.#sampler = collector && sampler;
      this.#spans.update(collector);
    } else {
      this.#sampler = createSampler('parentbased_traceidratio', said.percent / 100);
      this.#spans.update({ ...transport, endpoint: said.endpoint });
    }
  }

  /** Before the metrics are read. */
  publish(): void {
    for (const stats of this.#stats) stats.publish();
    for (const recorder of [this.outbound, this.inbound]) recorder.publish();
  }

  /** Spans that still wait are sent. */
  close(): Promise<void> {
    return this.#spans.close();
  }
}
