/** A rate for each client: a token bucket with as many tokens as the rate allows in its period. */

/** Most clients that are remembered; beyond it those that have waited longest are forgotten. */
const MAX_CLIENTS = 50_000;
const PERIODS: Readonly<Record<string, number>> = { s: 1000, min: 60_000, h: 3_600_000 };

interface Bucket {
  tokens: number;
  at: number;
}

export class RateLimit {
  readonly #burst: number;
  /** Milliseconds for one token. */
  readonly #every: number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  /** @param rate such as 10/min @param now a monotonic clock in milliseconds */
  constructor(rate: string, now: () => number = () => performance.now()) {
    const [count = '', period = ''] = rate.split('/');
    this.#burst = Number(count);
    this.#every = PERIODS[period]! / this.#burst;
    this.#now = now;
  }

  /** Use one attempt. @returns 0, or milliseconds to wait for the next */
  take(client: string): number {
    const wait = this.wait(client);
    if (wait > 0) return wait;
    this.#buckets.get(client)!.tokens -= 1;
    return 0;
  }

  /** Milliseconds until an attempt is allowed; none is used. */
  wait(client: string): number {
    const now = this.#now();
    const bucket = this.#buckets.get(client) ?? { tokens: this.#burst, at: now };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) / this.#every);
    bucket.at = now;
    // Last in the map: the first is the client that has been quiet longest.
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size > MAX_CLIENTS) this.#buckets.delete(this.#buckets.keys().next().value!);
    return bucket.tokens >= 1 ? 0 : (1 - bucket.tokens) * this.#every;
  }
}
