/** What one target's probes add up to. Knows nothing of clocks, processes or probes. */
import type { ProbeResult } from '#kit/probes.ts';

/** A container as it is seen just now. */
export interface Sight {
  /** Differs for each life of the container. */
  readonly life: string;
  /** Milliseconds since it started. */
  readonly age: number;
}

/**
 * `away` there is no such container · `starting` its initial delay is not over · `unknown` not probed
 * since it came · `healthy` · `failing` fewer failures in a row than the threshold · `dead` enough.
 */
export type State = 'away' | 'starting' | 'unknown' | 'healthy' | 'failing' | 'dead';

export class Liveness {
  readonly #initialDelay: number;
  readonly #threshold: number;
  #life: string | undefined;
  #state: State = 'away';
  #failures = 0;
  #reason: string | undefined;

  constructor({ initialDelay, failureThreshold }: { initialDelay: number; failureThreshold: number }) {
    this.#initialDelay = initialDelay;
    this.#threshold = failureThreshold;
  }

  get state(): State {
    return this.#state;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Why the last probe failed; undefined after a success. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /**
   * The container was looked for. One that is new starts without a past.
   * @param sight undefined when it is not there
   * @returns milliseconds until it may be probed, undefined while it may not at all
   */
  see(sight: Sight | undefined): number | undefined {
    if (sight?.life !== this.#life) this.#begin(sight?.life);
    if (sight === undefined) return undefined;
    const wait = Math.max(0, this.#initialDelay - sight.age);
    if (wait > 0) this.#state = 'starting';
    else if (this.#state === 'starting') this.#state = 'unknown';
    return wait;
  }

  /**
   * A probe of that container ended.
   * @param life the one that was probed: what became of an earlier one says nothing about this one
   */
  record(life: string, result: ProbeResult): State {
    if (life !== this.#life) return this.#state;
    if (result.ok) {
      this.#failures = 0;
      this.#reason = undefined;
      this.#state = 'healthy';
    } else {
      this.#failures += 1;
      this.#reason = result.reason;
      this.#state = this.#failures >= this.#threshold ? 'dead' : 'failing';
    }
    return this.#state;
  }

  #begin(life: string | undefined): void {
    this.#life = life;
    this.#state = life === undefined ? 'away' : 'unknown';
    this.#failures = 0;
    this.#reason = undefined;
  }
}
