/**
 * An event that is longer than the buffer: its end is looked for, a buffer at a turn, and then its beginning is
 * taken.
 */
import { ContainerSplitter } from '../../lines/container-splitter.ts';
import { MARGIN } from '../../lines/document.ts';
import { holds, readAt } from '../tracked/content.ts';
import type { EventEnds } from './event-ends.ts';
import type { TrackedFile } from '../tracked/tracked-file.ts';
import type { Pipelines } from './pipelines.ts';
import type { ReadingPlace } from './reading-place.ts';
import { carryOver } from './turn-records.ts';
import type { AtEnd, Turn } from './turn.ts';

export interface LongEventsOptions {
  readonly pipelines: Pick<Pipelines, 'of'>;
  /** The most bytes of an event's text. */
  readonly limit: number;
}

export class LongEvents {
  readonly #options: LongEventsOptions;
  readonly #place: ReadingPlace;
  readonly #ends: EventEnds;
  readonly #buffer: Buffer;

  /** @param buffer what is read at a turn; between turns it may be anybody's */
  constructor(options: LongEventsOptions, place: ReadingPlace, ends: EventEnds, buffer: Buffer) {
    this.#options = options;
    this.#place = place;
    this.#ends = ends;
    this.#buffer = buffer;
  }

  /**
   * Look on for the end of the event at the reading place, from where `scan` has come to.
   * @returns undefined when the file does not hold what it held
   */
  read(tracked: TrackedFile, fd: number, { position, inLine }: Scan, atEnd: AtEnd): Turn | undefined {
    const ended = tracked.endBehind(tracked.offset) ?? Infinity;
    const count = readAt(fd, this.#buffer, position, Math.min(this.#buffer.length, ended - position));
    if (!holds(tracked, fd)) return undefined;
    tracked.seen = Math.max(tracked.seen, position + count);
    const chunk = this.#place.chunk(tracked, this.#buffer.subarray(0, count), position);
    const result = this.#options.pipelines.of(tracked).splitter.findEnd(chunk, inLine);
    let end = result.found;
    if (result.found === undefined) {
      tracked.scan = { position: position + result.next, inLine: result.inLine };
      if (count === this.#buffer.length) return { records: [], bytes: 0, more: true };
      const terminated = !result.inLine && result.next === count;
      if (!this.#ends.endsAt(tracked, position + count, atEnd, terminated)) {
        tracked.withheld = true;
        return { records: [], bytes: 0, more: false };
      }
      end = count;
    }
    tracked.scan = undefined;
    tracked.withheld = false;
    return this.#take(tracked, fd, position + end!);
  }

  /** The beginning of the event, which ends at `stop`. */
  #take(tracked: TrackedFile, fd: number, stop: number): Turn | undefined {
    const { pipelines, limit } = this.#options;
    const made = pipelines.of(tracked);
    const start = tracked.offset;
    // No further than its end: what was too long may have been what comes behind it.
    const most = made.splitter instanceof ContainerSplitter ? this.#buffer.length : limit + MARGIN;
    const length = readAt(fd, this.#buffer, start, Math.min(stop - start, most));
    const head = this.#place.chunk(tracked, this.#buffer.subarray(0, length), start);
    const records = made.make(tracked, head, 0, head.length, start, { end: stop, joined: undefined });
    const carried = tracked.carriedAt(start);
    if (carried !== undefined) carryOver(records, carried);
    if (!this.#place.advance(tracked, fd, stop, records.length)) return undefined;
    return { records, bytes: stop - start, more: true };
  }
}

type Scan = NonNullable<TrackedFile['scan']>;
