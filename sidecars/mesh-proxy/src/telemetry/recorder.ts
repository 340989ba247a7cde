/** Everything that is told of one direction: metrics, access log, last requests, spans, tap. */
import type { Filter } from '#proxy/filters/filter.ts';
import type { ProxyStats } from '#proxy/stats.ts';
import type { DirectionTelemetry } from '../data-plane.ts';
import { recordOf, type Record as RequestRecord } from '../filters/record.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { Connection } from '../listeners/connection.ts';
import type { RelayEnd } from '../listeners/relay.ts';
import { EndedRelay, EndedRequest, type Ended } from './access-log.ts';
import { EndsCache, type Direction, type Self } from './labels.ts';
import type { RequestMetrics } from './request-metrics.ts';
import { beginSpan, type Span } from './trace-context.ts';

export interface RecorderOptions {
  readonly direction: Direction;
  readonly self: () => Self;
  readonly stats: ProxyStats;
  readonly metrics: RequestMetrics;
  /** How many of the traces that begin here are sampled, in percent; undefined: requests keep what they say of a trace. */
  readonly tracing: () => number | undefined;
  readonly onEnded: (ended: Ended, span: Span | undefined) => void;
  readonly onRefused: (direction: Direction, reason: string) => void;
}

export class Recorder implements DirectionTelemetry {
  readonly stats: ProxyStats;
  readonly filters: readonly Filter[];
  readonly #options: RecorderOptions;
  readonly #ends: EndsCache;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.stats = options.stats;
    this.#ends = new EndsCache(options.direction, options.self);
    this.filters = [
      {
        onRequest: (exchange) => {
          const percent = options.tracing();
          if (percent !== undefined) recordOf(exchange).span = beginSpan(exchange.request, percent);
        },
        onResponse: (exchange, response) => {
          const record = recordOf(exchange);
          if (record.grpc) record.grpcStatus ??= response.get('grpc-status');
        },
        onEnd: (exchange) => this.#end(recordOf(exchange)),
      },
    ];
  }

  #end(record: RequestRecord): void {
    const { direction, metrics, onEnded } = this.#options;
    const { exchange, connection, cluster } = record;
    const duration = performance.now() - record.startedAt;
    if (record.grpc) record.grpcStatus ??= /^grpc-status:[ \t]*(\d{1,3})/im.exec(exchange.trailers)?.[1];
    const ends = this.#ends.get(connection, cluster, exchange.tried.at(-1));
    const ended = new EndedRequest(direction, record, ends, duration);
    metrics.onRequest(ended, record.grpc ? 'grpc' : 'http', duration);
    onEnded(ended, record.span);
  }

  onOpen(connection: Connection, cluster: MeshCluster | undefined): void {
    const { metrics, direction } = this.#options;
    metrics.onOpen(direction, this.#ends.get(connection, cluster, undefined));
  }

  onClose(end: RelayEnd): void {
    const { direction, metrics, onEnded } = this.#options;
    const ends = this.#ends.get(end.connection, end.cluster, end.endpoint);
    const ended = new EndedRelay(direction, end, ends);
    metrics.onClose(direction, ends, ended.flags, end);
    onEnded(ended, undefined);
  }

  onRefused(reason: string): void {
    this.#options.onRefused(this.#options.direction, reason);
  }
}
