/** All that this proxy tells of its traffic. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { contract } from '../contract.ts';
import type { Configuration } from '../model/configuration.ts';
import { DirectionStats } from '../admin/direction-stats.ts';
import type { AccessEntry, Ended } from './access-log.ts';
import type { Direction, Self } from './labels.ts';
import { LastEntries } from './last-entries.ts';
import { SpanExporter } from './otlp.ts';
import { Recorder } from './recorder.ts';
import { RequestMetrics } from './request-metrics.ts';
import type { Span } from './trace-context.ts';

export interface TelemetryOptions {
  readonly log: Logger;
  readonly metrics: Metrics<typeof contract.metrics>;
  readonly self: () => Self;
  /** Where the configuration says nothing of it. */
  readonly accessLog: boolean;
}

export class Telemetry {
  readonly outbound: Recorder;
  readonly inbound: Recorder;
  readonly last = new LastEntries();
  readonly #stats: readonly DirectionStats[];
  readonly #log: Logger;
  readonly #spans: SpanExporter;
  readonly #logsByDefault: boolean;
  #logs: boolean;
  #percent: number | undefined;
  /** Who watches the stream of requests. */
  readonly watchers = new Set<(entry: AccessEntry) => void>();

  constructor({ log, metrics, self, accessLog }: TelemetryOptions) {
    this.#log = log;
    this.#logsByDefault = accessLog;
    this.#logs = accessLog;
    const resource = (): { [name: string]: string } => {
      const { name, namespace, version } = self();
      return { 'service.name': name, 'service.namespace': namespace, ...(version && { 'service.version': version }) };
    };
    this.#spans = new SpanExporter(log, resource, (count) => metrics.mesh_spans_dropped_total.inc(count));
    const requests = new RequestMetrics(metrics);
    const recorder = (direction: Direction, stats: DirectionStats): Recorder =>
      new Recorder({
        direction,
        self,
        stats,
        metrics: requests,
        tracing: () => this.#percent,
        onEnded: (ended, span) => this.#tell(ended, span),
        onRefused: (_direction, reason) => stats.refused(reason),
      });
    const [outbound, inbound] = [new DirectionStats(metrics, 'outbound'), new DirectionStats(metrics, 'inbound')];
    this.#stats = [outbound, inbound];
    this.outbound = recorder('outbound', outbound);
    this.inbound = recorder('inbound', inbound);
  }

  #tell(ended: Ended, span: Span | undefined): void {
    this.last.add(ended);
    if (this.#logs) {
      // The line has a time of its own already.
      const { time: began, ...rest } = ended.entry();
      this.#log.info({ began, ...rest }, 'access');
    }
    for (const watcher of this.watchers) watcher(ended.entry());
    if (span?.sampled === true) this.#spans.add(span, ended.entry());
  }

  /** Take what a configuration says of telemetry. */
  update({ telemetry }: Configuration): void {
    this.#logs = telemetry?.accessLog ?? this.#logsByDefault;
    this.#percent = telemetry?.tracing?.percent;
    this.#spans.update(telemetry?.tracing?.endpoint);
  }

  /** Before the metrics are read. */
  publish(): void {
    for (const stats of this.#stats) stats.publish();
    for (const recorder of [this.outbound, this.inbound]) recorder.publish();
  }

  close(): void {
    this.#spans.close();
  }
}
