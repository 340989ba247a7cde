/** Everything between the clients' port and the application's. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { ReadinessCheck } from '#kit/life/readiness.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { PlainListener } from '#proxy/downstream/plain-listener.ts';
import { accessLog } from '#proxy/filters/access-log.ts';
import { Filters, type Filter } from '#proxy/filters/filter.ts';
import { forwarded } from '#proxy/filters/forwarded.ts';
import { frontSettings } from '#proxy/front-parameters.ts';
import { ProxyCounts } from '#proxy/stats.ts';
import { Sweeper } from '#proxy/loop/sweeper.ts';
import { startTracing } from '#proxy/tracing/tracing.ts';
import { SingleEndpoint } from '#proxy/upstream/cluster.ts';
import { Http1Endpoint } from '#proxy/upstream/endpoint.ts';
import { EndpointHealth } from '#proxy/upstream/health.ts';
import { contract } from './contract.ts';
import type { TrustedProxies } from './http/client.ts';
import type { Parameters } from './settings.ts';

export interface DataPlaneOptions {
  readonly parameters: Parameters;
  readonly log: Logger;
  readonly metrics: Metrics<typeof contract.metrics>;
  /** Told whether the application is up. */
  readonly appCheck: ReadinessCheck;
  readonly trusted: TrustedProxies;
  /** Decides who may pass. */
  readonly auth: Filter;
}

export interface DataPlane {
  readonly port: number;
  readonly listening: boolean;
  /** Come to an end. @param patience milliseconds after which what was begun is cut */
  drain(patience: number): Promise<void>;
}

/** Listen and relay. @throws {ConfigurationError} when a port cannot be had */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { parameters, log, trusted, auth } = options;
  const { PROXY_HOST: host, PROXY_PORT: port } = parameters;
  // Read for all then, and taken away from those who are not trusted by the filter.
  const settings = frontSettings('AUTH_', parameters, trusted.any);
  const stats = new ProxyCounts();
  stats.publish({
    connectionsOpen: options.metrics.auth_connections_open,
    connectionsRefused: options.metrics.auth_connections_refused_total,
    upstreamUp: options.metrics.auth_app_up,
    internalErrors: options.metrics.auth_internal_errors_total,
    requestDuration: options.metrics.auth_request_duration_seconds,
  });
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
  const endpoint = new Http1Endpoint({
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
      exported: options.metrics.auth_spans_exported_total,
      dropped: options.metrics.auth_spans_dropped_total,
    },
  });
  const context: ProxyContext = {
    settings,
    log,
    stats,
    sweeper,
    filters: new Filters([...tracing.filters, auth, callerFields(trusted), ...accessLog({ parameters, log })]),
    cluster: new SingleEndpoint(endpoint, health, parameters.AUTH_MAX_CONNECTIONS),
    draining: false,
  };
  const listener = new PlainListener({
    context,
    host: parameters.AUTH_LISTEN_ADDRESS,
    port: parameters.AUTH_LISTEN_PORT,
    portParameter: 'AUTH_LISTEN_PORT',
    maxConnections: parameters.AUTH_MAX_CONNECTIONS,
  });
  await listener.open();
  health.start();
  return {
    port: listener.port,
    get listening() {
      return listener.listening;
    },
    async drain(patience) {
      await listener.drain(patience);
      await tracing.close();
      health.close();
      endpoint.close();
    },
  };
}

/** Who called: what a trusted proxy has said passes as it is, others are told of by their connection. */
function callerFields(trusted: TrustedProxies): Filter {
  const own = forwarded(80);
  return {
    onRequest: (exchange) => (trusted.has(exchange.downstream.remoteAddress) ? undefined : own.onRequest!(exchange)),
  };
}
