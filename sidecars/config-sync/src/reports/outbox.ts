/** What the source is to be told of versions: kept while it is away, across restarts too, and bounded. */
import { rename, writeFile } from 'node:fs/promises';
import { setAsideDirectory } from '#kit/files/set-aside.ts';
import { readKept } from '#kit/files/kept-file.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { Backoff, pause } from '#kit/time/backoff.ts';
import type { ReportEntry } from '../sources/source.ts';

export interface OutboxOptions {
  /** The file that it is kept in. */
  readonly path: string;
  /** As `Source.report`. */
  readonly send: (entry: ReportEntry, signal: AbortSignal) => Promise<boolean>;
  /** Longest pause between two tries, in milliseconds. */
  readonly retryMax: number;
  /** As `Source.reportSpread`. */
  readonly spread: () => number;
  readonly log: Pick<Logger, 'warn' | 'debug'>;
  readonly onPending: (count: number) => void;
  readonly onDropped: (reason: 'full' | 'refused') => void;
}

/** Most reports that wait; the oldest go first, since the latest say what is in place now. */
export const OUTBOX_MAX = 100;
const RETRY_INITIAL = 100;

export class Outbox {
  readonly #options: OutboxOptions;
  #entries: ReportEntry[] = [];
  #wake: () => void = () => {};
  #saving = Promise.resolve();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Reports that wait. */
  get size(): number {
    return this.#entries.length;
  }

  /** Take up what an earlier run left. */
  async load(): Promise<void> {
    try {
      setAsideDirectory(this.#options.path);
      const kept = JSON.parse(String(readKept(this.#options.path))) as unknown;
      if (Array.isArray(kept)) this.#entries = [...(kept as ReportEntry[]), ...this.#entries].slice(-OUTBOX_MAX);
    } catch {
      // There is none, or it cannot be used: reports are told again as versions come.
    }
    this.#options.onPending(this.size);
  }

  /** Add a report; it takes the place of an earlier one about the same version. Resolves when it is kept. */
  async add(entry: ReportEntry): Promise<void> {
    this.#remove(entry);
    this.#entries.push(entry);
    if (this.size > OUTBOX_MAX) {
      this.#entries.shift();
      this.#options.onDropped('full');
    }
    const kept = this.#save();
    this.#wake();
    await kept;
  }

  /** Send until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ initial: RETRY_INITIAL, max: this.#options.retryMax });
    while (!signal.aborted) {
      const [entry] = this.#entries;
      if (!entry) {
        await this.#woken(signal);
        continue;
      }
      try {
        await pause(Math.random() * this.#options.spread(), signal);
        const taken = await this.#options.send(entry, signal);
        if (!taken) {
          this.#options.onDropped('refused');
          this.#options.log.warn(
            { key: entry.key, version: entry.version },
            'the source does not take a report: it is dropped',
          );
        }
        // It may have been replaced while it was on its way.
        this.#entries = this.#entries.filter((each) => each !== entry);
        await this.#save();
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log.debug({ err: error }, 'a report could not be sent');
        await pause(backoff.next(), signal).catch(() => {});
      }
    }
  }

  #remove({ key, version }: ReportEntry): void {
    this.#entries = this.#entries.filter((each) => each.key !== key || each.version !== version);
  }

  #save(): Promise<void> {
    const { path, log, onPending } = this.#options;
    onPending(this.size);
    const text = JSON.stringify(this.#entries);
    this.#saving = this.#saving
      .then(async () => {
        await writeFile(`${path}.new`, text, { mode: 0o600 });
        await rename(`${path}.new`, path);
      })
      // They are still in memory.
      .catch((error: unknown) => log.debug({ err: error }, 'reports could not be kept'));
    return this.#saving;
  }

  async #woken(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }
}
