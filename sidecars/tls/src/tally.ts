/**
 * What the data plane counts. Plain numbers while traffic flows, since a labelled counter costs more
 * than reading a request does; they become metrics when somebody asks for them.
 */
import type { Counter, Gauge } from 'prom-client';
import type { Metrics } from '#kit/metrics.ts';
import type { contract } from './contract.ts';

type TlsMetrics = Pick<
  Metrics<(typeof contract)['metrics']>,
  | 'tls_connections_open'
  | 'tls_connections_total'
  | 'tls_handshake_errors_total'
  | 'tls_connections_refused_total'
  | 'tls_requests_total'
  | 'tls_requests_rejected_total'
  | 'tls_requests_in_flight'
  | 'tls_upstream_errors_total'
  | 'tls_app_up'
>;

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

export class Tally {
  connectionsOpen = 0;
  requestsInFlight = 0;
  appUp = 0;
  readonly #statuses = [0, 0, 0, 0, 0];
  readonly #protocols = new Map<string, number>();
  readonly #handshakeErrors = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #rejected = new Map<string, number>();
  readonly #upstreamErrors = new Map<string, number>();

  connection(protocol: string): void {
    add(this.#protocols, protocol);
  }
  handshakeError(reason: string): void {
    add(this.#handshakeErrors, reason);
  }
  refused(reason: string): void {
    add(this.#refused, reason);
  }
  rejected(reason: string): void {
    add(this.#rejected, reason);
  }
  upstreamError(reason: string): void {
    add(this.#upstreamErrors, reason);
  }
  response(status: number): void {
    this.#statuses[Math.trunc(status / 100) - 1]! += 1;
  }

  /** Make the metrics show what was counted whenever they are read. */
  publish(metrics: TlsMetrics): void {
    const gauge = (metric: Gauge, value: () => number): void => onRead(metric, () => metric.set(value()));
    gauge(metrics.tls_connections_open, () => this.connectionsOpen);
    gauge(metrics.tls_requests_in_flight, () => this.requestsInFlight);
    gauge(metrics.tls_app_up, () => this.appUp);
    counter(metrics.tls_connections_total, 'protocol', this.#protocols);
    counter(metrics.tls_handshake_errors_total, 'reason', this.#handshakeErrors);
    counter(metrics.tls_connections_refused_total, 'reason', this.#refused);
    counter(metrics.tls_requests_rejected_total, 'reason', this.#rejected);
    counter(metrics.tls_upstream_errors_total, 'reason', this.#upstreamErrors);
    onRead(metrics.tls_requests_total, () => {
      for (const [index, code] of CLASSES.entries()) {
        metrics.tls_requests_total.inc({ code }, this.#statuses[index]);
        this.#statuses[index] = 0;
      }
    });
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function counter(metric: Counter, label: string, counts: Map<string, number>): void {
  onRead(metric, () => {
    for (const [value, count] of counts) metric.inc({ [label]: value }, count);
    counts.clear();
  });
}

/** prom-client calls `collect` before it reads a metric. */
function onRead(metric: Counter | Gauge, collect: () => void): void {
  Object.assign(metric, { collect });
}
