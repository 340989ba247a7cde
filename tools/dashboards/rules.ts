/** Rules for Prometheus, of a contract's alerts. */
import { buildInfo, type Alerts } from '#kit/contract/alerts.ts';
import { tagged } from '../yaml/tagged.ts';

/** What only who asks all sidecars can tell. */
export const podAlerts = (names: readonly string[]): Alerts => ({
  PodStranded: {
    expr: `up == 0 and on (job, instance) last_over_time({__name__=~"${names.map(buildInfo).join('|')}"}[1h])`,
    for: '5m',
    severity: 'critical',
    summary: 'The sidecar at {{ $labels.instance }} is not reached any more: it has stopped, or its pod is stranded.',
    runbook:
      'make doctor names containers that are stranded, killed or paused, and the command that heals them. By hand: docker compose ps says whether it runs; a container that runs and has no interface but lo joined a network namespace that is gone: docker compose up --detach --force-recreate POD and what joins it.',
  },
});

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
