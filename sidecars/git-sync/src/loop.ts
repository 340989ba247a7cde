/**
 * When to sync: at start, after each period, and at once when something says that the ref moved. One
 * sync runs at a time; whatever comes meanwhile is answered by one more after it.
 */
import { Backoff, pause } from '#kit/time/backoff.ts';
import type { SyncError } from './repository/failure.ts';
import type { Outcome } from './syncer.ts';

/** Why a sync happens. `rollback` is a sync that begins by going back. */
export type Trigger = 'start' | 'period' | 'webhook' | 'signal' | 'rollback';

export interface LoopOptions {
  /** Milliseconds between the end of a sync and the next. */
  readonly period: number;
  readonly sync: (trigger: Trigger, signal: AbortSignal) => Promise<Outcome>;
  /** @returns false to end the loop */
  readonly onOutcome: (outcome: Outcome, ms: number) => Promise<boolean> | boolean;
  /** @returns false to end the loop */
  readonly onFailure: (error: unknown, ms: number) => Promise<boolean> | boolean;
  readonly quiet: {
    /** Milliseconds until there is something to do in quiet. */
    readonly due: () => number;
    readonly run: (signal: AbortSignal) => Promise<void>;
  };
}

/** The first pause after a failure, and the longest, in milliseconds; a shorter period is shorter still. */
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 10_000;

export class Loop {
  readonly #options: LoopOptions;
  readonly #stop = new AbortController();
  /** Aborted by what wakes the loop; replaced when it has woken. */
  #wake = new AbortController();
  #pending: Trigger | undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Sync at once, or right after the sync that runs. */
  trigger(why: Trigger): void {
    // What was expected stays expected: a push is not forgotten for a look.
    if (this.#pending !== 'webhook' && this.#pending !== 'signal') this.#pending = why;
    this.#wake.abort(new Error('there is something to sync'));
  }

  /** Run until `stop`, or until an outcome ends it. */
  start(): void {
    this.#done = this.#run();
  }

  /** Resolves when the loop has ended. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** Cut off what runs, and wait until it has ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the sidecar is stopped'));
    this.#wake.abort(new Error('the sidecar is stopped'));
    await this.#done.catch(() => {});
  }

  async #run(): Promise<void> {
    const { period } = this.#options;
    const backoff = new Backoff({ initial: Math.min(FIRST_RETRY, period), max: Math.min(LONGEST_RETRY, period) });
    let trigger: Trigger = 'start';
    while (!this.#stop.signal.aborted) {
      const failed = await this.#once(trigger);
      if (failed === undefined) return;
      if (!failed) backoff.reset();
      trigger = await this.#rest(failed ? backoff.next() : period);
    }
  }

  /** @returns whether it failed; undefined to end the loop */
  async #once(trigger: Trigger): Promise<boolean | undefined> {
    const { sync, onOutcome, onFailure } = this.#options;
    const begun = performance.now();
    try {
      const outcome = await sync(trigger, this.#stop.signal);
      return (await onOutcome(outcome, performance.now() - begun)) ? false : undefined;
    } catch (error) {
      if (this.#stop.signal.aborted || (error as SyncError).reason === 'stopped') return undefined;
      return (await onFailure(error, performance.now() - begun)) ? true : undefined;
    }
  }

  #due(): number {
    try {
      return this.#options.quiet.due();
    } catch {
      // The disk cannot be read now: what is wrong with it the next sync says.
      return Infinity;
    }
  }

  /** Wait for a trigger or the time, and do the quiet work meanwhile. */
  async #rest(ms: number): Promise<Trigger> {
    const { quiet } = this.#options;
    const end = performance.now() + ms;
    while (this.#pending === undefined && !this.#stop.signal.aborted) {
      const { signal } = this.#wake;
      const left = end - performance.now();
      const due = this.#due();
      await pause(Math.max(0, Math.min(left, due)), signal).catch(() => {});
      if (signal.aborted) break;
      if (due < left) await quiet.run(signal);
      else break;
    }
    const trigger = this.#pending ?? 'period';
    this.#pending = undefined;
    this.#wake = new AbortController();
    // A stop that came in between must not be lost with the old controller.
    if (this.#stop.signal.aborted) this.#wake.abort(this.#stop.signal.reason);
    return trigger;
  }
}
