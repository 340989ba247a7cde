/**
 * One turn at one file: a chunk is read, compared with what is remembered of the file, and taken apart
 * into records. Nothing of a line is kept between turns; one that is not complete is read again.
 */
import { Chunk, type Encoding } from '../lines/chunk.ts';
import { ContainerSplitter } from '../lines/container-splitter.ts';
import { MARGIN } from '../lines/document.ts';
import type { OnEvent, Rest } from '../lines/splitter.ts';
import { utcDay } from '../lines/time.ts';
import { growHead, readAt, readHead, readTail, type Head } from './content.ts';
import { encodingOf, unitOf, type FileEncoding } from './encoding.ts';
import { CarriedRecord, type FileRecord } from './file-record.ts';
import { isCarriedOn, type Carried, type Generation } from './generation.ts';
import { beginsWithHole, findData, withoutPadding } from './holes.ts';
import { holds } from './identity.ts';
import type { Pipelines } from './pipelines.ts';

/** Read at a turn, in bytes, so that each file has its share; more where a line may be longer. */
const QUANTUM = 256 * 1024;

/** After how long it is tried again to write something down, in milliseconds. */
export const NOTE_AGAIN = 1000;

export interface ReaderOptions {
  /** What makes the records of a file. */
  readonly pipelines: Pick<Pipelines, 'of'>;
  /** The most bytes of an event's text. */
  readonly limit: number;
  /** Its day, or how it begins, became known of a generation; write that down. It is not read before. */
  readonly remember: (generation: Generation) => void;
  /** Where an event ends is noted of generations, or whose it is; write that down. @returns false when that failed */
  readonly noteEnd?: (generations: readonly Generation[]) => boolean;
  /** A monotonic clock in milliseconds; a test's seam. */
  readonly now?: () => number;
  /** How files without a byte order mark are encoded. */
  readonly encoding?: FileEncoding;
  /** Counts what became no record. */
  readonly skipped: (reason: 'empty', count: number) => void;
}

export interface Turn {
  readonly records: readonly FileRecord[];
  /** Bytes of the file that were read for the first time. */
  readonly bytes: number;
  /** There is more to read at once. */
  readonly more: boolean;
}

/** Nothing yet: there is something to write down first. */
const AGAIN: Turn = { records: [], bytes: 0, more: true };

/** An event at the end of what there is. */
export interface LastEvent {
  /** Where it begins. */
  readonly event: number;
  /** Its last line has a newline. */
  readonly terminated: boolean;
  /** It ended there when it was read before. */
  readonly ended: boolean;
}

/** What to do with it; `join`: it was sent together with lines of the next file, and is again. */
export type AtEnd = (last: LastEvent) => 'wait' | 'take' | 'join';

export class Reader {
  readonly #options: ReaderOptions;
  readonly #buffer: Buffer;
  #noteAgainAt = 0;

  /** How much is read at a turn, in bytes. */
  get reach(): number {
    return this.#buffer.length;
  }

  constructor(options: ReaderOptions) {
    this.#options = options;
    const reach = Math.max(QUANTUM, options.limit + MARGIN + QUANTUM / 4);
    // Even: the first byte of a character of UTF-16 may be NUL, and is no room that was allocated ahead.
    this.#buffer = Buffer.allocUnsafe(reach + (reach % 2));
  }

