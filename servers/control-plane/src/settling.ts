/** When changes go out: soon, together, and the less often the more the last time cost. */

export interface SettlingOptions {
  /** @returns why that failed, and does not throw */
  readonly publish: () => Error | undefined;
  /** Milliseconds; a test's seam. */
  readonly now?: () => number;
}

/** Changes within this time, in milliseconds, go out together. */
const LEAST = 20;
/** However much a publication costs, the next waits no longer. */
const MOST = 1000;
/** After a publication, this multiple of its time is for other work: answers, registrations, certificates. */
const REST = 3;

export class Settling {
  readonly #publish: SettlingOptions['publish'];
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #free = 0;

  constructor({ publish, now = () => performance.now() }: SettlingOptions) {
    this.#publish = publish;
    this.#now = now;
  }

  /** Something is other than it was. @returns in how many milliseconds it goes out; undefined when that was set before */
  changed(): number | undefined {
    if (this.#timer !== undefined) return undefined;
    const wait = Math.min(MOST, Math.max(LEAST, this.#free - this.#now()));
    this.#timer = setTimeout(() => this.flush(), wait);
    return wait;
  }

  /** All that is known goes out now. @returns why that failed; undefined where it did not */
  flush(): Error | undefined {
    this.close();
    const began = this.#now();
    const rest = (): void => {
      const ended = this.#now();
      this.#free = ended + REST * (ended - began);
    };
    const failure = this.#publish();
    rest();
    // What is written leaves the process in the rounds of the loop that follow.
    setImmediate(() => setImmediate(rest));
    return failure;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
