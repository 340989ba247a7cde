/** What one target's probes add up to. Knows nothing of clocks, processes or probes. */
import type { ProbeResult } from '#kit/net/probes.ts';

/** A container as it is seen just now. */
export interface Sight {
  /** Differs for each life of the container. */
  readonly life: string;
  /** Milliseconds since it started. */
  readonly age: number;
}

/**
 * `away` there is no such container · `starting` its initial delay is not over, or its startup probe has
 * not succeeded yet · `unknown` not probed since it came · `healthy` · `failing` fewer failures in a row than the threshold · `dead` enough.
 */
export type State = 'away' | 'starting' | 'unknown' | 'healthy' | 'failing' | 'dead';

/** When to begin, and how many failures are enough. */
interface Patience {
  /** From the start of the container, in milliseconds. */
  readonly initialDelay: number;
  readonly failureThreshold: number;
}

export class Liveness {
  readonly #liveness: Patience;
  readonly #startup: Patience | undefined;
  #started = false;
  #life: string | undefined;
  #state: State = 'away';
  #failures = 0;
  #reason: string | undefined;

  constructor(liveness: Patience & { readonly startup?: Patience }) {
    this.#liveness = liveness;
    this.#startup = liveness.startup;
  }

  /** Whether it is the liveness probe's turn: there is no startup probe, or it has succeeded in this life. */
  get started(): boolean {
    return this.#started || this.#startup === undefined;
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
    const wait = Math.max(0, this.#patience.initialDelay - sight.age);
    if (!this.#started) {
      if (wait > 0) this.#state = 'starting';
      else if (this.#state === 'starting' && this.#failures === 0) this.#state = 'unknown';
    }
    return wait;
  }

  /**
   * A probe of that container ended.
   * @param life the one that was probed: what became of an earlier one says nothing about this one
   */
  record(life: string, result: ProbeResult): State {
    if (life !== this.#life) return this.#state;
    if (result.ok) {
      this.#started = true;
      this.#failures = 0;
      this.#reason = undefined;
      this.#state = 'healthy';
    } else {
      this.#failures += 1;
      this.#reason = result.reason;
      const early = this.started ? 'failing' : 'starting';
      this.#state = this.#failures >= this.#patience.failureThreshold ? 'dead' : early;
    }
    return this.#state;
  }

  get #patience(): Patience {
    return this.started ? this.#liveness : this.#startup!;
  }

  #begin(life: string | undefined): void {
    this.#life = life;
    this.#started = false;
    this.#state = life === undefined ? 'away' : 'unknown';
    this.#failures = 0;
    this.#reason = undefined;
  }
}
