/** Envoy's local rate limit: a bucket that is filled with tokens at each interval, up to its size. */
import type { RateLimit } from '#mesh/model/policy.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';

export class TokenBucket {
  readonly #max: number;
  readonly #fill: number;
  readonly #interval: number;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;

  /**
   * @param now a monotonic clock in milliseconds
   * @throws {ConfigurationRefused} for a bucket that holds or gets nothing
   */
  constructor({ maxTokens, tokensPerFill = 1, fillInterval }: RateLimit, where: string, now = () => performance.now()) {
    if (!(maxTokens > 0 && tokensPerFill > 0 && fillInterval > 0))
      throw new ConfigurationRefused(`${where}: maxTokens, tokensPerFill and fillInterval are above 0`);
    this.#max = maxTokens;
    this.#fill = tokensPerFill;
    this.#interval = fillInterval;
    this.#now = now;
    this.#tokens = maxTokens;
    this.#filledAt = now();
  }

  /** Take a token. @returns false when there is none */
  take(): boolean {
    const fills = Math.floor((this.#now() - this.#filledAt) / this.#interval);
    if (fills > 0) {
      this.#tokens = Math.min(this.#max, this.#tokens + fills * this.#fill);
      this.#filledAt += fills * this.#interval;
    }
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
