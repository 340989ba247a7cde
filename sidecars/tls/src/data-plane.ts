/** Everything between the clients' port and the application's, in one process. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { Values } from '#kit/contract/parameters.ts';
import type { ReadinessCheck } from '#kit/life/readiness.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { TlsListener } from '#proxy/downstream/listener.ts';
import { accessLog } from '#proxy/filters/access-log.ts';
import { Filters } from '#proxy/filters/filter.ts';
import { forwarded } from '#proxy/filters/forwarded.ts';
import { hsts } from '#proxy/filters/hsts.ts';
import { ProxyCounts } from '#proxy/stats.ts';
import { Sweeper } from '#proxy/loop/sweeper.ts';
import { startTracing } from '#proxy/tracing/tracing.ts';
import { SingleEndpoint } from '#proxy/upstream/cluster.ts';
import { Http1Endpoint } from '#proxy/upstream/endpoint.ts';
import { Http2Endpoint } from '#proxy/upstream/http2-endpoint.ts';
import { EndpointHealth } from '#proxy/upstream/health.ts';
import type { createClientPolicy } from './certificates/client-identity.ts';
import type { CertificateStore } from './certificates/store.ts';
import { contract } from './contract.ts';
import { serveRedirect } from './redirect.ts';
import { frontSettings } from '#proxy/front-parameters.ts';

export interface DataPlaneOptions {
  readonly parameters: Values<typeof contract.parameters>;
  readonly log: Logger;
  readonly metrics: Metrics<typeof contract.metrics>;
  /** Told whether the application is up. */
  readonly appCheck: ReadinessCheck;
  readonly store: CertificateStore;
  readonly policy: ReturnType<typeof createClientPolicy>;
  /** Other processes listen on the same ports. */
  readonly shared: boolean;
  /** The keys of session tickets, 48 bytes; random ones of this process where absent. */
  readonly ticketKeys?: Buffer;
}

export interface DataPlane {
  /** The TLS port. */
  readonly port: number;
  readonly listening: boolean;
  /**
   * Exchange the keys of session tickets.
   * @param keys 48 bytes
   */
  setTicketKeys(keys: Buffer): void;
  /**
   * Come to an end: no further connections, the begun requests finished.
   * @param patience milliseconds after which the rest is cut
   */
  drain(patience: number): Promise<void>;
}

/**
 * Listen and relay.
 * @throws {ConfigurationError} when a port cannot be had
 */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { parameters, log, store, policy, shared } = options;
  const { PROXY_HOST: host, PROXY_PORT: port } = parameters;
  const settings = frontSettings('TLS_', parameters, false);
  const stats = publishedCounts(options.metrics);
  const sweeper = new Sweeper(
    Math.min(settings.headerTimeout, settings.idleTimeout, settings.responseTimeout, settings.connectTimeout),
  );
  const health = new EndpointHealth({
    host,
    port,
    connectTimeout: settings.connectTimeout,
    check: options.appCheck,
    stats,
    log,
  });
  const EndpointOfVersion = parameters.PROXY_HTTP_VERSION === '2' ? Http2Endpoint : Http1Endpoint;
  const endpoint = new EndpointOfVersion({
    host,
    port,
    idleTimeout: parameters.PROXY_IDLE_TIMEOUT,
    maxHeaderSize: settings.maxHeaderSize,
    sweeper,
  });
  const tracing = startTracing({
    parameters,
    log,
    scope: contract,
    metrics: {
      exported: options.metrics.tls_spans_exported_total,
      dropped: options.metrics.tls_spans_dropped_total,
    },
  });
  const context: ProxyContext = {
    settings,
    log,
    stats,
    sweeper,
    filters: new Filters([
      ...tracing.filters,
      forwarded(parameters.TLS_PUBLIC_PORT),
      ...(parameters.TLS_HSTS_MAX_AGE > 0 ? [hsts(parameters.TLS_HSTS_MAX_AGE)] : []),
      ...accessLog({ parameters, log }),
    ]),
    cluster: new SingleEndpoint(endpoint, health, parameters.TLS_MAX_CONNECTIONS),
    draining: false,
  };
  const listener = new TlsListener({
    context,
    certificates: store,
    policy,
    host: parameters.TLS_LISTEN_ADDRESS,
    port: parameters.TLS_LISTEN_PORT,
    portParameter: 'TLS_LISTEN_PORT',
    shared,
    mode: parameters.TLS_MODE,
    minVersion: parameters.TLS_MIN_VERSION,
    handshakeTimeout: parameters.TLS_HANDSHAKE_TIMEOUT,
    maxConnections: parameters.TLS_MAX_CONNECTIONS,
    // The development certificate is the only one; any other may get company at a reload.
    ...(options.ticketKeys && { ticketKeys: options.ticketKeys }),
    selectsByName: parameters.TLS_CERT_DIR !== undefined,
    refusesUnknownNames: parameters.TLS_UNKNOWN_NAME === 'refuse',
    proxyProtocol: parameters.TLS_PROXY_PROTOCOL,
  });
  await listener.open();
  const redirect = await serveRedirect(context, parameters, shared);
  health.start();
  return {
    port: listener.port,
    get listening() {
      return listener.listening;
    },
    setTicketKeys: (keys) => listener.setTicketKeys(keys),
    async drain(patience) {
      redirect?.close();
      redirect?.closeIdleConnections();
      await listener.drain(patience);
      await tracing.close();
      redirect?.closeAllConnections();
      health.close();
      endpoint.close();
      store.close();
    },
  };
}

/** The data plane's counts, as this sidecar's metrics. */
function publishedCounts(metrics: Metrics<typeof contract.metrics>): ProxyCounts {
  const counts = new ProxyCounts();
  counts.publish({
    connectionsOpen: metrics.tls_connections_open,
    connections: metrics.tls_connections_total,
    handshakeErrors: metrics.tls_handshake_errors_total,
    connectionsRefused: metrics.tls_connections_refused_total,
    requestsInFlight: metrics.tls_requests_in_flight,
    requests: metrics.tls_requests_total,
    requestsRejected: metrics.tls_requests_rejected_total,
    upstreamErrors: metrics.tls_upstream_errors_total,
    upstreamUp: metrics.tls_app_up,
    internalErrors: metrics.tls_internal_errors_total,
    requestDuration: metrics.tls_request_duration_seconds,
  });
  return counts;
}
