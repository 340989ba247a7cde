/** Istio's standard metrics: https://istio.io/latest/docs/reference/config/metrics/ */
import type { Counter } from 'prom-client';
import type { Metrics } from '#kit/metrics.ts';
import type { contract } from '../contract.ts';
import type { Direction, Ends } from './labels.ts';
import { BYTES, DURATIONS } from './buckets.ts';
import { Buckets, SeriesMap, showHistogram, type Observed } from './series.ts';

type Labels = Readonly<Record<string, string>>;

/** A request that is over. */
export interface RequestEnd {
  readonly direction: Direction;
  readonly ends: Ends;
  /** `http` or `grpc`. */
  readonly protocol: string;
  readonly status: number;
  readonly grpcStatus: string | undefined;
  readonly flags: string;
  /** In milliseconds. */
  readonly duration: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

class RequestSeries {
  labels: Labels = {};
  count = 0;
  readonly durations = new Buckets(DURATIONS);
  readonly requestBytes = new Buckets(BYTES);
  readonly responseBytes = new Buckets(BYTES);
}

class TcpSeries {
  labels: Labels = {};
  opened = 0;
  closed = 0;
  sent = 0;
  received = 0;
}

export class RequestMetrics {
  readonly #requests = new SeriesMap(() => new RequestSeries());
  readonly #tcp = new SeriesMap(() => new TcpSeries());
  /** The same again, found without making a text of all labels. */
  readonly #known = new WeakMap<Ends, Map<string, RequestSeries>>();

  constructor(metrics: Metrics<typeof contract.metrics>) {
    const [requests, tcp] = [this.#requests, this.#tcp];
    const observed = function* (which: (series: RequestSeries) => Buckets): Generator<Observed> {
      for (const [, series] of requests) yield { labels: series.labels, buckets: which(series) };
    };
    showHistogram(
      metrics.istio_request_duration_milliseconds,
      'istio_request_duration_milliseconds',
      'Duration of requests, in milliseconds',
      () => observed(({ durations }) => durations),
    );
    showHistogram(metrics.istio_request_bytes, 'istio_request_bytes', 'Sizes of request bodies, in bytes', () =>
      observed(({ requestBytes }) => requestBytes),
    );
    showHistogram(metrics.istio_response_bytes, 'istio_response_bytes', 'Sizes of response bodies, in bytes', () =>
      observed(({ responseBytes }) => responseBytes),
    );
    show(metrics.istio_requests_total, requests, ({ count }) => count);
    show(metrics.istio_tcp_connections_opened_total, tcp, ({ opened }) => opened);
    show(metrics.istio_tcp_connections_closed_total, tcp, ({ closed }) => closed);
    show(metrics.istio_tcp_sent_bytes_total, tcp, ({ sent }) => sent);
    show(metrics.istio_tcp_received_bytes_total, tcp, ({ received }) => received);
  }

  onRequest(end: RequestEnd): void {
    const { direction, ends, protocol, status, grpcStatus = '', flags } = end;
    const series = this.#series(ends, `${direction} ${protocol} ${status} ${grpcStatus} ${flags}`);
    if (series === undefined) return;
    if (series.count === 0)
      series.labels = {
        ...labelsOf(direction, ends, flags, protocol),
        response_code: String(status),
        grpc_response_status: grpcStatus,
      };
    series.count++;
    series.durations.observe(end.duration);
    series.requestBytes.observe(end.requestBytes);
    series.responseBytes.observe(end.responseBytes);
  }

  #series(ends: Ends, key: string): RequestSeries | undefined {
    let known = this.#known.get(ends);
    if (known === undefined) this.#known.set(ends, (known = new Map()));
    let series = known.get(key);
    if (series !== undefined) return series;
    series = this.#requests.get(`${key} ${keyOf(ends)}`);
    if (series !== undefined) known.set(key, series);
    return series;
  }

  onOpen(direction: Direction, ends: Ends): void {
    const series = this.#tcpSeries(direction, ends, '-');
    if (series) series.opened++;
  }

  /** @param bytes as the server's side sees them: what it received, and sent */
  onClose(direction: Direction, ends: Ends, flags: string, bytes: { received: number; sent: number }): void {
    const series = this.#tcpSeries(direction, ends, flags);
    if (series === undefined) return;
    series.closed++;
    series.received += bytes.received;
    series.sent += bytes.sent;
  }

  #tcpSeries(direction: Direction, ends: Ends, flags: string): TcpSeries | undefined {
    const series = this.#tcp.get(`${direction} ${flags} ${keyOf(ends)}`);
    if (series && series.opened + series.closed === 0) series.labels = labelsOf(direction, ends, flags, 'tcp');
    return series;
  }
}

function show<S extends { readonly labels: Labels }>(
  counter: Counter,
  all: Iterable<[string, S]>,
  value: (series: S) => number,
): void {
  const collect = (): void => {
    counter.reset();
    for (const [, series] of all) counter.inc(series.labels, value(series));
  };
  // prom-client calls it before it reads a metric.
  Object.assign(counter, { collect });
}

function keyOf({ source, destination, service, mtls }: Ends): string {
  return `${mtls} ${service} ${source.workload}/${source.namespace}/${source.principal} ${destination.workload}/${destination.namespace}/${destination.version}/${destination.principal}`;
}

function labelsOf(direction: Direction, ends: Ends, flags: string, protocol: string): Labels {
  const { source, destination, service, serviceName, serviceNamespace, mtls } = ends;
  return {
    reporter: direction === 'outbound' ? 'source' : 'destination',
    source_workload: source.workload,
    source_workload_namespace: source.namespace,
    source_principal: source.principal,
    source_app: source.workload,
    source_version: source.version,
    destination_workload: destination.workload,
    destination_workload_namespace: destination.namespace,
    destination_principal: destination.principal,
    destination_app: destination.workload,
    destination_version: destination.version,
    destination_service: service,
    destination_service_name: serviceName,
    destination_service_namespace: serviceNamespace,
    request_protocol: protocol,
    response_flags: flags,
    connection_security_policy: mtls ? 'mutual_tls' : direction === 'outbound' ? 'unknown' : 'none',
  };
}
