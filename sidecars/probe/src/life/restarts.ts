/**
 * How often a target may be restarted: at once the first time, then after a back-off that doubles and
 * begins anew when the target has been healthy for a while, as a kubelet does it; and never more often
 * than a budget allows within a sliding window.
 */
import type { Backoff } from '#kit/time/backoff.ts';

export type Verdict =
  | { readonly allowed: true }
  /** `wait`: milliseconds until it would be allowed. */
  | { readonly allowed: false; readonly reason: 'backoff' | 'budget'; readonly wait: number };

export interface RestartOptions {
  readonly backoff: Pick<Backoff, 'next' | 'reset'>;
  /** Milliseconds of health after which the back-off begins anew. */
  readonly resetAfter: number;
  readonly budget: number;
  /** Milliseconds. */
  readonly window: number;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
}

export class Restarts {
  readonly #options: Required<RestartOptions>;
  #past: number[] = [];
  #notBefore = -Infinity;
  #healthySince: number | undefined;

  constructor({ now = () => performance.now(), ...options }: RestartOptions) {
    this.#options = { now, ...options };
  }

  /** What the budget still allows. */
  get left(): number {
    return Math.max(0, this.#options.budget - this.#recent().length);
  }

  /** May it be restarted now? */
  ask(): Verdict {
    const { now, window } = this.#options;
    const recent = this.#recent();
    // With a budget of none at all there is nothing to wait for but a new configuration.
    if (this.left === 0)
      return {
        allowed: false,
        reason: 'budget',
        wait: recent[0] === undefined ? Infinity : recent[0] + window - now(),
      };
    const wait = this.#notBefore - now();
    return wait > 0 ? { allowed: false, reason: 'backoff', wait } : { allowed: true };
  }

  /** It was told to stop. */
  restarted(): void {
    const { now, backoff } = this.#options;
    this.#past = [...this.#recent(), now()];
    this.#notBefore = now() + backoff.next();
    this.#healthySince = undefined;
  }

  /** A probe succeeded. */
  healthy(): void {
    const { now, backoff, resetAfter } = this.#options;
    this.#healthySince ??= now();
    if (now() - this.#healthySince < resetAfter) return;
    backoff.reset();
    this.#notBefore = -Infinity;
  }

  /** A probe failed, or the target went away. */
  unhealthy(): void {
    this.#healthySince = undefined;
  }

  #recent(): number[] {
    const { now, window } = this.#options;
    return this.#past.filter((at) => now() - at < window);
  }
}
