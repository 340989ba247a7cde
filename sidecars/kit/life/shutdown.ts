/**
 * A written order for the end: each step is awaited before the next, a deadline forces the exit, and
 * a second signal forces it at once.
 */
import type { Logger } from '../telemetry/log.ts';

interface Step {
  readonly name: string;
  readonly run: (deadline: AbortSignal) => void | Promise<void>;
}

export interface ShutdownOptions {
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** How long all steps together may take, in milliseconds. */
  readonly timeout: number;
  /** Ends the process; a test's seam. */
  readonly exit?: (code: number) => void;
}

export class Shutdown {
  readonly #steps: Step[] = [];
  readonly #options: ShutdownOptions;
  readonly #exit: (code: number) => void;
  #started = false;

  constructor(options: ShutdownOptions) {
    this.#options = options;
    this.#exit = options.exit ?? ((code) => process.exit(code));
  }

  /** True once the end has begun. */
  get started(): boolean {
    return this.#started;
  }

  /**
   * Add a step; steps run in the order in which they were added.
   * @param name for the log when it hangs
   * @param run gets a signal that aborts at the deadline
   */
  step(name: string, run: Step['run']): void {
    this.#steps.push({ name, run });
  }

  /** Begin the end on SIGTERM and SIGINT; a second signal exits with 128 + its number. */
  listen(): void {
    for (const [signal, number] of [
      ['SIGTERM', 15],
      ['SIGINT', 2],
    ] as const) {
      process.on(signal, () => {
        if (this.#started) {
          this.#options.log.warn({ signal }, 'second signal: exiting at once');
          this.#exit(128 + number);
        } else void this.run(signal);
      });
    }
  }

  /**
   * Run all steps, then exit: 0 when all ended in time, 1 when one failed or the deadline came.
   * @param reason for the log
   * @param code the exit code when all goes well
   */
  async run(reason: string, code = 0): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    const { log, timeout } = this.#options;
    log.info({ reason }, 'shutting down');
    let current = 'nothing';
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort();
      log.error({ step: current, timeout_ms: timeout }, 'shutdown deadline passed: exiting by force');
      this.#exit(1);
    }, timeout);
    let result = code;
    for (const { name, run } of this.#steps) {
      current = name;
      try {
        await run(deadline.signal);
      } catch (error) {
        log.error({ err: error, step: name }, 'shutdown step failed');
        result = 1;
      }
    }
    clearTimeout(timer);
    log.info({ code: result }, 'stopped');
    this.#exit(result);
  }
}
