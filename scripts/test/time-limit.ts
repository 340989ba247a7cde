/**
 * The time that a whole run has. CI ends a job at a limit of its own, after which there
 * is no log to read: a run that hangs has to end before that, and to say what it hung at.
 */

export interface TimeLimitOptions {
  /** Milliseconds until work is told to end. */
  readonly ms: number;
  /** Milliseconds that it has for ending. */
  readonly graceMs: number;
  /** Called once when the time is over, with what is under way, the oldest first. */
  readonly onOver: (underWay: readonly string[]) => void;
  /** Called when the grace is over as well: end the process. */
  readonly onStuck: (underWay: readonly string[]) => void;
}

/** Knows what is under way, and aborts its signal when the time is over. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #underWay = new Map<object, { name: string; since: number }>();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor({ ms, graceMs, onOver, onStuck }: TimeLimitOptions) {
    const stuck = (): void => onStuck(this.underWay());
    const over = (): void => {
      onOver(this.underWay());
      this.#timers.push(setTimeout(stuck, graceMs));
      this.#controller.abort();
    };
    this.#timers.push(setTimeout(over, ms));
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What is under way and for how long, the oldest first. */
  underWay(): string[] {
    const now = performance.now();
    return [...this.#underWay.values()].map(
      ({ name, since }) => `${name} (for ${((now - since) / 1000).toFixed(0)} s)`,
    );
  }

  /**
   * Do something by its name.
   * @param name what it is, for people
   * @param work the work; what it resolves to and throws is passed on
   */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const key = {};
    this.#underWay.set(key, { name, since: performance.now() });
    try {
      return await work();
    } finally {
      this.#underWay.delete(key);
    }
  }

  /** Everything is done: no timer holds the process any more. */
  done(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
