/** A token bucket: so much at once, and so much a second after that. */
export class RateLimit {
  readonly #burst: number;
  readonly #perMillisecond: number;
  #tokens: number;
  #at = 0;

  constructor(burst: number, perSecond: number) {
    this.#burst = this.#tokens = burst;
    this.#perMillisecond = perSecond / 1000;
  }

  /**
   * Take tokens.
   * @param now a clock in milliseconds; looked at first, and when the bucket is empty
   * @returns false when there are not enough
   */
  take(tokens: number, now: () => number): boolean {
    if (this.#at === 0) this.#at = now();
    this.#tokens -= tokens;
    if (this.#tokens >= 0) return true;
    const time = now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (time - this.#at) * this.#perMillisecond);
    this.#at = time;
    return this.#tokens >= 0;
  }

  /** Put tokens back: something useful was done. */
  give(tokens: number): void {
    if (this.#tokens < this.#burst) this.#tokens += tokens;
  }
}