  /**
   * Read on.
   * @param atEnd decides about an event at the end of the file; told whether its last line has a newline
   * @returns undefined when the file does not hold what it held
   */
  read(generation: Generation, fd: number, atEnd: AtEnd): Turn | undefined {
    const { pipelines, remember } = this.#options;
    const { splitter, isDated } = pipelines.of(generation);
    if (isDated && generation.begins(utcDay(new Date(Date.now()).toISOString())!)) {
      remember(generation);
      return AGAIN;
    }
    if (generation.scan !== undefined) return this.#scan(generation, fd, generation.scan, atEnd);
    const start = generation.offset;
    const end = generation.endBehind(start) ?? Infinity;
    const count = readAt(fd, this.#buffer, start, Math.min(this.#buffer.length, end - start));
    // After the bytes: a file that still is what it was had not been truncated when they were read.
    if (!holds(generation, fd)) return undefined;
    const head = growHead(fd, generation.head, this.#declared);
    if (this.#begins(generation, head)) return AGAIN;
    generation.head = head;
    generation.withheld = false;
    const bytes = this.#buffer.subarray(0, count);
    const unit = unitOf(this.#declared, generation.head);
    const filled = withoutPadding(bytes, unit, start);
    generation.seen = Math.max(generation.seen, start + filled);
    if (beginsWithHole(bytes, unit, start)) return this.#skipHole(generation, fd, start);
    const chunk = this.#chunk(generation, bytes.subarray(0, filled), start);
    const full = filled === this.#buffer.length;
    const records: FileRecord[] = [];
    const take = this.#taker(generation, chunk, start, records);
    let { event, line } =
      generation.carriedAt(start)?.end === start + filled ? take.all() : splitter.split(chunk, take.event);
    if (full && event === 0) {
      const { byLine } = splitter;
      generation.scan = { position: start + (byLine && line > 0 ? line : chunk.whole), inLine: !byLine || line === 0 };
    } else if (!full && event < filled) {
      if (this.#endsHere(generation, start + filled, atEnd, line === filled, start + event)) {
        take.event(event, filled);
        event = filled;
      } else generation.withheld = true;
    }
    take.done();
    generation.inFlight += records.length;
    if (event > 0) this.#advance(generation, fd, start + event);
    return { records, bytes: event, more: full || start + event === end || (filled < count && event === filled) };
  }

  /** Nothing but NUL is at the reading place: the hole before a line, or room for the next one. */
  #skipHole(generation: Generation, fd: number, start: number): Turn {
    const found = findData(fd, Math.max(start, generation.looked), unitOf(this.#declared, generation.head));
    if (found.data === undefined) {
      generation.looked = found.looked;
      return { records: [], bytes: 0, more: !found.end };
    }
    this.#begins(generation, readHead(fd, found.data, this.#declared));
    this.#advance(generation, fd, found.data);
    return { records: [], bytes: found.data - start, more: true };
  }

  /**
   * Note how a file begins of which nothing was known: nothing but a hole, or half a character. A process that is
   * killed would find nothing else to know it by when it is rotated.
   * @returns whether this was news
   */
  #begins(generation: Generation, head: Head): boolean {
    if (generation.head.bytes.length > 0 || head.bytes.length === 0) return false;
    generation.head = head;
    this.#options.remember(generation);
    return true;
  }

  /**
   * The event that waits at the end of a file, together with the lines that go on with it in the file
   * that came after. Both are moved behind it.
   * @returns the record; undefined when nothing goes on there, or its end is not there yet
   */
  join(
    generation: Generation,
    fd: number,
    next: Generation,
    nextFd: number,
    quiet: boolean,
  ): FileRecord | 'wait' | undefined {
    const { pipelines, limit } = this.#options;
    const made = pipelines.of(generation);
    const { splitter } = made;
    if (
      !splitter.multiline ||
      splitter instanceof ContainerSplitter ||
      generation.scan !== undefined ||
      next.offset !== next.head.at
    )
      return undefined;
    const first = Buffer.alloc(limit + MARGIN);
    const firstEnd = generation.endBehind(generation.offset) ?? Infinity;
    const firstLength = readAt(fd, first, generation.offset, Math.min(first.length, firstEnd - generation.offset));
    const beginning = this.#chunk(generation, first.subarray(0, firstLength), generation.offset);
    if (firstLength === 0) return undefined;
    const carried = next.carriedAt(next.offset);
    // What was sent as the end of another event is no part of this one.
    if (carried === undefined ? beginning.lastLineEnd !== firstLength : !isCarriedOn(generation, next))
      return undefined;
    const bytes = Buffer.alloc(limit + MARGIN);
    const ended = next.endBehind(next.offset) ?? Infinity;
    const count = readAt(nextFd, bytes, next.offset, Math.min(bytes.length, ended - next.offset));
    const unit = unitOf(this.#declared, next.head);
    const filled = withoutPadding(bytes.subarray(0, count), unit, next.offset);
    const chunk = this.#chunk(next, bytes.subarray(0, filled), next.offset);
    // As of one encoding, they are one text.
    if (this.#encodingOf(next) !== this.#encodingOf(generation)) return undefined;
    // What became of a file that was truncated meanwhile is found out by the next scan.
    if (!holds(generation, fd) || !holds(next, nextFd)) return 'wait';
    if (beginsWithHole(bytes.subarray(0, count), unit, next.offset))
      return this.#skipHole(next, nextFd, next.offset).more ? 'wait' : undefined;
    const found = splitter.findEnd(chunk, false);
    let end = found.found;
    if (end === undefined) {
      if (chunk.length === bytes.length) return undefined;
      end = chunk.lastLineEnd;
      if (end > 0 && !this.#endsHere(next, next.offset + end, () => (quiet ? 'take' : 'wait'), true)) return 'wait';
      if (end === 0 && !quiet) return 'wait';
    }
    if (end === 0) return undefined;
    const whole = this.#chunk(
      generation,
      Buffer.concat([first.subarray(0, firstLength), bytes.subarray(next.offset === 0 ? chunk.mark : 0, end)]),
      generation.offset,
    );
    const joined = { generation: next, end: next.offset + end };
    const [record] = made.make(generation, whole, 0, whole.length, generation.offset, {
      end: generation.offset + firstLength,
      joined,
    });
    if (record !== undefined) {
      // Before either file is read again, the other may be lost, or written to.
      const noted = isCarriedOn(generation, next);
      const carry = (): void => {
        generation.endAt(record.end);
        next.carried = { id: record.id, end: joined.end, index: record.index };
      };
      if (!noted && !this.#note([generation, next], carry)) return 'wait';
      generation.inFlight += 1;
      next.inFlight += 1;
    }
    this.#advance(generation, fd, generation.offset + firstLength);
    this.#advance(next, nextFd, joined.end);
    return record;
  }

  /** Look for the end of an event that is longer than the buffer; then take its beginning. */
  #scan(generation: Generation, fd: number, { position, inLine }: Scan, atEnd: AtEnd): Turn | undefined {
    const ended = generation.endBehind(generation.offset) ?? Infinity;
    const count = readAt(fd, this.#buffer, position, Math.min(this.#buffer.length, ended - position));
    if (!holds(generation, fd)) return undefined;
    generation.seen = Math.max(generation.seen, position + count);
    const chunk = this.#chunk(generation, this.#buffer.subarray(0, count), position);
    const full = count === this.#buffer.length;
    const made = this.#options.pipelines.of(generation);
    const { splitter } = made;
    const result = splitter.findEnd(chunk, inLine);
    let end = result.found;
    if (result.found === undefined) {
      generation.scan = { position: position + result.next, inLine: result.inLine };
      if (full) return { records: [], bytes: 0, more: true };
      const last = position + count;
      if (!this.#endsHere(generation, last, atEnd, !result.inLine && result.next === count)) {
        generation.withheld = true;
        return { records: [], bytes: 0, more: false };
      }
      end = count;
    }
    generation.scan = undefined;
    generation.withheld = false;
    const start = generation.offset;
    const stop = position + end!;
    // No further than its end: what was too long may have been what comes behind it.
    const { limit } = this.#options;
    const most = splitter instanceof ContainerSplitter ? this.#buffer.length : limit + MARGIN;
    const length = readAt(fd, this.#buffer, start, Math.min(stop - start, most));
    const head = this.#chunk(generation, this.#buffer.subarray(0, length), start);
    const records = made.make(generation, head, 0, head.length, start, { end: stop, joined: undefined });
    const carried = generation.carriedAt(start);
    if (carried !== undefined) carryOver(records, carried);
    generation.inFlight += records.length;
    this.#advance(generation, fd, stop);
    return { records, bytes: stop - start, more: true };
  }

  /**
   * Whether an event ends at the end of what there is: because it did when it was read before, or because its time
   * is over, which is noted before it is sent. Otherwise what is added later would be lost under an id that the
   * store has.
   */
  #endsHere(
    generation: Generation,
    place: number,
    atEnd: AtEnd,
    terminated: boolean,
    event = generation.offset,
  ): boolean {
    const ended = generation.endsAt(place);
    const wish = atEnd({ event, terminated, ended });
    if (wish === 'join') return false;
    return ended || (wish === 'take' && this.#note([generation], () => generation.endAt(place)));
  }

  /** Change what is known of generations, and write that down; what cannot be written is not known. */
  #note(generations: readonly Generation[], change: () => void): boolean {
    const { noteEnd, now = () => performance.now() } = this.#options;
    if (now() < this.#noteAgainAt) return false;
    const before = generations.map(({ ends, carried }) => ({ ends, carried }));
    change();
    if (noteEnd?.(generations) ?? true) return true;
    this.#noteAgainAt = now() + NOTE_AGAIN;
    for (const [index, generation] of generations.entries()) Object.assign(generation, before[index]);
    return false;
  }

  #taker(
    generation: Generation,
    chunk: Chunk,
    start: number,
    records: FileRecord[],
  ): { event: OnEvent; all: () => Rest; done: () => void } {
    const made = this.#options.pipelines.of(generation);
    let empty = 0;
    const carried = generation.carriedAt(start);
    return {
      // One event, as it was sent, whatever begins an event by now.
      all: () => {
        const end = { end: start + chunk.length, joined: undefined };
        records.push(...made.make(generation, chunk, 0, chunk.length, start, end));
        return { event: chunk.length, line: chunk.length };
      },
      event: (from, to) => {
        // Empty lines are not events; a million of them costs a count.
        const length = to - from;
        if (length === chunk.unit && chunk.newline(from) === from) {
          empty += 1;
          return;
        }
        const end = { end: start + to, joined: undefined };
        records.push(...made.make(generation, chunk, from, to, start + from, end));
      },
      done: () => {
        if (empty > 0) this.#options.skipped('empty', empty);
        if (carried !== undefined) carryOver(records, carried);
      },
    };
  }

  get #declared(): FileEncoding {
    return this.#options.encoding ?? 'auto';
  }

  #encodingOf({ head }: Generation): Encoding {
    return encodingOf(this.#declared, head);
  }

  #chunk(generation: Generation, bytes: Buffer, position: number): Chunk {
    return new Chunk(bytes, this.#encodingOf(generation), position);
  }

  #advance(generation: Generation, fd: number, to: number): void {
    generation.advance(to, readTail(fd, to, generation.head.at));
  }
}

/** The first record of some that were read is what is left of an event. */
function carryOver(records: FileRecord[], carried: Carried): void {
  const [first] = records;
  if (first !== undefined && first.offset < carried.end) records[0] = new CarriedRecord(first, carried);
}

type Scan = NonNullable<Generation['scan']>;
