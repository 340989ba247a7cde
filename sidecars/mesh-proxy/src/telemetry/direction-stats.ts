/** What the proxy library counts, as metrics of one direction. */
import type { ProxyStats } from '#proxy/stats.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { meshMetrics } from './metrics.ts';
import type { Direction } from './labels.ts';

export class DirectionStats implements ProxyStats {
  readonly #metrics: Metrics<typeof meshMetrics>;
  readonly #direction: Direction;
  #open = 0;
  #inFlight = 0;

  constructor(metrics: Metrics<typeof meshMetrics>, direction: Direction) {
    this.#metrics = metrics;
    this.#direction = direction;
  }

  /** Before the metrics are read: gauges that change with each request are set only then. */
  publish(): void {
    this.#metrics.mesh_connections_open.set({ direction: this.#direction }, this.#open);
    this.#metrics.mesh_requests_in_flight.set({ direction: this.#direction }, this.#inFlight);
  }

  refused(reason: string): void {
    this.#metrics.mesh_connections_refused_total.inc({ direction: this.#direction, reason });
  }
  downstreamOpened(): void {
    this.#open++;
  }
  downstreamClosed(): void {
    this.#open--;
  }
  multiplexedOpened(): void {
    this.#open++;
  }
  multiplexedClosed(): void {
    this.#open--;
  }
  downstreamProtocol(): void {}
  handshakeFailed(reason: string): void {
    this.refused(reason);
  }
  downstreamRefused(reason: string): void {
    this.refused(reason);
  }
  requestStarted(): void {
    this.#inFlight++;
  }
  requestEnded(): void {
    this.#inFlight--;
  }
  // Istio's metrics have what these say.
  responded(): void {}
  requestRejected(): void {}
  upstreamUp(): void {}
  upstreamFailed(reason: string): void {
    this.#metrics.mesh_upstream_errors_total.inc({ direction: this.#direction, reason });
  }
  internalError(): void {
    this.#metrics.mesh_internal_errors_total.inc();
  }
}
