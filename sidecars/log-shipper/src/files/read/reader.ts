/**
 * One turn at one file: a chunk is read, compared with what is remembered of the file, and taken apart
 * into records. Nothing of a line is kept between turns; one that is not complete is read again.
 */
import { MARGIN } from '../../lines/document.ts';
import type { Rest } from '../../lines/splitter.ts';
import { utcDay } from '../../lines/time.ts';
import { readAt } from '../tracked/content.ts';
import { EventEnds, type EventEndsOptions } from './event-ends.ts';
import type { FileRecord } from './file-record.ts';
import type { TrackedFile } from '../tracked/tracked-file.ts';
import { beginsWithHole, withoutPadding } from '../tracked/holes.ts';
import { JoinedEvents } from './joined-events.ts';
import { LongEvents } from './long-events.ts';
import type { Pipelines } from './pipelines.ts';
import { ReadingPlace, type ReadingPlaceOptions } from './reading-place.ts';
import { TurnRecords } from './turn-records.ts';
import { AGAIN, type AtEnd, type Turn } from './turn.ts';

/** Read at a turn, in bytes, so that each file has its share; more where a line may be longer. */
const QUANTUM = 256 * 1024;

export interface ReaderOptions extends ReadingPlaceOptions, EventEndsOptions {
  /** What makes the records of a file. */
  readonly pipelines: Pick<Pipelines, 'of'>;
  /** The most bytes of an event's text. */
  readonly limit: number;
  /** Counts what became no record. */
  readonly skipped: (reason: 'empty', count: number) => void;
}

export class Reader {
  readonly #options: ReaderOptions;
  readonly #buffer: Buffer;
  readonly #place: ReadingPlace;
  readonly #ends: EventEnds;
  readonly #long: LongEvents;
  readonly #joined: JoinedEvents;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const reach = Math.max(QUANTUM, options.limit + MARGIN + QUANTUM / 4);
    // Even: the first byte of a character of UTF-16 may be NUL, and is no room that was allocated ahead.
    this.#buffer = Buffer.allocUnsafe(reach + (reach % 2));
    this.#place = new ReadingPlace(options);
    this.#ends = new EventEnds(options);
    this.#long = new LongEvents(options, this.#place, this.#ends, this.#buffer);
    this.#joined = new JoinedEvents(options, this.#place, this.#ends);
  }

  /** How much is read at a turn, in bytes. */
  get reach(): number {
    return this.#buffer.length;
  }

  /**
   * Read on.
   * @param atEnd decides about an event at the end of the file; told whether its last line has a newline
   * @returns undefined when the file does not hold what it held
   */
  read(tracked: TrackedFile, fd: number, atEnd: AtEnd): Turn | undefined {
    const { pipelines, remember } = this.#options;
    if (pipelines.of(tracked).isDated && tracked.begins(utcDay(new Date(Date.now()).toISOString())!)) {
      remember(tracked);
      return AGAIN;
    }
    if (tracked.scan !== undefined) return this.#long.read(tracked, fd, tracked.scan, atEnd);
    const start = tracked.offset;
    const end = tracked.endBehind(start) ?? Infinity;
    const count = readAt(fd, this.#buffer, start, Math.min(this.#buffer.length, end - start));
    // After the bytes: a file that still is what it was had not been truncated when they were read.
    const begins = this.#place.grow(tracked, fd);
    if (begins === 'other') return undefined;
    if (begins === 'news') return AGAIN;
    tracked.withheld = false;
    const bytes = this.#buffer.subarray(0, count);
    const unit = this.#place.unitOf(tracked);
    const filled = withoutPadding(bytes, unit, start);
    tracked.seen = Math.max(tracked.seen, start + filled);
    const isFirst = start <= tracked.head.at;
    if (beginsWithHole(bytes, unit, start, isFirst)) return this.#place.skipHole(tracked, fd, start);
    const { records, event } = this.#take(tracked, bytes.subarray(0, filled), start, atEnd);
    if (event > 0 && !this.#place.advance(tracked, fd, start + event, records.length, bytes)) return undefined;
    const full = filled === this.#buffer.length;
    return { records, bytes: event, more: full || start + event === end || (filled < count && event === filled) };
  }

  /**
   * The event that waits at the end of a file, together with the lines that go on with it in the file
   * that came after. Both are moved behind it.
   * @returns the record; undefined when nothing goes on there, or its end is not there yet
   */
  join(...files: Parameters<JoinedEvents['join']>): FileRecord | 'wait' | undefined {
    return this.#joined.join(...files);
  }

  /**
   * The events of a chunk that begins with one.
   * @returns their records, and where in the chunk the event begins that is not taken yet
   */
  #take(
    tracked: TrackedFile,
    bytes: Buffer,
    start: number,
    atEnd: AtEnd,
  ): { records: readonly FileRecord[]; event: number } {
    const made = this.#options.pipelines.of(tracked);
    const chunk = this.#place.chunk(tracked, bytes, start);
    const taken = new TurnRecords(made, tracked, chunk, start);
    const rest = taken.split();
    let { event } = rest;
    if (bytes.length === this.#buffer.length) {
      if (event === 0) tracked.scan = scanBehind(rest, start, chunk.whole, made.splitter.byLine);
    } else if (event < bytes.length) {
      const terminated = rest.line === bytes.length;
      if (this.#ends.endsAt(tracked, start + bytes.length, atEnd, terminated, start + event)) {
        taken.add(event, bytes.length);
        event = bytes.length;
      } else tracked.withheld = true;
    }
    taken.close(this.#options.skipped);
    return { records: taken.records, event };
  }
}

/** From where the end of an event is looked for that fills the buffer. */
function scanBehind({ line }: Rest, start: number, whole: number, byLine: boolean): TrackedFile['scan'] {
  return { position: start + (byLine && line > 0 ? line : whole), inLine: !byLine || line === 0 };
}
