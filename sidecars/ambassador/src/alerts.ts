/** What should be looked at by a person. */
import type { Alerts } from '#kit/contract/alerts.ts';
import { refusalAlerts } from '#proxy/refusals.ts';
import { spanAlerts } from '#proxy/tracing/metrics.ts';

export const alerts: Alerts = {
  AmbassadorServerDown: {
    expr: 'server_up == 0 and on (job, instance) ambassador_build_info',
    for: '2m',
    severity: 'critical',
    summary: 'The server {{ $labels.server }} cannot be used: commands for its keys fail, or go elsewhere.',
    runbook: 'Look at the server. With ON_FAILURE=eject its keys are served by others until it is back.',
  },
  AmbassadorFileRefused: {
    expr: 'increase(broker_file_refused[15m]) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'A changed file of the broker could not be used; the one of before is in effect.',
    runbook: 'The log names the line and what is accepted there.',
  },
  AmbassadorVersionTakenBack: {
    expr: 'increase(split_backoffs[15m]) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'The new version lost its share: {{ $labels.reason }}.',
    runbook: 'Compare split_errors and split_answers of both versions; the log has the first errors.',
  },
  ...refusalAlerts('ambassador', 'Ambassador', 'AMBASSADOR_MAX_CLIENTS'),
  ...spanAlerts('ambassador', 'Ambassador'),
};
