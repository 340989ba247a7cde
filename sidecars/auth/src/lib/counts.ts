/** What the sidecar counts: plain numbers while traffic flows, metrics when somebody asks. */
import type { Counter } from '#kit/telemetry/series.ts';

/** A counter whose labels are joined in one key, since a labelled counter costs more than a session's check. */
export class Count {
  readonly #counts = new Map<string, number>();

  /** @param metric the counter that shows it @param labels names of its labels, in the key's order */
  constructor(metric: Counter, labels: readonly string[]) {
    metric.collect = () => {
      for (const [key, count] of this.#counts) {
        const values = key.split(' ');
        metric.inc(Object.fromEntries(labels.map((label, index) => [label, values[index]!])), count);
      }
      this.#counts.clear();
    };
  }

  /** @param key the labels' values with a blank between them */
  add(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}

export interface Counts {
  readonly requests: Count;
  readonly logins: Count;
  readonly refreshes: Count;
  readonly logouts: Count;
  readonly jwksFetches: Count;
  readonly rejected: Count;
}

type CountedMetrics = Readonly<
  Record<
    | 'auth_requests_total'
    | 'auth_logins_total'
    | 'auth_refreshes_total'
    | 'auth_logouts_total'
    | 'auth_jwks_fetches_total'
    | 'auth_rejected_total',
    Counter
  >
>;

export function createCounts(metrics: CountedMetrics): Counts {
  return {
    requests: new Count(metrics.auth_requests_total, ['method', 'result']),
    logins: new Count(metrics.auth_logins_total, ['result']),
    refreshes: new Count(metrics.auth_refreshes_total, ['result']),
    logouts: new Count(metrics.auth_logouts_total, ['kind']),
    jwksFetches: new Count(metrics.auth_jwks_fetches_total, ['result']),
    rejected: new Count(metrics.auth_rejected_total, ['reason']),
  };
}
