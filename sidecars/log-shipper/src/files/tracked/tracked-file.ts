/**
 * One run of content: what a file holds from its creation, or from its truncation, until its next.
 * It keeps its id when the file is renamed, copied away by copytruncate, or moved to another disk.
 */
import { member } from '../../lines/document.ts';
import { ATTACHED, type State } from './state.ts';
import type { Unpacked } from './unpacked.ts';
import { NO_HEAD, NO_TAIL, type Head, type Tail } from './content.ts';

/** A place that was read up to, with what stood before it. */
interface Mark {
  readonly end: number;
  readonly tail: Tail;
}

/** The day from a place on, `2026.11.21`. */
export interface Day {
  readonly from: number;
  readonly day: string;
}

/** The beginning of a tracked file, as far as it was sent as the end of an event that began in another one. */
export interface Carried {
  /** The event's. */
  readonly id: string;
  /** Where its lines end here. */
  readonly end: number;
  /** Where it was sent to; undefined, where all are. */
  readonly index?: string | undefined;
}

/** What is gone of a content that was seen and not read, in bytes. */
export interface Loss {
  readonly bytes: number;
  /** So many of them an earlier process may have sent: it was killed, and the store's answer was not written down. */
  readonly unconfirmed: number;
}

export interface Stat {
  /** Device and inode. */
  readonly key: string;
  readonly size: number;
  /** Changes with every write, truncation and rename: times, and the size, which grows while a long write is under way. */
  readonly stamp: string;
  readonly links: number;
}

/** When a file was written last, in nanoseconds since the epoch. */
export const writtenAt = ({ stamp }: Pick<Stat, 'stamp'>): bigint => BigInt(stamp.slice(0, stamp.indexOf(':')));

/** A file as it is until it is written to again, whatever it is called. */
export const versionOf = (stat: Pick<Stat, 'key' | 'size' | 'stamp'>): string =>
  `${stat.key} ${stat.size} ${writtenAt(stat)}`;

export class TrackedFile {
  readonly id: string;
  /** The path that the content was written to, whatever it was renamed to since; its source. */
  readonly home: string;
  /** The file that has it: device and inode; empty when none is known to. */
  key: string;
  path: string;
  head: Head = NO_HEAD;
  /** Up to where it was read: the beginning of an event that is not read yet. */
  offset = 0;
  tail: Tail = NO_TAIL;
  /** Up to where the store has it. */
  acked = 0;
  ackedTail: Tail = NO_TAIL;
  /**
   * Where time ended an event, not another event, in their order. An event that is read again ends there again,
   * whatever was written behind it since.
   */
  ends: readonly number[] = [];
  /** Noted before it is sent: read again without the other tracked file, these lines are still that event. */
  carried: Carried | undefined;
  /** Records offered and not settled. */
  inFlight = 0;
  /** The one that is to be read first, up to a place: Infinity, to its end. */
  after: { readonly tracked: TrackedFile; readonly offset: number } | undefined;
  /** What came after its end is lost: an event there goes on nowhere else. */
  severed = false;
  /** Where its content is: state.ts has all that changes it. */
  state: State<TrackedFile> = ATTACHED;

  fd: number | undefined;
  /** Compressed files that were looked into and hold something else, or not all of it yet, by what they were then. */
  readonly notIn = new Set<string>();
  /** Up to where there is nothing but NUL behind the reading place. */
  looked = 0;
  /** Size and stamp at the last look. */
  size = 0;
  stamp = '';
  links = 1;
  /** When the file was last seen to change. */
  changedAt = 0;
  /** Whether a look at the file is due though nothing changed. */
  unread = true;
  /** An event at the end waits for more of it. */
  withheld = false;
  /** Until when. */
  withheldUntil = 0;
  /** How far the end of a long event was looked for. */
  scan: { position: number; inLine: boolean } | undefined;
  /** Its stamp when a scan last compared it with head and tail; empty before this process did. */
  comparedAt = '';
  /**
   * Up to where it was seen to reach, by a size that was asked before the content was compared: what a file was
   * asked for otherwise may be the size of what took its place.
   */
  seen = 0;
  /** The same, by an earlier process: what is shorter now is not all that was sent. */
  seenBefore = 0;
  /** Members that are the same for every line of it, as JSON text. */
  readonly members: string;
  /** On which day lines were first read, by the place of the first; where the index depends on it. */
  days: Day[] = [];
  /** Up to where an earlier process may have read, and sent: that keeps its day. Undefined until the size is known. */
  readBefore: number | undefined = 0;
  readonly #marks: Mark[] = [];

