/**
 * Records of inputs that cannot wait, on disk until the store has them. They outlive a killed process;
 * a power cut costs at most the last second.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Backoff } from '#kit/time/backoff.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { Delivery, LogRecord, Settled } from '../../lines/record.ts';
import type { deliveryMetrics } from '../metrics.ts';
import { encodeFrame } from './frames.ts';
import { Reader } from './reader.ts';
import { Shelf } from './shelf.ts';

export interface SpoolOptions {
  readonly parameters: {
    readonly SPOOL_DIR: string;
    readonly SPOOL_MAX_BYTES: number;
    readonly SPOOL_POLICY: string;
  };
  readonly delivery: Delivery;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly metrics: Metrics<typeof deliveryMetrics>;
}

/** Bytes that are written at once. */
const WRITE = 256 * 1024;
/** How often the disk is told to keep what was written, in milliseconds. */
const FLUSH = 1000;
/** Waits between two looks at a full disk, in milliseconds. */
const LOOK = { initial: 50, max: 1000 };

/**
 * Open the spool, take up what an earlier process left in it, and begin to deliver.
 * @throws when the directory cannot be used
 */
export function createSpool(options: SpoolOptions): Spool {
  return new Spool(options);
}

export class Spool {
  readonly #options: SpoolOptions;
  readonly #shelf: Shelf;
  readonly #reader: Reader;
  readonly #flush: NodeJS.Timeout;
  #tail: Promise<void> = Promise.resolve();
  #dirty = false;
  #closed = false;

  constructor(options: SpoolOptions) {
    const { parameters, delivery, log, metrics } = options;
    this.#options = options;
    mkdirSync(parameters.SPOOL_DIR, { recursive: true });
    this.#shelf = new Shelf(parameters.SPOOL_DIR, parameters.SPOOL_MAX_BYTES);
    const { cut } = this.#shelf;
    if (cut > 0) log.warn({ bytes: cut }, 'the spool ended in the middle of a record: cut');
    this.#reader = new Reader(this.#shelf, delivery, join(parameters.SPOOL_DIR, 'cursor'));
    delivery.onSettled((settled) => this.#settled(settled));
    this.#flush = setInterval(() => this.#keep(), FLUSH);
    this.#flush.unref();
    metrics.shipper_spool_full.set(0);
    this.#gauge();
    void this.#reader.run();
  }

  /**
   * Write records down, behind all that were given before.
   * @returns once a killed process would not lose them; late, while a full spool blocks
   * @throws when the spool is closed
   */
  append(records: readonly LogRecord[]): Promise<void> {
    const done = this.#tail.then(() => this.#write(records));
    this.#tail = done;
    return done;
  }

  /** Deliver no more; what is on disk stays there. */
  stop(): void {
    this.#reader.stop();
  }

  /** Close the files; settlements are then no longer noted. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#flush);
    this.#reader.close();
    this.#shelf.close();
  }

  async #write(records: readonly LogRecord[]): Promise<void> {
    let frames: Buffer[] = [];
    let bytes = 0;
    for (const record of records) {
      const frame = encodeFrame(record);
      frames.push(frame);
      bytes += frame.length;
      if (bytes < WRITE) continue;
      await this.#store(frames);
      frames = [];
      bytes = 0;
    }
    if (frames.length > 0) await this.#store(frames);
  }

  /** Write frames, however long it takes to make room for them. */
  async #store(frames: readonly Buffer[]): Promise<void> {
    const data = Buffer.concat(frames);
    const { log, metrics } = this.#options;
    const backoff = new Backoff(LOOK);
    let full = '';
    for (;;) {
      if (this.#closed) throw new Error('the spool is closed');
      const wrong = this.#shelf.append(data, frames.length);
      if (wrong === undefined) break;
      if (full === '') log.warn({ reason: wrong, policy: this.#options.parameters.SPOOL_POLICY }, 'the spool is full');
      full = wrong;
      if (wrong !== 'limit') metrics.shipper_spool_errors_total.inc({ reason: wrong });
      if (this.#options.parameters.SPOOL_POLICY === 'drop-oldest') {
        if (this.#dropOldest()) continue;
        // The disk is full of what is not ours: only the newest are left to drop.
        metrics.shipper_dropped_total.inc({ reason: 'disk-full' }, frames.length);
        return;
      }
      metrics.shipper_spool_full.set(1);
      await this.#shelf.room(backoff.next());
    }
    metrics.shipper_spool_full.set(0);
    if (full !== '') log.info('the spool takes lines again');
    this.#dirty = true;
    this.#gauge();
    this.#reader.wake();
  }

  /** Give up the oldest segment; false when there is none. */
  #dropOldest(): boolean {
    const dropped = this.#shelf.dropOldest((segment) => this.#reader.unread(segment));
    if (dropped === undefined) return false;
    this.#options.metrics.shipper_dropped_total.inc({ reason: 'spool-full' }, dropped);
    return true;
  }

  #settled(settled: readonly Settled[]): void {
    if (this.#closed || !this.#reader.settled(settled)) return;
    this.#gauge();
  }

  #gauge(): void {
    const { metrics } = this.#options;
    metrics.shipper_spool_bytes.set(this.#shelf.bytes);
    metrics.shipper_spool_records.set(this.#reader.waiting);
  }

  #keep(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    this.#shelf.flush((error) => {
      if (error) this.#options.log.error({ err: error }, 'the spool could not be flushed to the disk');
    });
  }
}
