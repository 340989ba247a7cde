/** The verification of what is live, beside the loop: a newer version ends it, a bad end turns the loop back. */
import type { Logger } from '#kit/telemetry/log.ts';
import { probeUntilFailure, verify, type VerifyOptions } from './application-probe.ts';
import type { StateFile } from './versions/state.ts';

export interface VerificationOptions {
  /** Versions count as good without a look when absent. */
  readonly verify: VerifyOptions | undefined | '';
  readonly state: StateFile;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly count: (result: 'healthy' | 'unhealthy') => void;
  readonly onHealthy: (hash: string) => void;
  readonly onUnhealthy: (hash: string, reason: string) => void;
}

export class Verification {
  readonly #options: VerificationOptions;
  #current: { readonly hash: string; readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  constructor(options: VerificationOptions) {
    this.#options = options;
  }

  /** Something was published: whatever is being verified is not live any more. */
  start(): void {
    this.#current?.stop.abort(new Error('another version was published'));
    this.#current = undefined;
    this.resume(this.#options.state.get().published?.hash);
  }

  /** Verify what is live, unless that was done or is being done. */
  resume(live: string | undefined): void {
    const { verify: options, state } = this.#options;
    if (!options || live === undefined || live === state.get().verified || this.#current) return;
    const stop = new AbortController();
    const done = this.#run(live, options, stop.signal).catch((error: Error) => {
      // The answer could not be written down, on a full disk say: it is asked for again at the next sync.
      this.#current = undefined;
      this.#options.log.warn({ hash: live, reason: error.message }, 'the verification came to nothing');
    });
    this.#current = { hash: live, stop, done };
  }

  async stop(): Promise<void> {
    this.#current?.stop.abort(new Error('the sidecar is stopped'));
    await this.#current?.done;
  }

  async #run(hash: string, options: VerifyOptions, signal: AbortSignal): Promise<void> {
    const { log, count, onUnhealthy } = this.#options;
    const begun = performance.now();
    let wrong: string | undefined;
    try {
      wrong = await verify(options, signal);
      count(wrong === undefined ? 'healthy' : 'unhealthy');
      if (wrong === undefined) {
        this.#healthy(hash);
        wrong = await this.#watch(hash, options, begun + options.timeout, signal);
        if (wrong !== undefined) count('unhealthy');
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.#current = undefined;
    if (wrong === undefined) return;
    log.warn({ hash, reason: wrong }, 'the application is not healthy with it');
    onUnhealthy(hash, wrong);
  }

  #healthy(hash: string): void {
    const { state, log, onHealthy } = this.#options;
    state.set({ verified: hash });
    log.info({ hash }, 'the application is healthy with it');
    onHealthy(hash);
  }

  /**
   * Go on looking for the time that the application had to become healthy: on a busy machine the process of the version
   * before may have answered for all of the stable time, and the new one does not start.
   * @returns what is wrong, when it was not healthy again in as much time as it had at first
   */
  async #watch(hash: string, options: VerifyOptions, until: number, signal: AbortSignal): Promise<string | undefined> {
    const { state, log } = this.#options;
    for (;;) {
      const unwell = await probeUntilFailure(options, until, signal);
      if (unwell === undefined) return undefined;
      // Who is killed from here on begins again with the question.
      state.set({ verified: undefined });
      log.warn({ hash, reason: unwell }, 'the application was healthy with it, and is not any more');
      const wrong = await verify(options, signal);
      if (wrong !== undefined) return wrong;
      state.set({ verified: hash });
      log.info({ hash }, 'the application is healthy with it again');
    }
  }
}
