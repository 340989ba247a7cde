/** From the spool's segments to the delivery, and the cursor behind what is settled. */
import type { Delivery, LogRecord, Settled } from '../../lines/record.ts';
import { Cursor, type Position } from './cursor.ts';
import type { Segment } from './segment.ts';
import type { Shelf } from './shelf.ts';

/** A record on its way to the store. */
interface Outstanding {
  readonly position: Position;
  settled: boolean;
}

export class Reader {
  readonly #shelf: Shelf;
  readonly #delivery: Delivery;
  readonly #cursor: Cursor;
  readonly #byRecord = new Map<LogRecord, Outstanding>();
  /** In the spool's order; the first is the one that the cursor waits for. */
  #outstanding: Outstanding[] = [];
  #position: Position;
  /** Records read of the segment at the position. */
  #readOfSegment = 0;
  #stopped = false;
  #wake: (() => void) | undefined;

  constructor(shelf: Shelf, delivery: Delivery, cursorPath: string) {
    this.#shelf = shelf;
    this.#delivery = delivery;
    this.#cursor = new Cursor(cursorPath);
    this.#position = this.#cursor.position;
    shelf.startAfter(this.#position.segment);
    this.#skipSettled();
  }

  /** Records that are not settled, on disk and on their way. */
  get waiting(): number {
    const ahead = this.#shelf.segments.reduce((total, segment) => total + this.unread(segment), 0);
    return ahead + this.#byRecord.size;
  }

  /** How many records of a segment were not read yet. */
  unread(segment: Segment): number {
    if (segment.number < this.#position.segment) return 0;
    return segment.records - (segment.number === this.#position.segment ? this.#readOfSegment : 0);
  }

  /** Read and offer until stopped. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      const placed = this.#read();
      if (placed.length > 0) await this.#delivery.offer(placed);
      else await this.#sleep();
    }
  }

  /** There is something to read. */
  wake(): void {
    this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.wake();
  }

  close(): void {
    this.stop();
    this.#cursor.close();
  }

  /**
   * Note what is settled, and remove what is no longer needed.
   * @returns whether any of it was ours
   */
  settled(settled: readonly Settled[]): boolean {
    if (this.#byRecord.size === 0) return false;
    for (const { record } of settled) {
      const outstanding = this.#byRecord.get(record);
      if (outstanding === undefined) continue;
      outstanding.settled = true;
      this.#byRecord.delete(record);
    }
    const first = this.#outstanding.findIndex((each) => !each.settled);
    const count = first < 0 ? this.#outstanding.length : first;
    if (count === 0) return false;
    const { position } = this.#outstanding[count - 1]!;
    this.#outstanding = this.#outstanding.slice(count);
    this.#cursor.move(position);
    this.#shelf.release(position.segment, position.offset);
    return true;
  }

  #read(): LogRecord[] {
    for (const segment of this.#shelf.segments) {
      if (segment.number < this.#position.segment) continue;
      if (segment.number > this.#position.segment) {
        this.#position = { segment: segment.number, offset: 0 };
        this.#readOfSegment = 0;
      }
      const placed = segment.read(this.#position.offset);
      if (placed.length === 0) continue;
      for (const { record, end } of placed) {
        const outstanding = { position: { segment: segment.number, offset: end }, settled: false };
        this.#byRecord.set(record, outstanding);
        this.#outstanding.push(outstanding);
      }
      this.#position = this.#outstanding.at(-1)!.position;
      this.#readOfSegment += placed.length;
      return placed.map(({ record }) => record);
    }
    return [];
  }

  /** Count what an earlier process had settled of the first segment, and remove what it left for nothing. */
  #skipSettled(): void {
    const { segment, offset } = this.#position;
    this.#shelf.release(segment, offset);
    const first = this.#shelf.segments.find(({ number }) => number === segment);
    for (let at = 0; first !== undefined && at < offset;) {
      const placed = first.read(at);
      const settled = placed.filter(({ end }) => end <= offset);
      this.#readOfSegment += settled.length;
      if (settled.length < placed.length || placed.length === 0) break;
      at = placed.at(-1)!.end;
    }
  }

  async #sleep(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    if (this.#stopped) resolve();
    await promise;
    this.#wake = undefined;
  }
}
