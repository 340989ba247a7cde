/**
 * One timer for all deadlines. A timer for each connection or request would cost more than the
 * requests do; a sweep over all members costs next to nothing and is late by one period at most.
 */

/**
 * Time in which this process did not run (its machine was busy, or it was stopped) counts as this much at most, in
 * milliseconds: peers were not slow then, their bytes were not read.
 */
const LONGEST_TURN = 1000;

/** Something with deadlines. */
export interface Swept {
  /** Look at one's deadlines; `now` is the sweeper's clock. */
  sweep(now: number): void;
  /** `sweep` threw. */
  onInternalError(error: unknown): void;
}

export class Sweeper {
  /** A coarse monotonic clock in milliseconds of the time in which this process ran; behind it by less than `period`. */
  now = performance.now();
  readonly #period: number;
  readonly #members = new Set<Swept>();
  #timer: NodeJS.Timeout | undefined;
  /** When the clock was set, on the true one. */
  #setAt = this.now;

  /** @param shortest the shortest time that anyone waits for, in milliseconds */
  constructor(shortest: number) {
    this.#period = Math.max(20, Math.min(1000, shortest / 4));
  }

  /** The clock's value after a time has passed for certain. */
  after(milliseconds: number): number {
    // Without members there is no timer either, and the clock stands still.
    if (this.#timer === undefined) this.#setClock(Infinity);
    return this.now + milliseconds + this.#period;
  }

  add(member: Swept): void {
    this.#members.add(member);
    if (this.#timer !== undefined) return;
    this.#setClock(Infinity);
    // Timers come before reading in a turn of the loop: what has come meanwhile is read first.
    this.#timer = setInterval(() => {
      this.#setClock(LONGEST_TURN);
      setImmediate(() => this.sweepAll());
    }, this.#period);
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
    for (const member of this.#members) {
      try {
        member.sweep(this.now);
      } catch (error) {
        member.onInternalError(error);
      }
    }
  }

  /** @param most that has passed, in milliseconds */
  #setClock(most: number): void {
    const time = performance.now();
    this.now += Math.min(most, time - this.#setAt);
    this.#setAt = time;
  }
}
