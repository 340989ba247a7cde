/** What the modes on the shared proxy library have in common. */
import { ProxyCounts } from '#proxy/stats.ts';
import { startTracing, type Tracing } from '#proxy/tracing/tracing.ts';
import { contract } from './contract.ts';
import type { AmbassadorKit } from './kit.ts';

/** Left of the shutdown's time for closing after the drain was cut, in milliseconds. */
const CLOSING = 500;

/** The library's counts, as this sidecar's metrics. */
export function proxyStats(metrics: AmbassadorKit['metrics']): ProxyCounts {
  const counts = new ProxyCounts();
  counts.publish({
    connectionsOpen: metrics.client_connections,
    connectionsRefused: metrics.ambassador_connections_refused_total,
    requestDuration: metrics.ambassador_request_duration_seconds,
  });
  return counts;
}

/** Spans of requests, and of commands. @throws {ConfigurationError} */
export function tracingOf({ parameters, log, metrics }: AmbassadorKit): Tracing {
  return startTracing({
    parameters,
    log,
    scope: contract,
    metrics: { exported: metrics.ambassador_spans_exported_total, dropped: metrics.ambassador_spans_dropped_total },
  });
}

/** How long a drain may take. @param timeout SHUTDOWN_TIMEOUT, in milliseconds */
export const patienceOf = (timeout: number): number => Math.max(timeout - CLOSING, timeout / 2);
