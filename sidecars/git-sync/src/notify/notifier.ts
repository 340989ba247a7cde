/**
 * Telling the application: at least once, the newest publication only, again after each failure, and
 * again after a crash, because what was passed on is written down only afterwards.
 */
import { Backoff, pause } from '#kit/time/backoff.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Publication, StateFile } from '../versions/state.ts';
import type { Channel } from './channels.ts';

/** No pause between two attempts is longer, in milliseconds. */
const LONGEST_PAUSE = 60_000;

export interface NotifierOptions {
  readonly channels: readonly Channel[];
  readonly state: StateFile;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly count: (kind: string, result: 'sent' | 'failed') => void;
  readonly redact: (text: string) => string;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #stop = new AbortController();
  /** Aborted and replaced at each publication: ends the pauses of all channels. */
  #newer = new AbortController();
  #running: Promise<void>[] = [];
  /** Failures in a row, by channel. */
  readonly #failures = new Map<string, number>();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** There may be something to tell: after a publication, and at start. */
  wake(): void {
    const former = this.#newer;
    this.#newer = new AbortController();
    former.abort(new Error('a newer version was published'));
    if (this.#running.length === 0) {
      this.#running = this.#options.channels.map((channel) => this.#serve(channel));
    }
  }

  /**
   * Wait until every channel has passed the newest publication on.
   * @param allowed failures in a row of one channel that are tolerated; -1 for any number
   * @returns false when one failed more often
   */
  async idle(allowed: number): Promise<boolean> {
    while (this.#options.channels.some((channel) => this.#due(channel))) {
      if (allowed >= 0 && [...this.#failures.values()].some((count) => count > allowed)) return false;
      if (this.#stop.signal.aborted) return false;
      await pause(20);
    }
    return true;
  }

  /** Cut off what is being sent, and send nothing more. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the sidecar is stopped'));
    this.#newer.abort(new Error('the sidecar is stopped'));
    await Promise.all(this.#running);
  }

  #due({ kind }: Channel): Publication | undefined {
    const { published, notified } = this.#options.state.get();
    return published && notified[kind] !== published.at ? published : undefined;
  }

  async #serve(channel: Channel): Promise<void> {
    const { state, log, count, redact } = this.#options;
    const backoff = new Backoff({ initial: channel.backoff, max: Math.max(channel.backoff, LONGEST_PAUSE) });
    let last: number | undefined;
    while (!this.#stop.signal.aborted) {
      const newer = this.#newer.signal;
      const publication = this.#due(channel);
      if (publication === undefined) {
        await new Promise<void>((resolve) => newer.addEventListener('abort', () => resolve(), { once: true }));
        continue;
      }
      if (publication.at !== last) backoff.reset();
      last = publication.at;
      try {
        await channel.send(publication, this.#stop.signal);
        state.set({ notified: { ...state.get().notified, [channel.kind]: publication.at } });
        this.#failures.delete(channel.kind);
        count(channel.kind, 'sent');
        log.info({ kind: channel.kind, hash: publication.hash }, 'the application was told');
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#failures.set(channel.kind, (this.#failures.get(channel.kind) ?? 0) + 1);
        count(channel.kind, 'failed');
        const retry = backoff.next();
        const reason = redact((error as Error).message);
        log.warn(
          { kind: channel.kind, hash: publication.hash, reason, retry_ms: Math.round(retry) },
          'the application could not be told',
        );
        await pause(retry, newer).catch(() => {});
      }
    }
  }
}
