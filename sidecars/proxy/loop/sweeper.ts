/**
 * One timer for all deadlines. A timer for each connection or request would cost more than the
 * requests do; a sweep over all members costs next to nothing and is late by one period at most.
 */

/** Something with deadlines. */
export interface Swept {
  /** Look at one's deadlines; `now` is the sweeper's clock. */
  sweep(now: number): void;
  /** `sweep` threw. */
  onInternalError(error: unknown): void;
}

export class Sweeper {
  /** A coarse monotonic clock in milliseconds; behind the true one by less than `period`. */
  now = performance.now();
  readonly #period: number;
  readonly #members = new Set<Swept>();
  #timer: NodeJS.Timeout | undefined;

  /** @param shortest the shortest time that anyone waits for, in milliseconds */
  constructor(shortest: number) {
    this.#period = Math.max(20, Math.min(1000, shortest / 4));
  }

  /** The clock's value after a time has passed for certain. */
  after(milliseconds: number): number {
    // Without members there is no timer either, and the clock stands still.
    if (this.#timer === undefined) this.now = performance.now();
    return this.now + milliseconds + this.#period;
  }

  add(member: Swept): void {
    this.#members.add(member);
    if (this.#timer !== undefined) return;
    this.now = performance.now();
    this.#timer = setInterval(() => this.sweepAll(), this.#period);
    this.#timer.unref();
  }

  /** An idle sidecar sleeps: without members there is no timer. */
  remove(member: Swept): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Let all members look at the time. */
  sweepAll(): void {
    this.now = performance.now();
    for (const member of this.#members) {
      try {
        member.sweep(this.now);
      } catch (error) {
        member.onInternalError(error);
      }
    }
  }
}
