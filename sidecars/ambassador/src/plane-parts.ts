/** What the modes on the shared proxy library have in common. */
import { ProxyCounts } from '#proxy/stats.ts';
import type { AmbassadorKit } from './kit.ts';

/** Left of the shutdown's time for closing after the drain was cut, in milliseconds. */
const CLOSING = 500;

/** The library's counts, as this sidecar's metrics. */
export function proxyStats(metrics: AmbassadorKit['metrics']): ProxyCounts {
  const counts = new ProxyCounts();
  counts.publish({ connectionsOpen: metrics.client_connections });
  return counts;
}

/** How long a drain may take. @param timeout SHUTDOWN_TIMEOUT, in milliseconds */
export const patienceOf = (timeout: number): number => Math.max(timeout - CLOSING, timeout / 2);
