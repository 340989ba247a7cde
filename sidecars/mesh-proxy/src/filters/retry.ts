/**
 * The retries of one request: the route's rules within the cluster's budget. The budget bounds what is added to a service
 * that fails: a try that reached nobody has added nothing, and another endpoint gets it without the budget.
 */
import type { FailedTry, RetryPolicy } from '#proxy/upstream/retry.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { RequestState } from '../stream-info/request-state.ts';
import { lost, MAX_RETRIED_BODY, untouched, type RetryRules } from '../policy/retry-rules.ts';

/** Other endpoints that are tried for a request, or a connection, about which nothing was done: Istio's default. */
export const ELSEWHERE = 2;

/** The same for one whose connection was lost: it may be the request that ends an application. */
const ONCE = 1;

export class MeshRetry implements RetryPolicy {
  readonly perTryTimeout: number;
  readonly maxBody = MAX_RETRIED_BODY;
  readonly #rules: RetryRules;
  readonly #cluster: MeshCluster;
  readonly #record: RequestState;

  constructor(rules: RetryRules, cluster: MeshCluster, record: RequestState) {
    this.perTryTimeout = rules.perTryTimeout;
    this.#rules = rules;
    this.#cluster = cluster;
    this.#record = record;
  }

  again(failed: FailedTry): number | undefined {
    const rules = this.#rules;
    const record = this.#record;
    const asked = rules.applies(failed);
    // Whether the same endpoint is asked again is the route's to say; another one costs nobody anything.
    const most = untouched(failed) ? ELSEWHERE : lost(failed, record.method) ? ONCE : 0;
    const elsewhere = most > 0 && failed.tries < this.#cluster.serving;
    if (!asked && !elsewhere) return undefined;
    if (record.retries >= Math.max(asked ? rules.attempts : 0, elsewhere ? most : 0)) {
      record.flag('URX');
      return undefined;
    }
    if (!elsewhere && !record.retrying) {
      if (!this.#cluster.limits.retries.begin(this.#cluster.limits.requests)) {
        record.flag('UO');
        record.retriesDenied = true;
        return undefined;
      }
      record.retrying = true;
    }
    record.retries++;
    return rules.backoff(record.retries);
  }
}
