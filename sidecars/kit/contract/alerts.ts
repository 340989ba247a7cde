/** What should be looked at by a person: rules for Prometheus, declared beside the metrics that they read. */

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
