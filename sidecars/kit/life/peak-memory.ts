/** When to give memory back: when most of a peak are gone. */
import { giveMemoryBack } from './memory.ts';

/** Fewer than this many are not worth the pause of a collection. */
const WORTHWHILE = 500;
/** How long after the fall it is given back, in milliseconds: what falls may fall further. */
const QUIET = 1000;

/** Follows how many things are open, and gives memory back when most of a peak are gone. */
export class PeakMemory {
  readonly #giveBack: () => void;
  #peak = 0;
  #open = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param giveBack a test's seam */
  constructor(giveBack: () => void = giveMemoryBack) {
    this.#giveBack = giveBack;
  }

  /** @param open how many are open now */
  update(open: number): void {
    this.#open = open;
    if (open > this.#peak) this.#peak = open;
    // Each time at least half are gone: a long fall takes a few looks only.
    else if (this.#timer === undefined && open * 2 <= this.#peak && this.#peak - open >= WORTHWHILE)
      this.#timer = setTimeout(() => this.#fell(), QUIET).unref();
  }

  #fell(): void {
    this.#timer = undefined;
    if (this.#open * 2 > this.#peak) return;
    this.#peak = this.#open;
    this.#giveBack();
  }
}
