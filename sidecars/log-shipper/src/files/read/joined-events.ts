/** An event that waits at the end of a file, together with the lines that go on with it in the file that came after. */
import type { Chunk } from '../../lines/chunk.ts';
import { ContainerSplitter } from '../../lines/container-splitter.ts';
import { MARGIN } from '../../lines/document.ts';
import type { Splitter } from '../../lines/splitter.ts';
import { holds, readAt } from '../tracked/content.ts';
import type { EventEnds } from './event-ends.ts';
import type { FileRecord } from './file-record.ts';
import { isCarriedOn, type TrackedFile } from '../tracked/tracked-file.ts';
import { beginsWithHole, withoutPadding } from '../tracked/holes.ts';
import type { Pipelines } from './pipelines.ts';
import type { ReadingPlace } from './reading-place.ts';

export interface JoinedEventsOptions {
  readonly pipelines: Pick<Pipelines, 'of'>;
  /** The most bytes of an event's text. */
  readonly limit: number;
}

/** The bytes at the reading place of a tracked file. */
interface Part {
  readonly tracked: TrackedFile;
  readonly fd: number;
  readonly bytes: Buffer;
}

export class JoinedEvents {
  readonly #options: JoinedEventsOptions;
  readonly #place: ReadingPlace;
  readonly #ends: EventEnds;

  constructor(options: JoinedEventsOptions, place: ReadingPlace, ends: EventEnds) {
    this.#options = options;
    this.#place = place;
    this.#ends = ends;
  }

  /**
   * Read the event in both files, and move both behind it.
   * @param quiet whether so much time has passed that nothing more of it is expected in the second file
   * @returns the record; undefined when nothing goes on there, or its end is not there yet
   */
  join(
    tracked: TrackedFile,
    fd: number,
    next: TrackedFile,
    nextFd: number,
    quiet: boolean,
  ): FileRecord | 'wait' | undefined {
    const { splitter } = this.#options.pipelines.of(tracked);
    if (!splitter.multiline || splitter instanceof ContainerSplitter) return undefined;
    if (tracked.scan !== undefined || next.offset !== next.head.at) return undefined;
    const first = this.#read(tracked, fd);
    if (first.bytes.length === 0 || !this.#isOpen(first, next)) return undefined;
    const second = this.#read(next, nextFd);
    // As of one encoding, they are one text.
    if (this.#place.encodingOf(next) !== this.#place.encodingOf(tracked)) return undefined;
    // What became of a file that was truncated meanwhile is found out by the next scan.
    if (!holds(tracked, fd) || !holds(next, nextFd)) return 'wait';
    const unit = this.#place.unitOf(next);
    if (beginsWithHole(second.bytes, unit, next.offset, next.offset <= next.head.at))
      return (this.#place.skipHole(next, nextFd, next.offset)?.more ?? true) ? 'wait' : undefined;
    const filled = withoutPadding(second.bytes, unit, next.offset);
    const chunk = this.#place.chunk(next, second.bytes.subarray(0, filled), next.offset);
    const end = this.#endIn(splitter, chunk, next, quiet);
    return typeof end === 'number' ? this.#take(first, second, chunk, end) : end;
  }

  /** Read of each file, in bytes. */
  get #most(): number {
    return this.#options.limit + MARGIN;
  }

  #read(tracked: TrackedFile, fd: number): Part {
    const bytes = Buffer.alloc(this.#most);
    const ended = tracked.endBehind(tracked.offset) ?? Infinity;
    const count = readAt(fd, bytes, tracked.offset, Math.min(bytes.length, ended - tracked.offset));
    return { tracked, fd, bytes: bytes.subarray(0, count) };
  }

  /** Whether an event may go on in the next file. What was sent as the end of another event is no part of this one. */
  #isOpen({ tracked, bytes }: Part, next: TrackedFile): boolean {
    if (next.carriedAt(next.offset) !== undefined) return isCarriedOn(tracked, next);
    return this.#place.chunk(tracked, bytes, tracked.offset).lastLineEnd === bytes.length;
  }

  /** Where the event ends in the second file. */
  #endIn(splitter: Splitter, chunk: Chunk, next: TrackedFile, quiet: boolean): number | 'wait' | undefined {
    const { found } = splitter.findEnd(chunk, false);
    if (found !== undefined) return found === 0 ? undefined : found;
    // Longer than an event may be.
    if (chunk.length === this.#most) return undefined;
    const end = chunk.lastLineEnd;
    if (end === 0) return quiet ? undefined : 'wait';
    return this.#ends.endsAt(next, next.offset + end, () => (quiet ? 'take' : 'wait'), true) ? end : 'wait';
  }

  /** The record of both, where it is one; it is noted whose the lines of the second file are. */
  #take(first: Part, second: Part, chunk: Chunk, end: number): FileRecord | 'wait' | undefined {
    const { tracked, fd, bytes } = first;
    const { tracked: next, fd: nextFd } = second;
    const whole = this.#place.chunk(
      tracked,
      Buffer.concat([bytes, second.bytes.subarray(next.offset === 0 ? chunk.mark : 0, end)]),
      tracked.offset,
    );
    const firstEnd = tracked.offset + bytes.length;
    const joined = { tracked: next, end: next.offset + end };
    const made = this.#options.pipelines.of(tracked);
    const [record] = made.make(tracked, whole, 0, whole.length, tracked.offset, { end: firstEnd, joined });
    if (record !== undefined) {
      // Before either file is read again, the other may be lost, or written to.
      const noted = isCarriedOn(tracked, next);
      const carry = (): void => {
        tracked.endAt(record.end);
        next.carried = { id: record.id, end: joined.end, index: record.index };
      };
      if (!noted && !this.#ends.note([tracked, next], carry)) return 'wait';
    }
    const records = record === undefined ? 0 : 1;
    if (!this.#place.advance(tracked, fd, firstEnd, records, bytes)) return 'wait';
    // Of this one, nothing was read before.
    this.#place.advance(next, nextFd, joined.end, records, second.bytes);
    return record;
  }
}
