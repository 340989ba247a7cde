/**
 * What the data plane counts. Each sidecar maps it to metrics of its own names.
 */
import type { Counter, Gauge, Histogram } from '#kit/telemetry/series.ts';
import { RequestDurations, type RequestEnd } from './request-durations.ts';

export interface ProxyStats {
  /** A client's connection was accepted; for TLS, its handshake has ended. */
  downstreamOpened(): void;
  downstreamClosed(): void;
  /** A connection was opened that one of the client's carries. */
  multiplexedOpened(): void;
  multiplexedClosed(): void;
  /** @param protocol `http/1.1`, `h2` or `tcp` */
  downstreamProtocol(protocol: string): void;
  handshakeFailed(reason: string): void;
  /** A connection was closed before a request of its could be read. */
  downstreamRefused(reason: string): void;
  requestStarted(): void;
  requestEnded(end: RequestEnd): void;
  /** A final response went to the client, from the endpoint or from the proxy itself. */
  responded(status: number): void;
  /** A request was refused, and no endpoint asked. */
  requestRejected(reason: string): void;
  /** A try of a request failed. */
  upstreamFailed(reason: string): void;
  /** Whether the endpoint accepts connections. */
  upstreamUp(up: boolean): void;
  /** An exception was caught that ended an exchange or a connection: a defect of ours. */
  internalError(): void;
}

/** The metrics that `ProxyCounts.publish` fills; a sidecar leaves out those it does not have. */
export interface ProxyMetrics {
  readonly connectionsOpen?: Gauge;
  /** Label `protocol`. */
  readonly connections?: Counter;
  /** Label `reason`. */
  readonly handshakeErrors?: Counter;
  /** Label `reason`. */
  readonly connectionsRefused?: Counter;
  readonly requestsInFlight?: Gauge;
  /** Label `code`: 1xx to 5xx. */
  readonly requests?: Counter;
  /** Label `reason`. */
  readonly requestsRejected?: Counter;
  /** Label `reason`. */
  readonly upstreamErrors?: Counter;
  readonly upstreamUp?: Gauge;
  readonly internalErrors?: Counter;
  /** Labels `method` and `code`: 1xx to 5xx, or none; in seconds. */
  readonly requestDuration?: Histogram;
}

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/**
 * Counts in plain numbers while traffic flows, since a labelled counter costs more than reading a
 * request does; they become metrics when somebody asks for them.
 */
export class ProxyCounts implements ProxyStats {
  connectionsOpen = 0;
  requestsInFlight = 0;
  #up = 0;
  #internalErrors = 0;
  #durations: RequestDurations | undefined;
  readonly #statuses = [0, 0, 0, 0, 0];
  readonly #protocols = new Map<string, number>();
  readonly #handshakeErrors = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #rejected = new Map<string, number>();
  readonly #upstreamErrors = new Map<string, number>();

  downstreamOpened(): void {
    this.connectionsOpen++;
  }
  downstreamClosed(): void {
    this.connectionsOpen--;
  }
  multiplexedOpened(): void {
    this.connectionsOpen++;
  }
  multiplexedClosed(): void {
    this.connectionsOpen--;
  }
  downstreamProtocol(protocol: string): void {
    add(this.#protocols, protocol);
  }
  handshakeFailed(reason: string): void {
    add(this.#handshakeErrors, reason);
  }
  downstreamRefused(reason: string): void {
    add(this.#refused, reason);
  }
  requestStarted(): void {
    this.requestsInFlight++;
  }
  requestEnded(end: RequestEnd): void {
    this.requestsInFlight--;
    this.#durations?.observe(end);
  }
  /** RFC 9110, section 15: a status above 599 counts as 5xx. */
  responded(status: number): void {
    this.#statuses[Math.min(Math.trunc(status / 100), 5) - 1]! += 1;
  }
  requestRejected(reason: string): void {
    add(this.#rejected, reason);
  }
  upstreamFailed(reason: string): void {
    add(this.#upstreamErrors, reason);
  }
  upstreamUp(up: boolean): void {
    this.#up = up ? 1 : 0;
  }
  internalError(): void {
    this.#internalErrors++;
  }

  /** Make the metrics show what was counted whenever they are read. */
  publish(metrics: ProxyMetrics): void {
    if (metrics.requestDuration) this.#durations = new RequestDurations(metrics.requestDuration);
    gauge(metrics.connectionsOpen, () => this.connectionsOpen);
    gauge(metrics.requestsInFlight, () => this.requestsInFlight);
    gauge(metrics.upstreamUp, () => this.#up);
    counter(metrics.connections, 'protocol', this.#protocols);
    counter(metrics.handshakeErrors, 'reason', this.#handshakeErrors);
    counter(metrics.connectionsRefused, 'reason', this.#refused);
    counter(metrics.requestsRejected, 'reason', this.#rejected);
    counter(metrics.upstreamErrors, 'reason', this.#upstreamErrors);
    onRead(metrics.requests, (requests) => {
      for (const [index, code] of CLASSES.entries()) {
        requests.inc({ code }, this.#statuses[index]);
        this.#statuses[index] = 0;
      }
    });
    onRead(metrics.internalErrors, (errors) => {
      errors.inc(this.#internalErrors);
      this.#internalErrors = 0;
    });
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function gauge(metric: Gauge | undefined, value: () => number): void {
  onRead(metric, (read) => read.set(value()));
}

function counter(metric: Counter | undefined, label: string, counts: Map<string, number>): void {
  onRead(metric, (read) => {
    for (const [value, count] of counts) read.inc({ [label]: value }, count);
    counts.clear();
  });
}

function onRead<M extends Counter | Gauge>(metric: M | undefined, collect: (metric: M) => void): void {
  if (metric) metric.collect = () => collect(metric);
}
