/** The metrics of the mesh proxy: Istio's names for what users see of their services, mesh_* for the proxy itself. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';
import { spanMetrics } from '#proxy/tracing/metrics.ts';

/** Upper bounds of durations, in milliseconds: Envoy's. */
export const DURATIONS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
] as const;

/** Upper bounds of sizes, in bytes. */
export const BYTES = [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000] as const;

/** Labels that all of Istio's standard metrics have. */
const COMMON_LABELS = [
  'reporter',
  'source_workload',
  'source_workload_namespace',
  'source_principal',
  'source_app',
  'source_version',
  'destination_workload',
  'destination_workload_namespace',
  'destination_principal',
  'destination_app',
  'destination_version',
  'destination_service',
  'destination_service_name',
  'destination_service_namespace',
  'request_protocol',
  'response_flags',
  'connection_security_policy',
] as const;
const REQUEST_LABELS = [...COMMON_LABELS, 'response_code', 'grpc_response_status'] as const;

export const meshMetrics = {
  istio_requests_total: {
    type: 'counter',
    help: 'Requests',
    bad: 'response_code 5xx for more than 5 % of a service’s requests',
    labels: REQUEST_LABELS,
  },
  istio_request_duration_milliseconds: {
    type: 'histogram',
    help: 'Duration of requests, in milliseconds',
    bad: 'p99 of the source far above that of the destination: the way between is slow',
    labels: REQUEST_LABELS,
    buckets: DURATIONS,
  },
  istio_request_bytes: {
    type: 'histogram',
    help: 'Sizes of request bodies, in bytes',
    bad: 'nothing by itself',
    labels: REQUEST_LABELS,
    buckets: BYTES,
  },
  istio_response_bytes: {
    type: 'histogram',
    help: 'Sizes of response bodies, in bytes',
    bad: 'nothing by itself',
    labels: REQUEST_LABELS,
    buckets: BYTES,
  },
  istio_tcp_connections_opened_total: {
    type: 'counter',
    help: 'Connections of other protocols that began',
    bad: 'response_flags other than -',
    labels: COMMON_LABELS,
  },
  istio_tcp_connections_closed_total: {
    type: 'counter',
    help: 'Connections of other protocols that ended',
    bad: 'response_flags other than -',
    labels: COMMON_LABELS,
  },
  istio_tcp_sent_bytes_total: {
    type: 'counter',
    help: 'Bytes to the client, of connections that are no HTTP',
    bad: 'nothing by itself',
    labels: COMMON_LABELS,
  },
  istio_tcp_received_bytes_total: {
    type: 'counter',
    help: 'Bytes from the client, of connections that are no HTTP',
    bad: 'nothing by itself',
    labels: COMMON_LABELS,
  },
  mesh_connections_open: {
    type: 'gauge',
    help: 'Connections open now',
    bad: 'near MESH_MAX_CONNECTIONS',
    labels: ['direction'],
  },
  mesh_connections_refused_total: {
    type: 'counter',
    help: 'Connections refused before a request of theirs was read',
    bad: 'any rate that lasts: a limit, or clients without an identity',
    labels: ['direction', 'reason'],
  },
  mesh_tls_handshakes_total: {
    type: 'counter',
    help: 'TLS handshakes with other proxies that this one began, by the group that keys were exchanged in',
    bad: 'a group without ML-KEM, where all proxies should have it',
    labels: ['group'],
  },
  mesh_requests_in_flight: {
    type: 'gauge',
    help: 'Requests begun and not ended',
    bad: 'a rise that does not end',
    labels: ['direction'],
  },
  mesh_request_duration_seconds: {
    type: 'histogram',
    help: 'From the head of a request to the end of its response, in seconds; code is the status class, or none; route the path of the route that it fits',
    bad: 'p99 of outbound far above that of inbound: the way between is slow; codes 5xx and none',
    labels: ['direction', 'method', 'code', 'route'],
  },
  mesh_upstream_errors_total: {
    type: 'counter',
    help: 'Tries that failed',
    bad: 'more than 5 % of the requests',
    labels: ['direction', 'reason'],
  },
  mesh_internal_errors_total: {
    type: 'counter',
    help: 'Exceptions that ended a request or a connection: defects',
    bad: 'any: a defect',
  },
  mesh_ejections_total: {
    type: 'counter',
    help: 'Endpoints left out for a while',
    bad: 'the same cluster again and again',
    labels: ['cluster', 'reason'],
  },
  mesh_configurations_total: {
    type: 'counter',
    help: 'Configurations taken in use, or refused',
    bad: 'refused: the last good configuration is in use',
    labels: ['result'],
    known: { result: ['used', 'refused'] },
  },
  mesh_state_damaged_total: {
    type: 'counter',
    help: 'Files of MESH_STATE_DIR that could not be used at a start and were set aside',
    bad: 'any: the proxy could not start without its control plane',
    labels: ['kind'],
    known: { kind: ['identity', 'configuration'] },
  },
  mesh_certificate_not_after_seconds: {
    type: 'gauge',
    help: "End of the own certificate's validity, since the epoch",
    bad: 'less than ten minutes ahead: it was not renewed',
  },
  ...spanMetrics('mesh'),
} as const satisfies MetricDeclarations;
