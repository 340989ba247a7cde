/**
 * The records of one chunk: empty lines are a count, and what is left of an event that began in another file is
 * still that event.
 */
import type { Chunk } from '../../lines/chunk.ts';
import type { OnEvent, Rest } from '../../lines/splitter.ts';
import { CarriedRecord, type FileRecord } from './file-record.ts';
import type { Carried, TrackedFile } from '../tracked/tracked-file.ts';
import type { Records } from './records.ts';

export class TurnRecords {
  readonly records: FileRecord[] = [];
  readonly #made: Records;
  readonly #tracked: TrackedFile;
  readonly #chunk: Chunk;
  readonly #start: number;
  readonly #carried: Carried | undefined;
  #empty = 0;

  /** @param start where the chunk begins in its tracked file */
  constructor(made: Records, tracked: TrackedFile, chunk: Chunk, start: number) {
    this.#made = made;
    this.#tracked = tracked;
    this.#chunk = chunk;
    this.#start = start;
    this.#carried = tracked.carriedAt(start);
  }

  /** One event, given by its place in the chunk. */
  readonly add: OnEvent = (from, to) => {
    // Empty lines are not events; a million of them costs a count.
    const length = to - from;
    if (length === this.#chunk.unit && this.#chunk.newline(from) === from) this.#empty += 1;
    else this.#make(from, to);
  };

  /**
   * The events that end within the chunk. What was carried over, and ends where the chunk ends, is one event, as it
   * was sent, whatever begins an event by now.
   * @returns what is left at its end
   */
  split(): Rest {
    const { length } = this.#chunk;
    if (this.#carried?.end !== this.#start + length) return this.#made.splitter.split(this.#chunk, this.add);
    this.#make(0, length);
    return { event: length, line: length };
  }

  /** That was all. @param skipped counts what became no record */
  close(skipped: (reason: 'empty', count: number) => void): void {
    if (this.#empty > 0) skipped('empty', this.#empty);
    if (this.#carried !== undefined) carryOver(this.records, this.#carried);
  }

  #make(from: number, to: number): void {
    const place = { end: this.#start + to, joined: undefined };
    this.records.push(...this.#made.make(this.#tracked, this.#chunk, from, to, this.#start + from, place));
  }
}

/** The first record of some that were read is what is left of an event. */
export function carryOver(records: FileRecord[], carried: Carried): void {
  const [first] = records;
  if (first !== undefined && first.offset < carried.end) records[0] = new CarriedRecord(first, carried);
}
