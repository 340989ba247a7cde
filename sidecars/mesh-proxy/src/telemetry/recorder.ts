/** Everything that is told of one direction: metrics, access log, last requests, spans, tap. */
import type { Sampler } from '#kit/tracing/sampler.ts';
import type { SpanContext } from '#kit/tracing/span.ts';
import type { Filter } from '#proxy/filters/filter.ts';
import type { RequestDurations } from '#proxy/request-durations.ts';
import type { ProxyStats } from '#proxy/stats.ts';
import { beginSpan, beginTrace } from '#proxy/tracing/context.ts';
import { requestStateOf, type RequestState } from '../stream-info/request-state.ts';
import type { Connection } from '../stream-info/connection.ts';
import type { DirectionTelemetry, OpenRelay, RelayEnd } from '../stream-info/telemetry.ts';
import { EndedRelay, EndedRequest, type Ended } from './access-log.ts';
import { PeersCache, type Direction, type Self } from './labels.ts';
import type { RequestMetrics } from './request-metrics.ts';

export interface RecorderOptions {
  readonly direction: Direction;
  readonly self: () => Self;
  readonly stats: ProxyStats;
  readonly metrics: RequestMetrics;
  readonly durations: RequestDurations;
  /** Which traces are sampled; undefined: requests keep what they say of a trace. */
  readonly sampler: () => Sampler | undefined;
  readonly onEnded: (ended: Ended, span: SpanContext | undefined) => void;
  readonly onRefused: (direction: Direction, reason: string) => void;
}

/** An open connection that is not HTTP. */
interface Counted {
  readonly relay: OpenRelay;
  /** A connection carries no trace: each proxy begins one. */
  readonly span: SpanContext | undefined;
  received: number;
  sent: number;
}

export class Recorder implements DirectionTelemetry {
  readonly stats: ProxyStats;
  readonly filters: readonly Filter[];
  readonly #options: RecorderOptions;
  readonly #peers: PeersCache;
  /** Connections that are not HTTP, and what is counted of them so far. */
  readonly #open = new Map<Connection, Counted>();

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.stats = options.stats;
    this.#peers = new PeersCache(options.direction, options.self);
    this.filters = [
      {
        onRequest: (exchange) => {
          const sampler = options.sampler();
          if (sampler !== undefined) exchange.span = beginSpan(exchange.request, sampler);
        },
        onResponse: (exchange, response) => {
          const record = requestStateOf(exchange);
          if (record.grpc) record.grpcStatus ??= response.get('grpc-status');
        },
        onEnd: (exchange) => this.#end(requestStateOf(exchange)),
      },
    ];
  }

  #end(record: RequestState): void {
    const { direction, metrics, durations, onEnded } = this.#options;
    const { exchange, connection, cluster } = record;
    const duration = performance.now() - record.startedAt;
    if (record.grpc) record.grpcStatus ??= /^grpc-status:[ \t]*(\d{1,3})/im.exec(exchange.trailers)?.[1];
    const peers = this.#peers.get(connection, cluster, exchange.tried.at(-1));
    const ended = new EndedRequest(direction, record, peers, duration);
    metrics.onRequest(ended, record.grpc ? 'grpc' : 'http', duration);
    const { request, status, span } = exchange;
    durations.observe({ request, status, startedAt: record.startedAt, route: ended.pattern, span });
    onEnded(ended, span);
  }

  onOpen(relay: OpenRelay): void {
    const { metrics, direction } = this.#options;
    const sampler = this.#options.sampler();
    const span = sampler && beginTrace(sampler);
    this.#open.set(relay.connection, { relay, span, received: 0, sent: 0 });
    metrics.onOpen(direction, this.#peers.get(relay.connection, relay.cluster, undefined));
  }

  /** Before the metrics are read: count what has passed on open connections since the last time. */
  publish(): void {
    const { metrics, direction } = this.#options;
    for (const counted of this.#open.values()) {
      const { connection, cluster, endpoint, received, sent } = counted.relay;
      const peers = this.#peers.get(connection, cluster, endpoint);
      metrics.onBytes(direction, peers, '-', { received: received - counted.received, sent: sent - counted.sent });
      counted.received = received;
      counted.sent = sent;
    }
  }

  onClose(end: RelayEnd): void {
    const { direction, metrics, onEnded } = this.#options;
    const peers = this.#peers.get(end.connection, end.cluster, end.endpoint);
    const ended = new EndedRelay(direction, end, peers);
    const { received = 0, sent = 0, span } = this.#open.get(end.connection) ?? {};
    this.#open.delete(end.connection);
    metrics.onClose(direction, peers, ended.flags, { received: end.received - received, sent: end.sent - sent });
    onEnded(ended, span);
  }

  onRefused(reason: string): void {
    this.#options.onRefused(this.#options.direction, reason);
  }
}
