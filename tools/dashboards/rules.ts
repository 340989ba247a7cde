/** Rules for Prometheus, of a contract's alerts. */
import type { Alerts } from '#kit/contract/alerts.ts';
import { tagged } from '../yaml/tagged.ts';

/**
 * A file of rules: one group, a rule an alert.
 * Source: prometheus.io/docs/prometheus/latest/configuration/alerting_rules
 * @param name of the group
 */
export const rulesFile = (name: string, alerts: Alerts): string =>
  tagged({
    groups: [
      {
        name,
        rules: Object.entries(alerts).map(([alert, { expr, for: duration, severity, summary, runbook }]) => ({
          alert,
          expr,
          for: duration,
          labels: { severity },
          annotations: { summary, runbook },
        })),
      },
    ],
  });
