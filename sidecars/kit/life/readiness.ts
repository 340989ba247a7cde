/**
 * Readiness: able to do the job *now*. Each check keeps the time of its last verified success, so
 * that a watcher that died in silence turns unready by age alone.
 */

/** One condition of readiness. */
export interface ReadinessCheck {
  /**
   * It was verified just now.
   * @param note what a reader of the report should know all the same
   */
  pass(note?: string): void;
  /** It does not hold, and why. */
  fail(reason: string): void;
}

export interface CheckReport {
  readonly ready: boolean;
  /** Seconds since the last verified success; null before the first. */
  readonly age_seconds: number | null;
  readonly reason?: string;
  readonly note?: string;
}

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, CheckReport>>;
}

/** A condition as a person wants to read it. */
export interface CheckState {
  readonly name: string;
  readonly ready: boolean;
  /** Why it is not, or what is worth knowing all the same; '' for nothing. */
  readonly text: string;
  /** How long it has been so, in milliseconds. */
  readonly age: number;
}

interface State {
  readonly maxAge: number;
  last: number | undefined;
  reason: string | undefined;
  note: string | undefined;
  /** When it last began to hold, or not to, by its owner's word. */
  since: number;
}

export class Readiness {
  readonly #checks = new Map<string, State>();
  readonly #now: () => number;
  #stopping = false;

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Declare a condition; it counts as unmet until it first passes.
   * @param name its key in the report
   * @param maxAge how long one success counts, in milliseconds; for ever when absent
   */
  check(name: string, maxAge = Infinity): ReadinessCheck {
    const state: State = { maxAge, last: undefined, reason: 'not verified yet', note: undefined, since: this.#now() };
    this.#checks.set(name, state);
    return {
      pass: (note) => {
        state.note = note;
        state.last = this.#now();
        if (state.reason !== undefined) state.since = state.last;
        state.reason = undefined;
      },
      fail: (reason) => {
        if (state.reason === undefined) state.since = this.#now();
        state.reason = reason;
      },
    };
  }

  /** From now on unready whatever the checks say: the sidecar is going away. */
  stop(): void {
    this.#stopping = true;
  }

  /** What `/readyz` answers. */
  report(): ReadinessReport {
    const checks = Object.fromEntries([...this.#checks].map(([name, state]) => [name, this.#reportOf(state)]));
    if (this.#stopping) checks['running'] = { ready: false, age_seconds: null, reason: 'shutting down' };
    return { ready: Object.values(checks).every((check) => check.ready), checks };
  }

  /** Each condition, and how long it has been as it is. */
  states(): readonly CheckState[] {
    const now = this.#now();
    return [...this.#checks].map(([name, state]) => {
      const { ready, reason, note } = this.#reportOf(state);
      const grown = !ready && state.reason === undefined;
      const since = grown ? (state.last ?? now) + state.maxAge : state.since;
      return { name, ready, text: reason ?? note ?? '', age: Math.max(0, now - since) };
    });
  }

  #reportOf({ maxAge, last, reason, note }: State): CheckReport {
    const age = last === undefined ? null : (this.#now() - last) / 1000;
    const stale =
      age !== null && age * 1000 > maxAge
        ? `last verified ${age.toFixed(1)} s ago, more than ${maxAge / 1000} s`
        : undefined;
    const why = reason ?? stale;
    return {
      ready: why === undefined,
      age_seconds: age === null ? null : Math.round(age * 1000) / 1000,
      ...(why !== undefined && { reason: why }),
      ...(note !== undefined && { note }),
    };
  }
}
