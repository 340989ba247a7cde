/**
 * Readiness: able to do the job *now*. Each check keeps the time of its last verified success, so
 * that a watcher that died in silence turns unready by age alone.
 */

/** One condition of readiness. */
export interface ReadinessCheck {
  /** It was verified just now. */
  pass(): void;
  /** It does not hold, and why. */
  fail(reason: string): void;
}

export interface CheckReport {
  readonly ready: boolean;
  /** Seconds since the last verified success; null before the first. */
  readonly age_seconds: number | null;
  readonly reason?: string;
}

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, CheckReport>>;
}

export class Readiness {
  readonly #checks = new Map<string, { maxAge: number; last: number | undefined; reason: string | undefined }>();
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
    const state = { maxAge, last: undefined as number | undefined, reason: 'not verified yet' as string | undefined };
    this.#checks.set(name, state);
    return {
      pass: () => {
        state.last = this.#now();
        state.reason = undefined;
      },
      fail: (reason) => {
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

  #reportOf({
    maxAge,
    last,
    reason,
  }: {
    maxAge: number;
    last: number | undefined;
    reason: string | undefined;
  }): CheckReport {
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
    };
  }
}