  constructor(id: string, home: string, key: string, path: string) {
    this.id = id;
    this.home = home;
    this.members = member('log.file.path', home);
    this.key = key;
    this.path = path;
  }

  /** What it is a copy of: it is not read while the other one is. */
  get copyOf(): TrackedFile | undefined {
    return this.state.is === 'copied' ? this.state.of : undefined;
  }

  /** Its content in a compressed file, when no other has it. */
  get packed(): Unpacked | undefined {
    return this.state.is === 'packed' ? this.state.content : undefined;
  }

  /** Nothing more is read of it. */
  get finished(): boolean {
    return this.state.is === 'finished';
  }

  /** When no path led to its file any more. */
  get detachedAt(): number | undefined {
    return this.state.is === 'attached' ? undefined : this.state.since;
  }

  /** Move the reading place; what is before it needs no record, or has one. */
  advance(end: number, tail: Tail): void {
    this.offset = end;
    this.tail = tail;
    if (this.inFlight === 0) {
      this.acked = end;
      this.ackedTail = tail;
    } else this.#marks.push({ end, tail });
  }

  /**
   * It was seen to reach up to a place, and no further.
   * @returns what was seen and not read, and is gone. What was allocated ahead is not written yet
   */
  reaches(size: number): Loss {
    const from = Math.max(this.offset, this.looked, size);
    const bytes = Math.max(0, this.seen - from);
    this.seen = size;
    return { bytes, unconfirmed: Math.min(bytes, Math.max(0, (this.readBefore ?? Infinity) - from)) };
  }

  /** A record that ends at a place is settled. */
  settle(end: number, count = 1): void {
    this.inFlight -= count;
    this.acked = Math.max(this.acked, end);
    if (this.inFlight === 0 && this.offset >= this.acked) {
      this.acked = this.offset;
      this.ackedTail = this.tail;
      this.#marks.length = 0;
      return;
    }
    let passed = 0;
    while (passed < this.#marks.length && this.#marks[passed]!.end <= this.acked) passed++;
    if (passed === 0) return;
    this.ackedTail = this.#marks[passed - 1]!.tail;
    this.#marks.splice(0, passed);
  }

  /** Time has ended an event at a place. */
  endAt(place: number): void {
    this.ends = [...this.openEnds.filter((each) => each !== place), place];
  }

  /** Those that the store has not come to. */
  get openEnds(): readonly number[] {
    return this.ends.filter((each) => each > this.acked);
  }

  /** Where the event ends that begins at a place or later, if that was noted: time has ended it, or it was carried over. */
  endBehind(place: number): number | undefined {
    return this.carriedAt(place)?.end ?? this.ends.find((each) => each > place);
  }

  /** What the store has not come to of the event that is carried over. */
  get openCarried(): Carried | undefined {
    return this.carriedAt(this.acked);
  }

  /** Whether an event that comes to a place ends there, whatever follows. */
  endsAt(place: number): boolean {
    return this.ends.includes(place) || this.carried?.end === place;
  }

  /** The event of another tracked file that the lines at a place belong to. */
  carriedAt(place: number): Carried | undefined {
    return this.carried !== undefined && place < this.carried.end ? this.carried : undefined;
  }

  /** Bytes of the file that the store does not have. */
  get lag(): number {
    // What was allocated ahead is not written yet.
    const padding = this.acked === this.offset && this.looked >= this.size;
    // How much a compressed file holds is not known before it is unpacked.
    const size = this.packed === undefined ? this.size : Math.max(this.packed.size, this.packed.ended ? 0 : this.seen);
    return padding ? 0 : Math.max(0, size - this.acked);
  }

  /**
   * It is read on, on this day.
   * @returns whether that is a new day, which must be in the registry before anything is sent
   */
  begins(day: string): boolean {
    this.readBefore ??= this.size;
    if (this.days.at(-1)?.day === day || (this.days.length > 0 && this.offset < this.readBefore)) return false;
    this.days = [
      ...this.days.filter(({ from }, at, all) => (all[at + 1]?.from ?? Infinity) > this.acked || from > this.acked),
      { from: this.offset, day },
    ];
    return true;
  }

  /** The day on which a line was first read. */
  dayOf(offset: number): string | undefined {
    return (this.days.findLast(({ from }) => from <= offset) ?? this.days[0])?.day;
  }

  /** The id of the event at a place. */
  idAt(offset: number): string {
    return `${this.id}-${offset.toString(36)}`;
  }
}

/** Whether the event at a place of a tracked file goes on in another one, as it was noted. */
export function isCarriedOn(tracked: TrackedFile, next: TrackedFile, place = tracked.offset): boolean {
  return next.carriedAt(next.offset)?.id === tracked.idAt(place);
}
