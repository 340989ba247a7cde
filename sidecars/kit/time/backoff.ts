/** Waiting longer after each failure, and never in step with others. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface BackoffOptions {
  /** The first delay's upper bound, in milliseconds. */
  readonly initial: number;
  /** No delay is longer, in milliseconds. */
  readonly max: number;
  /** How much longer each delay is than the one before. */
  readonly factor?: number;
  /** Uniform in [0, 1); a test's seam. */
  readonly random?: () => number;
}

/**
 * Exponential backoff with "equal jitter": half of each delay is certain, so that nobody hammers, and
 * half is drawn, so that many clients of one server that came back do not come back together.
 */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #attempts = 0;

  constructor({ initial, max, factor = 2, random = Math.random }: BackoffOptions) {
    this.#options = { initial, max, factor, random };
  }

  /** Failures in a row so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Count a failure; how long to wait now, in milliseconds. */
  next(): number {
    const { initial, max, factor, random } = this.#options;
    const bound = Math.min(max, initial * factor ** this.#attempts);
    this.#attempts += 1;
    return bound / 2 + (random() * bound) / 2;
  }

  /** It worked: the next failure begins anew. */
  reset(): void {
    this.#attempts = 0;
  }
}

/**
 * Wait.
 * @param ms milliseconds
 * @param signal ends the wait
 * @throws the signal's reason when it is aborted
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal && { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
