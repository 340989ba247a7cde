/**
 * Times of the wall clock. Timers of Node count the monotonic clock, which stands still while the machine sleeps: one of
 * two hours that was set before a night fires two hours after the morning. What must happen at a time, such as the
 * renewal of a certificate, compares with the wall clock again and again.
 */

export interface WallClock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Between two comparisons at most, in milliseconds: so late may the action be after the machine has slept. */
  readonly every: number;
}

const SYSTEM: WallClock = { now: () => Date.now(), every: 30_000 };

/** One action at one time of the wall clock. It does not keep the process running. */
export class WallTimer {
  readonly #clock: WallClock;
  #from = -Infinity;
  #at = Infinity;
  #action: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param clock a test's seam */
  constructor(clock: WallClock = SYSTEM) {
    this.#clock = clock;
  }

  /**
   * Call an action once, in place of a former one that was not called yet.
   * @param at milliseconds since the epoch
   * @param from the same: it is due before this, too, when the clock was set back. A certificate is not valid then.
   */
  set(at: number, action: () => void, from = -Infinity): void {
    this.#from = from;
    this.#at = at;
    this.#action = action;
    this.#wait();
  }

  /** Compare now: for who has a sign that the time is over. */
  look(): void {
    const action = this.#action;
    const now = this.#clock.now();
    if (action === undefined || (now >= this.#from && now < this.#at)) return;
    this.clear();
    action();
  }

  clear(): void {
    this.#action = undefined;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const { now, every } = this.#clock;
    const wait = Math.min(every, Math.max(0, this.#at - now()));
    this.#timer = setTimeout(() => {
      this.look();
      if (this.#action !== undefined) this.#wait();
    }, wait).unref();
  }
}

/**
 * Call an action again and again, whenever this much time has passed on the wall clock, the machine's sleep included. A
 * clock that was set back by as much is due, too: its time says nothing of what has passed. It does not keep the process
 * running.
 * @param interval milliseconds
 * @param clock a test's seam
 * @returns stops it
 */
export function everyInterval(interval: number, action: () => void, clock: WallClock = SYSTEM): () => void {
  let last = clock.now();
  const look = (): void => {
    if (Math.abs(clock.now() - last) < interval) return;
    last = clock.now();
    action();
  };
  const timer = setInterval(look, Math.min(clock.every, interval)).unref();
  return () => clearInterval(timer);
}
