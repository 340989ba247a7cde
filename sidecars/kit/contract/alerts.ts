/** What should be looked at by a person: rules for Prometheus, declared beside the metrics that they read. */

import type { MetricDeclarations } from '../telemetry/metrics.ts';

export interface Alert {
  /** PromQL over metrics of the same contract; it fires for each series of the result. */
  readonly expr: string;
  /** How long it must hold, as Prometheus writes it: `5m`. */
  readonly for: string;
  /** critical: users notice it now; warning: they will. */
  readonly severity: 'critical' | 'warning';
  /** One sentence: what is wrong. */
  readonly summary: string;
  /** What to look at, and what to do, in sentences. */
  readonly runbook: string;
}

/** By name, as Prometheus writes it: `TlsCertificateEnds`. */
export type Alerts = Readonly<Record<string, Alert>>;

/** The metric that says which version runs: 1, with the label `version`. */
export const buildInfo = (name: string): string => `${name.replaceAll('-', '_')}_build_info`;

/** A name of several words as one: `log-shipper` as `LogShipper`. */
export const pascal = (name: string): string =>
  name.replaceAll(/(?:^|[-_])([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** What holds for every sidecar. Metrics of the process have the same names everywhere, so they are joined with the version. */
export const commonAlerts = (name: string): Alerts => ({
  [`${pascal(name)}Restarts`]: {
    expr: `changes(process_start_time_seconds[30m]) > 3 and on (job, instance) ${buildInfo(name)}`,
    for: '0m',
    severity: 'critical',
    summary: `The ${name} sidecar was started more than three times in half an hour.`,
    runbook:
      'Read the last lines of the container before each start. Exit code 64 means a wrong parameter, 137 means that the memory limit is too low, 70 is a defect of the sidecar.',
  },
});

/** What a counter's `bad` begins with where its first rise is worth a look. */
const ANY = 'any: ';

/** The alerts of a contract that watch a metric. */
export const alertsOf = (metric: string, alerts: Alerts): string[] =>
  Object.entries(alerts).flatMap(([name, { expr }]) =>
    new RegExp(String.raw`\b${metric}\b`).test(expr) ? [name] : [],
  );

/**
 * Alerts made of what metrics say is bad: of counters of which any rise is, and which no other alert reads.
 * @param sidecar its name, with which those of its alerts begin
 * @param declared by hand
 * @throws {Error} for a name that another alert has
 */
export function alertsOfBad(sidecar: string, metrics: MetricDeclarations, declared: Alerts): Alerts {
  const words = sidecar.split('-');
  const made: Record<string, Alert> = {};
  for (const [metric, { type, help, bad = '', labels = [] }] of Object.entries(metrics)) {
    if (type !== 'counter' || !bad.startsWith(ANY) || alertsOf(metric, declared).length > 0) continue;
    const which = labels.map((label) => `${label} {{ $labels.${label} }}`).join(', ');
    const own = metric.replace(/_total$/, '').split('_');
    const begin = own.findIndex((word) => !words.includes(word));
    const name = pascal([...words, ...own.slice(begin)].join('-'));
    if (name in declared || name in commonAlerts(sidecar)) throw new Error(`there is an alert ${name} already`);
    made[name] = {
      expr: `increase(${metric}[15m]) > 0`,
      for: '0m',
      severity: 'warning',
      summary: `A rise of ${metric}${which === '' ? '' : ` (${which})`}: ${bad.slice(ANY.length)}.`,
      runbook: `It counts: ${help}. The admin port's page (/) has the last problems with their causes, and the log has them all.`,
    };
  }
  return made;
}
