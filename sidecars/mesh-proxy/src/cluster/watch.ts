/**
 * Whether the machine of an endpoint is there at all. What is sent to one that is gone without a word (its network was
 * taken away, its power) is sent again by the kernel for many minutes, and who waits for an answer waits as long. So an
 * endpoint that ends nothing is looked at: whether anybody at its address answers.
 */
import type { Sweeper, Swept } from '#proxy/loop/sweeper.ts';

/** Between two looks, in milliseconds: each time that the sweeper comes by, which is once a second. */
const EVERY = 500;
/** The same for one that was there at the last look. */
const AFTER_ANSWER = 2000;
/** And for one of which nothing is known yet: an address that never answers says nothing. */
const AFTER_SILENCE = 30_000;
/** A look that is later than this was kept by this process, which has not read what came meanwhile. */
const LATE = 1000;

export interface WatchOptions {
  readonly sweeper: Sweeper;
  /** Whether anybody at the address answers; never throws. */
  readonly isThere: () => Promise<boolean>;
  /** Requests and connections under way. */
  readonly active: () => number;
  /** It was there, and is not any more. */
  readonly onGone: () => void;
}

export class Watch implements Swept {
  /** It was there, and is not any more. */
  gone = false;
  readonly #options: WatchOptions;
  /** It has answered before: only then its silence means something. */
  #known = false;
  #running = false;
  #looking = false;
  /** What has ended at the endpoint, and how much of it was seen at the last look. */
  #ends = 0;
  #seen = -1;
  #due = 0;
  /** One of which nothing is known is not looked at before, on the sweeper's clock. */
  #notBefore = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Something ended: it is there. */
  ended(): void {
    this.#ends++;
  }

  /** The endpoint is used: watch until it is not. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    const { sweeper } = this.#options;
    this.#due = sweeper.after(EVERY);
    sweeper.add(this);
    // At once: one that goes away after its first requests was there.
    if (!this.#known && !this.#looking && sweeper.now >= this.#notBefore) void this.#look();
  }

  stop(): void {
    this.#running = false;
    this.#options.sweeper.remove(this);
  }

  /** Look at the next opportunity, where something is under way. */
  check(): void {
    if (this.#options.active() === 0) return;
    this.start();
    this.#due = 0;
    this.#seen = this.#ends;
  }

  sweep(now: number): void {
    if (now < this.#due || this.#looking) return;
    const late = now - this.#due > LATE && this.#due > 0;
    this.#due = now + EVERY;
    const quiet = this.#seen === this.#ends;
    this.#seen = this.#ends;
    if (!this.gone && this.#options.active() === 0) this.stop();
    else if (!late && (quiet || !this.#known)) void this.#look();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const { isThere, sweeper, onGone } = this.#options;
    const there = await isThere();
    this.#looking = false;
    this.#due = sweeper.now + (there ? AFTER_ANSWER : this.#known ? EVERY : AFTER_SILENCE);
    if (there) this.#known = true;
    else if (!this.#known) this.#notBefore = this.#due;
    const wasGone = this.gone;
    this.gone = !there && this.#known;
    if (this.gone && !wasGone) onGone();
  }

  onInternalError(): void {
    this.stop();
  }
}
