/** Token buckets of a configuration: those of limits that the former one had, too, go on with the tokens they have. */
import type { RateLimit } from '#mesh/model/policy.ts';
import { TokenBucket } from '../policy/token-bucket.ts';

export class RateLimits {
  readonly #former: ReadonlyMap<string, TokenBucket>;
  readonly #buckets = new Map<string, TokenBucket>();
  /** How many are called the same so far: each has its own bucket. */
  readonly #namesakes = new Map<string, number>();

  /** @param former of the configuration in use */
  constructor(former?: RateLimits) {
    this.#former = former ? former.#buckets : new Map();
  }

  /**
   * @param owner what is limited, by names that it keeps while others come and go
   * @param where its place in this configuration
   * @throws {ConfigurationRefused}
   */
  bucket(limit: RateLimit, owner: readonly unknown[], where: string): TokenBucket {
    const { maxTokens, tokensPerFill, fillInterval } = limit;
    const name = JSON.stringify([owner, maxTokens, tokensPerFill ?? 1, fillInterval]);
    const namesake = this.#namesakes.get(name) ?? 0;
    this.#namesakes.set(name, namesake + 1);
    const key = `${name} ${namesake}`;
    const bucket = this.#former.get(key) ?? new TokenBucket(limit, where);
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
