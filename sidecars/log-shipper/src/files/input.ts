/**
 * The file input: looks at all paths now and then, at files that change more often, and reads what is
 * new, a chunk of each file in turn. What the delivery has no room for stays in the files.
 */
import { pause } from '#kit/time/backoff.ts';
import type { Delivery, Settled } from '../lines/record.ts';
import { pollOpen, untilNextLook } from './changes.ts';
import { closeDetached, type ClosingOptions } from './closing.ts';
import { FileRecord } from './read/file-record.ts';
import type { TrackedFile } from './tracked/tracked-file.ts';
import type { FileTable } from './table/file-table.ts';
import type { OpenFiles } from './table/open-files.ts';
import type { Reader } from './read/reader.ts';
import { ReadOrder } from './read/read-order.ts';
import type { Tracker } from './scan/tracker.ts';
import { ChunkScheduler, type ChunkSchedulerOptions } from './read/chunk-scheduler.ts';
import { Unpacking } from './read/unpacking.ts';

export interface FileInputOptions extends ChunkSchedulerOptions, ClosingOptions {
  readonly table: FileTable;
  readonly tracker: Tracker;
  readonly reader: Reader;
  readonly files: OpenFiles;
  readonly delivery: Pick<Delivery, 'offer'>;
  /** In milliseconds, both. */
  readonly pollInterval: number;
  readonly scanInterval: number;
  readonly onScan: () => void;
  /** A monotonic clock in milliseconds; a test's seam. */
  readonly now?: () => number;
}

export class FileInput {
  readonly #options: FileInputOptions;
  readonly #now: () => number;
  readonly #order: ReadOrder;
  readonly #scheduler: ChunkScheduler;
  readonly #unpacking: Unpacking;

  constructor(options: FileInputOptions) {
    const { table, tracker, reader, now = () => performance.now() } = options;
    this.#options = options;
    this.#now = now;
    this.#order = new ReadOrder(table, now);
    this.#scheduler = new ChunkScheduler(options, this.#order, now);
    this.#unpacking = new Unpacking({ table, tracker, reach: reader.reach, now });
  }

  /**
   * Read until told to stop.
   * @param signal ends it between two chunks
   */
  async run(signal: AbortSignal): Promise<void> {
    const { table, scanInterval } = this.#options;
    // Also while reading waits for the store: a file must be open before it is deleted.
    const timer = setInterval(() => this.scan(), scanInterval);
    this.scan();
    while (!signal.aborted) {
      await this.step(signal);
      await pause(untilNextLook(table.trackedFiles, this.#now(), this.#options), signal).catch(() => {});
    }
    clearInterval(timer);
  }

  /** Look at all paths. */
  scan(): void {
    this.#options.tracker.scan(this.#now());
    closeDetached(this.#options, this.#now());
    this.#options.onScan();
  }

  /** Read all that there is to read now. */
  async step(signal?: AbortSignal): Promise<void> {
    const { table, files, delivery } = this.#options;
    for (let again = true; again;) {
      again = false;
      pollOpen(table.trackedFiles, files, this.#now());
      for (const tracked of table.trackedFiles) {
        if (signal?.aborted) return;
        if (!this.#order.isDue(tracked)) continue;
        const { packed } = tracked;
        if (packed !== undefined && !(await this.#unpacking.prepare(tracked, packed))) continue;
        const records = this.#scheduler.take(tracked);
        if (records === undefined) continue;
        again = true;
        if (records.length > 0) await delivery.offer(records);
        // While there is room, nothing else would have its turn: the answer of the store, for one, which then waits.
        await immediate();
      }
    }
  }

  /**
   * Note what is settled.
   * @returns the tracked files that it moved
   */
  settled(settled: readonly Settled[]): Set<TrackedFile> {
    const moved = new Set<TrackedFile>();
    for (const { record } of settled) {
      if (!(record instanceof FileRecord)) continue;
      const { tracked, end, joined } = record;
      tracked.settle(end);
      moved.add(tracked);
      if (joined === undefined) continue;
      joined.tracked.settle(joined.end);
      moved.add(joined.tracked);
    }
    return moved;
  }
}

/** Let everything else have its turn. */
function immediate(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
