/**
 * What waits for the store, by source. Two promises are kept here: records of one source are never in
 * two requests at a time, and what became of them is told in the order in which they came.
 */
import { Backoff } from '#kit/time/backoff.ts';
import type { LogRecord, Outcome, Settled } from '../lines/record.ts';

export interface QueueOptions {
  readonly maxBytes: number;
  readonly maxRecords: number;
  /** How long records may wait for others, in milliseconds. */
  readonly delay: number;
  /** Longest wait of a source whose records the store put off, in milliseconds. */
  readonly retryMax: number;
}

/** A record that waits or is in a request. */
export interface Entry {
  readonly record: LogRecord;
  /** Known, but not told before those that came earlier. */
  outcome: Outcome | undefined;
}

/** The records of one request. */
export interface Batch {
  readonly entries: readonly Entry[];
  readonly sources: readonly Source[];
}

/** First wait of a source whose records the store put off, in milliseconds. */
const RETRY_INITIAL = 200;
/** Requests do not shrink below this, in bytes, unless the store says so. */
const SMALLEST = 64 * 1024;

class Source {
  readonly name: string;
  readonly backoff: Backoff;
  /** In the order in which they came; those with an outcome wait for an earlier one. */
  entries: Entry[] = [];
  /** Entries without an outcome. */
  open = 0;
  openBytes = 0;
  /** Open entries that are in a request. */
  taken = 0;
  /** Since when the first of the others waits, or those that did not fit. */
  since = 0;
  /** Not to be sent before. */
  notBefore = 0;
  /** Open records that are sent alone: the store put some of them off, and none may overtake these. */
  alone = Infinity;

  constructor(name: string, retryMax: number) {
    this.name = name;
    this.backoff = new Backoff({ initial: Math.min(RETRY_INITIAL, retryMax), max: retryMax });
  }
}

export class Queue {
  readonly #options: QueueOptions;
  /** The most that the store takes in one request, as far as is known. */
  #ceiling: number;
  /** What is put into one request now. */
  #maxBytes: number;
  /** In the order in which they are next: who was served goes to the end. */
  readonly #sources = new Map<string, Source>();
  readonly #now: () => number;

  /** @param now a monotonic clock in milliseconds */
  constructor(options: QueueOptions, now: () => number = () => performance.now()) {
    this.#options = options;
    this.#ceiling = options.maxBytes;
    this.#maxBytes = options.maxBytes;
    this.#now = now;
  }

  /** The store takes no request of this size, and never will. */
  refuseSize(bytes: number): void {
    this.#ceiling = Math.min(this.#ceiling, Math.max(1, Math.floor(bytes / 2)));
    this.#maxBytes = Math.min(this.#maxBytes, this.#ceiling);
  }

  /**
   * A request had no answer, or was too much at that time: smaller ones may, with a store that is slow or
   * a proxy that cuts large ones.
   * @param bytes of its records
   */
  shrink(bytes: number): void {
    this.#maxBytes = Math.max(Math.min(SMALLEST, this.#maxBytes), Math.floor(Math.min(this.#maxBytes, bytes) / 2));
  }

  /** Requests are answered: they may grow again. */
  grow(): void {
    this.#maxBytes = Math.min(this.#ceiling, this.#maxBytes * 2);
  }

  /** Take records in, each behind those of its source. */
  push(records: readonly LogRecord[]): void {
    const now = this.#now();
    for (const record of records) {
      let source = this.#sources.get(record.source);
      if (source === undefined) {
        source = new Source(record.source, this.#options.retryMax);
        this.#sources.set(record.source, source);
      }
      if (source.open === source.taken) source.since = now;
      source.entries.push({ record, outcome: undefined });
      source.open += 1;
      source.openBytes += record.bytes;
    }
  }

  /**
   * The records of the next request, whose sources are then busy until `settle`.
   * @param hurry do not wait for a request to fill
   * @returns undefined when none is due; `wait` tells when one will be
   */
  take(hurry: boolean): Batch | undefined {
    if (this.#dueAt(hurry) > this.#now()) return undefined;
    const { maxRecords } = this.#options;
    const entries: Entry[] = [];
    const sources: Source[] = [];
    let bytes = 0;
    for (const source of this.#idle()) {
      const before = entries.length;
      for (const entry of source.entries) {
        if (entry.outcome !== undefined) continue;
        if (entries.length - before === source.alone) break;
        if (entries.length === maxRecords || (entries.length > 0 && bytes + entry.record.bytes > this.#maxBytes)) break;
        entries.push(entry);
        bytes += entry.record.bytes;
      }
      if (entries.length === before) break;
      source.taken = entries.length - before;
      sources.push(source);
    }
    for (const source of sources) {
      this.#sources.delete(source.name);
      this.#sources.set(source.name, source);
    }
    return { entries, sources };
  }

  /**
   * End a request. Entries that have got an outcome are told as soon as all before them of their
   * source have one; the others wait again, in their old place.
   * @param putOff entries that the store did not want now, whose sources wait a while
   * @returns what can be told
   */
  settle(batch: Batch, putOff: ReadonlySet<Entry>): Settled[] {
    const now = this.#now();
    const settled: Settled[] = [];
    for (const entry of batch.entries) {
      if (entry.outcome === undefined) continue;
      const source = this.#sources.get(entry.record.source)!;
      source.open -= 1;
      source.openBytes -= entry.record.bytes;
    }
    for (const source of batch.sources) {
      source.taken = 0;
      source.alone = upToLast(source.entries, putOff);
      if (source.alone === Infinity) source.backoff.reset();
      else source.notBefore = now + source.backoff.next();
      let told = 0;
      for (; told < source.entries.length; told++) {
        const { record, outcome } = source.entries[told]!;
        if (outcome === undefined) break;
        settled.push({ record, outcome });
      }
      if (told === source.entries.length) this.#sources.delete(source.name);
      else if (told > 0) source.entries = source.entries.slice(told);
    }
    return settled;
  }

  /** How long until `take` has something, in milliseconds; Infinity when only a new record or `settle` can tell. */
  wait(hurry: boolean): number {
    return Math.max(0, this.#dueAt(hurry) - this.#now());
  }

  #dueAt(hurry: boolean): number {
    const now = this.#now();
    let bytes = 0;
    let records = 0;
    let due = Infinity;
    for (const source of this.#sources.values()) {
      if (source.taken > 0 || source.open === 0) continue;
      if (source.notBefore > now) {
        due = Math.min(due, source.notBefore);
        continue;
      }
      if (hurry) return now;
      bytes += source.openBytes;
      records += source.open;
      if (bytes >= this.#maxBytes || records >= this.#options.maxRecords) return now;
      due = Math.min(due, source.since + this.#options.delay);
    }
    return due;
  }

  *#idle(): Generator<Source> {
    const now = this.#now();
    for (const source of this.#sources.values()) {
      if (source.taken === 0 && source.open > 0 && source.notBefore <= now) yield source;
    }
  }
}

/** How many open entries there are up to the last that was put off; Infinity when none was. */
function upToLast(entries: readonly Entry[], putOff: ReadonlySet<Entry>): number {
  if (putOff.size === 0) return Infinity;
  let open = 0;
  let last = Infinity;
  for (const entry of entries) {
    if (entry.outcome !== undefined) continue;
    open += 1;
    if (putOff.has(entry)) last = open;
  }
  return last;
}

export type { Source };
