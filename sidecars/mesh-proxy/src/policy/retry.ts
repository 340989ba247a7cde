/** The retries of one request: the route's rules within the cluster's budget. */
import type { FailedTry, RetryPolicy } from '#proxy/upstream/retry.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { Record } from '../filters/record.ts';
import { MAX_RETRIED_BODY, type RetryRules } from './retry-rules.ts';

export class MeshRetry implements RetryPolicy {
  readonly perTryTimeout: number;
  readonly maxBody = MAX_RETRIED_BODY;
  readonly #rules: RetryRules;
  readonly #cluster: MeshCluster;
  readonly #record: Record;

  constructor(rules: RetryRules, cluster: MeshCluster, record: Record) {
    this.perTryTimeout = rules.perTryTimeout;
    this.#rules = rules;
    this.#cluster = cluster;
    this.#record = record;
  }

  again(failed: FailedTry): number | undefined {
    const rules = this.#rules;
    if (!rules.applies(failed)) return undefined;
    const record = this.#record;
    if (record.retries >= rules.attempts) {
      record.flag('URX');
      return undefined;
    }
    if (!record.retrying) {
      if (!this.#cluster.limits.beginRetry()) {
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
