/** Istio's standard metrics: https://istio.io/latest/docs/reference/config/metrics/ */
import { Buckets, type Counter, type Histogram } from '#kit/telemetry/series.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import { BYTES, DURATIONS, type meshMetrics } from './metrics.ts';
import type { Direction, Peers } from './labels.ts';
import type { EndedRequest } from './access-log.ts';
import { SeriesMap, type Labels } from './series.ts';

/** A request that is over. */
export type RequestEnd = Pick<
  EndedRequest,
  'direction' | 'peers' | 'status' | 'grpcStatus' | 'flags' | 'requestBytes' | 'responseBytes'
>;

/** Of two ends: a search through more would take longer than making the text. */
const MOST_KNOWN = 16;

class RequestSeries {
  readonly labels: Labels;
  count = 0;
  readonly durations = new Buckets(DURATIONS);
  readonly requestBytes = new Buckets(BYTES);
  readonly responseBytes = new Buckets(BYTES);

  constructor(labels: Labels) {
    this.labels = labels;
  }
}

/** A series as it was asked for. */
interface Known {
  readonly protocol: string;
  readonly status: number;
  readonly grpcStatus: string;
  readonly flags: string;
  readonly series: RequestSeries;
}

class TcpSeries {
  readonly labels: Labels;
  opened = 0;
  closed = 0;
  sent = 0;
  received = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }
}

export class RequestMetrics {
  readonly #requests = new SeriesMap((labels) => new RequestSeries(labels));
  readonly #tcp = new SeriesMap((labels) => new TcpSeries(labels));
  /** The same again, found without making a text of all labels. */
  readonly #known = new WeakMap<Peers, Known[]>();

  constructor(metrics: Metrics<typeof meshMetrics>) {
    const [requests, tcp] = [this.#requests, this.#tcp];
    showHistogram(metrics.istio_request_duration_milliseconds, requests, ({ durations }) => durations);
    showHistogram(metrics.istio_request_bytes, requests, ({ requestBytes }) => requestBytes);
    showHistogram(metrics.istio_response_bytes, requests, ({ responseBytes }) => responseBytes);
    show(metrics.istio_requests_total, requests, ({ count }) => count);
    show(metrics.istio_tcp_connections_opened_total, tcp, ({ opened }) => opened);
    show(metrics.istio_tcp_connections_closed_total, tcp, ({ closed }) => closed);
    show(metrics.istio_tcp_sent_bytes_total, tcp, ({ sent }) => sent);
    show(metrics.istio_tcp_received_bytes_total, tcp, ({ received }) => received);
  }

  /** @param protocol `http` or `grpc` @param duration in milliseconds */
  onRequest(end: RequestEnd, protocol: string, duration: number): void {
    const series = this.#series(end, protocol);
    series.count++;
    series.durations.observe(duration);
    series.requestBytes.observe(end.requestBytes);
    series.responseBytes.observe(end.responseBytes);
  }

  #series({ direction, peers, status, grpcStatus = '', flags }: RequestEnd, protocol: string): RequestSeries {
    let known = this.#known.get(peers);
    if (known === undefined) this.#known.set(peers, (known = []));
    for (const each of known)
      if (
        each.status === status &&
        each.protocol === protocol &&
        each.flags === flags &&
        each.grpcStatus === grpcStatus
      )
        return each.series;
    const series = this.#requests.get({
      ...labelsOf(direction, peers, flags, protocol),
      response_code: String(status),
      grpc_response_status: grpcStatus,
    });
    if (known.length < MOST_KNOWN) known.push({ protocol, status, grpcStatus, flags, series });
    return series;
  }

  onOpen(direction: Direction, peers: Peers): void {
    this.#tcp.get(labelsOf(direction, peers, '-', 'tcp')).opened++;
  }

  /** @param bytes that were not counted before, as the server's side sees them: what it received, and sent */
  onClose(direction: Direction, peers: Peers, flags: string, bytes: { received: number; sent: number }): void {
    this.#tcp.get(labelsOf(direction, peers, flags, 'tcp')).closed++;
    this.onBytes(direction, peers, flags, bytes);
  }

  /** The same of a connection that goes on. */
  onBytes(
    direction: Direction,
    peers: Peers,
    flags: string,
    { received, sent }: { received: number; sent: number },
  ): void {
    const series = this.#tcp.get(labelsOf(direction, peers, flags, 'tcp'));
    series.received += received;
    series.sent += sent;
  }
}

function show<S extends { readonly labels: Labels }>(
  counter: Counter,
  all: Iterable<S>,
  value: (series: S) => number,
): void {
  counter.collect = () => {
    counter.reset();
    for (const series of all) counter.inc(series.labels, value(series));
  };
}

function showHistogram(
  histogram: Histogram,
  all: Iterable<RequestSeries>,
  buckets: (series: RequestSeries) => Buckets,
): void {
  histogram.collect = () => {
    for (const series of all) histogram.show(series.labels, buckets(series));
  };
}

function labelsOf(direction: Direction, peers: Peers, flags: string, protocol: string): Labels {
  const { source, destination, service, serviceName, serviceNamespace, mtls } = peers;
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
