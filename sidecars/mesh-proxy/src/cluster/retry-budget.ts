/** How many of a cluster's requests may be retries at one time (Envoy's retry budget). */
import type { Cluster } from '#mesh/model/cluster.ts';

type Settings = NonNullable<Cluster['retryBudget']>;

/** Envoy's defaults (config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget). */
const DEFAULTS: Settings = { percent: 20, minimum: 3 };

export class RetryBudget {
  #underWay = 0;
  #max: number | undefined;
  #settings: Settings;

  /** @param max a fixed number of retries, which takes the place of the budget */
  constructor(max: number | undefined, settings: Cluster['retryBudget']) {
    this.#max = max;
    this.#settings = settings ?? DEFAULTS;
  }

  update(max: number | undefined, settings: Cluster['retryBudget']): void {
    this.#max = max;
    this.#settings = settings ?? DEFAULTS;
  }

  /** Retries that are under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Begin one more retry.
   * @param requests the cluster's requests that are under way
   * @returns false when there are too many; otherwise call `end` once
   */
  begin(requests: number): boolean {
    const { minimum, percent } = this.#settings;
    if (this.#underWay >= (this.#max ?? Math.max(minimum, Math.floor((requests * percent) / 100)))) return false;
    this.#underWay++;
    return true;
  }

  end(): void {
    this.#underWay--;
  }
}
