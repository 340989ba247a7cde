/** What should be looked at by a person. */
import type { Alerts } from '#kit/contract/alerts.ts';
import { refusalAlerts } from '#proxy/refusals.ts';
import { spanAlerts } from '#proxy/tracing/metrics.ts';

export const alerts: Alerts = {
  CacheAppDown: {
    expr: 'cache_app_up == 0',
    for: '2m',
    severity: 'critical',
    summary: 'The application behind the cache takes no connections; stored pages are served for a while.',
    runbook: 'Look at the application. Until it is back, pages are served as long as stale-if-error allows.',
  },
  CacheUpstreamErrors: {
    expr: 'sum by (job, instance) (rate(cache_upstream_errors_total[5m])) > 0.05 * sum by (job, instance) (rate(cache_origin_requests_total[5m]))',
    for: '5m',
    severity: 'critical',
    summary: 'More than 5 % of the requests to the application fail.',
    runbook: 'The label reason of cache_upstream_errors_total says how. Look at the application.',
  },
  CacheInternalErrors: {
    expr: 'increase(cache_internal_errors_total[15m]) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'An exception ended a request in the cache.',
    runbook: 'This is a defect of the sidecar: the log has its stack. Please report it.',
  },
  ...refusalAlerts('cache', 'Cache', 'CACHE_MAX_CONNECTIONS'),
  ...spanAlerts('cache', 'Cache'),
};
