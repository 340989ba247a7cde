/** What is counted of connections that were refused, and the rule about a proxy at its limit. */
import type { Alerts } from '#kit/contract/alerts.ts';
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';

type Declared<Prefix extends string> = {
  readonly [Name in `${Prefix}_connections_refused_total`]: {
    readonly type: 'counter';
    readonly help: string;
    readonly labels: readonly ['reason'];
  };
};

/** The metric of refusals, for a contract. @param prefix as `auth` */
export function refusalMetrics<const Prefix extends string>(prefix: Prefix): Declared<Prefix> {
  return {
    [`${prefix}_connections_refused_total`]: {
      type: 'counter',
      help: 'Connections closed before a request of theirs was read',
      bad: 'any rate that lasts: a limit is reached',
      labels: ['reason'],
    },
  } satisfies MetricDeclarations as unknown as Declared<Prefix>;
}

/**
 * The rule about them, for a contract.
 * @param prefix of the metric
 * @param alert the sidecar as alerts name it: `Auth`
 * @param limit the parameter that says how many connections there may be
 */
export const refusalAlerts = (prefix: string, alert: string, limit: string): Alerts => ({
  [`${alert}ConnectionsRefused`]: {
    expr: `sum by (job, instance, reason) (rate(${prefix}_connections_refused_total[5m])) > 1`,
    for: '10m',
    severity: 'warning',
    summary: `The ${prefix} sidecar refuses connections: {{ $labels.reason }}.`,
    runbook: `It is at a limit. Look at the connections that are open beside ${limit}; raise it together with the memory limit, or find the client that opens them.`,
  },
});
