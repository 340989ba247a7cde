/**
 * Linkerd's peak EWMA: an average of latencies that rises at once and falls in time, so that one slow answer counts
 * (tower's balance::load::PeakEwma, and Finagle's before it;
 * https://linkerd.io/2016/03/16/beyond-round-robin-load-balancing-for-latency/).
 */

/** What is supposed of an endpoint that was asked and has not answered yet, in milliseconds. */
const SEED = 30;
/** After this, in milliseconds, an observation counts 1/e of what it did. */
const DECAY = 10_000;
/** What is under way must count even where all answers take no time. */
const LEAST = 0.001;

export class PeakEwma {
  #cost = 0;
  #at = 0;
  #observed = false;

  /** @param latency in milliseconds @param now a monotonic clock in milliseconds */
  observe(latency: number, now: number): void {
    const kept = Math.exp(-Math.max(0, now - this.#at) / DECAY);
    this.#cost = !this.#observed || latency > this.#cost ? latency : this.#cost * kept + latency * (1 - kept);
    this.#observed = true;
    this.#at = now;
  }

  /**
   * What another request would wait, in milliseconds: without observations it falls, so that who was slow once is
   * asked again. Who was never asked is asked first, and only once until it has answered.
   * @param active requests under way
   */
  load(active: number, now: number): number {
    if (!this.#observed) return active === 0 ? 0 : SEED * (active + 1);
    const cost = this.#cost * Math.exp(-Math.max(0, now - this.#at) / DECAY);
    return Math.max(cost, LEAST) * (active + 1);
  }
}
