/**
 * The time of the wall clock in fractions of a millisecond, which Date.now() has not. The monotonic clock alone is not
 * enough: it stands still while the machine sleeps, and knows nothing of a clock that is set.
 */

export interface Clocks {
  /** The wall clock: whole milliseconds since the epoch. */
  readonly wall: () => number;
  /** The monotonic clock: milliseconds with fractions since any moment. */
  readonly monotonic: () => number;
}

export class EpochClock {
  readonly #clocks: Clocks;
  /** Of the epoch from the monotonic clock's zero. */
  #offset: number;

  /** @param offset milliseconds from the epoch to the monotonic clock's zero, as far as it is known */
  constructor(clocks: Clocks, offset: number) {
    this.#clocks = clocks;
    this.#offset = offset;
  }

  /** Milliseconds since the epoch, with fractions: within the millisecond that the wall clock shows. */
  now(): number {
    const monotonic = this.#clocks.monotonic();
    const wall = this.#clocks.wall();
    const time = this.#offset + monotonic;
    if (time >= wall && time < wall + 1) return time;
    const right = time < wall ? wall : wall + 0.999;
    this.#offset = right - monotonic;
    return right;
  }
}

const clock = new EpochClock({ wall: () => Date.now(), monotonic: () => performance.now() }, performance.timeOrigin);

/** Milliseconds since the epoch, with fractions. */
export const epochNow = (): number => clock.now();
