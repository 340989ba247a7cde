/** Reports the result of each sync: metrics, readiness, the error file and the log. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { ReadinessCheck } from '#kit/life/readiness.ts';
import type { contract } from './contract.ts';
import type { ErrorFile } from './error-file.ts';
import { asSyncError, SyncError } from './repository/failure.ts';
import type { Outcome } from './syncer.ts';
import type { Publisher } from './versions/publisher.ts';
import type { StateFile } from './versions/state.ts';

export interface OutcomesParts {
  readonly metrics: Metrics<typeof contract.metrics>;
  readonly check: ReadinessCheck;
  readonly errors: ErrorFile;
  readonly state: StateFile;
  readonly publisher: Publisher;
  readonly log: Pick<Logger, 'error' | 'debug'>;
  readonly redact: (text: string) => string;
}

export class Outcomes {
  readonly #parts: OutcomesParts;
  #failures = 0;

  constructor(parts: OutcomesParts) {
    this.#parts = parts;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** The ref was seen, and its commit is live or refused. */
  async succeeded(outcome: Outcome, ms: number): Promise<void> {
    const { check, errors, state, metrics } = this.#parts;
    this.#failures = 0;
    const { refused } = state.get();
    if (refused) await errors.report(new SyncError(refused.by, refused.reason), 0);
    else errors.clear();
    check.pass(refused && `${refused.hash} is refused by the ${refused.by}: ${refused.reason}`);
    metrics.git_sync_last_success_timestamp_seconds.set(Date.now() / 1000);
    this.#count(outcome, ms);
  }

  /** @returns the failure, for what follows from its reason */
  async failed(thrown: unknown, ms: number): Promise<SyncError> {
    const { check, errors, log, redact } = this.#parts;
    const error = asSyncError(thrown, redact);
    this.#failures += 1;
    check.fail(error.message);
    this.#count('error', ms);
    const { reason, message, advice } = error;
    log.error({ reason, error: message, advice, failures: this.#failures }, 'sync failed');
    // An error of our own code, most likely: where it came from helps.
    if (reason === 'other' && !(thrown instanceof SyncError)) log.debug({ err: thrown }, 'sync failed');
    await errors.report(error, this.#failures);
    return error;
  }

  #count(status: Outcome | 'error', ms: number): void {
    const { metrics, state, publisher, log } = this.#parts;
    metrics.git_sync_count_total.inc({ status });
    metrics.git_sync_duration_seconds.observe({ status }, ms / 1000);
    metrics.git_sync_failures.set(this.#failures);
    metrics.git_sync_refused.set(state.get().refused ? 1 : 0);
    try {
      const [count, live] = [publisher.list().length, publisher.live()];
      metrics.git_sync_worktrees.set(count);
      metrics.git_sync_live_info.reset();
      if (live !== undefined) metrics.git_sync_live_info.set({ hash: live }, 1);
    } catch (error) {
      // They stay what they were; the next sync says what is wrong with the disk.
      log.debug({ err: error }, 'the versions cannot be counted');
    }
  }
}
