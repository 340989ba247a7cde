/**
 * Takes a turn at a file for the input: opens it, reads a chunk of it, or of two files the event that both share,
 * and notes what that tells of the file.
 */
import { attempt } from '../tracked/error-code.ts';
import { NOTE_AGAIN } from './event-ends.ts';
import type { FileRecord } from './file-record.ts';
import type { TrackedFile } from '../tracked/tracked-file.ts';
import { isTelling } from '../tracked/content.ts';
import { isCutOff } from '../rotation/match.ts';
import type { FileTable } from '../table/file-table.ts';
import type { OpenFiles, Refusal } from '../table/open-files.ts';
import type { Reader } from './reader.ts';
import type { ReadOrder } from './read-order.ts';
import type { Tracker } from '../scan/tracker.ts';
import type { AtEnd, Turn } from './turn.ts';

export interface ChunkSchedulerOptions {
  readonly table: Pick<FileTable, 'lose' | 'lookAgain'>;
  readonly tracker: Pick<Tracker, 'refuse' | 'scan'>;
  readonly reader: Pick<Reader, 'read' | 'join'>;
  readonly files: Pick<OpenFiles, 'hold' | 'stat'>;
  /** All in milliseconds. */
  readonly partialTimeout: number;
  readonly multilineTimeout: number;
  /** How long a file is kept open that no path leads to, from its last change on. */
  readonly linger: number;
  readonly onRead: (records: number, bytes: number) => void;
}

export class ChunkScheduler {
  readonly #options: ChunkSchedulerOptions;
  readonly #order: ReadOrder;
  readonly #now: () => number;

  /** @param now a monotonic clock in milliseconds */
  constructor(options: ChunkSchedulerOptions, order: ReadOrder, now: () => number) {
    this.#options = options;
    this.#order = order;
    this.#now = now;
  }

  /**
   * One chunk of a file.
   * @returns its records; undefined when there is nothing to do for now
   */
  take(tracked: TrackedFile): readonly FileRecord[] | undefined {
    const before = tracked.after?.tracked;
    return before === undefined ? this.#takeChunk(tracked) : this.#takeEnd(before, tracked);
  }

  #takeChunk(tracked: TrackedFile): readonly FileRecord[] | undefined {
    const { table, tracker, onRead } = this.#options;
    const fd = this.#contentOf(tracked);
    if (typeof fd === 'string') return this.#miss(tracked);
    let turn: Turn | undefined;
    try {
      this.#look(tracked, fd);
      const { size, offset: read, seen, head } = tracked;
      if (!isCutOff({ size, read, seen, isTelling: isTelling(head) }))
        turn = this.#read(tracked, fd, this.#atEnd(tracked));
    } catch (error) {
      tracker.refuse(tracked, error);
      return undefined;
    }
    if (turn === undefined) {
      table.lose(tracked);
      // At once: a copy of it may soon be compressed.
      tracker.scan(this.#now());
      return [];
    }
    tracked.unread = turn.more;
    if (turn.bytes > 0) onRead(turn.records.length, turn.bytes);
    return turn.records;
  }

  /** The event at the end of a file that was followed by another. */
  #takeEnd(before: TrackedFile, next: TrackedFile): readonly FileRecord[] | undefined {
    const from = before.offset + next.offset;
    const records = attempt(
      () => this.#readEnd(before, next),
      () => {
        this.#miss(before);
        return this.#miss(next);
      },
    );
    const bytes = before.offset + next.offset - from;
    if (bytes > 0) this.#options.onRead(records?.length ?? 0, bytes);
    // What comes later waits for it when its end could not be written down.
    if (records !== undefined && !before.withheld) next.after = undefined;
    return records;
  }

  /** The same, together with what goes on there, where anything does. */
  #readEnd(before: TrackedFile, next: TrackedFile): readonly FileRecord[] | undefined {
    const { reader, multilineTimeout } = this.#options;
    const fd = this.#contentOf(before);
    const nextFd = this.#contentOf(next);
    if (typeof fd === 'string') return this.#miss(before);
    if (typeof nextFd === 'string') return this.#miss(next);
    const quiet = this.#now() - next.changedAt >= multilineTimeout;
    const joined = reader.join(before, fd, next, nextFd, quiet);
    if (joined === 'wait') return undefined;
    if (joined !== undefined) {
      // What was written to it late comes behind.
      Object.assign(before, { withheld: false, unread: before.size > before.offset });
      return [joined];
    }
    const records = this.#read(before, fd, () => 'take')?.records ?? [];
    return before.withheld && records.length === 0 ? undefined : records;
  }

  /** What a tracked file is read from. */
  #contentOf(tracked: TrackedFile): number | Refusal {
    return tracked.packed?.fd ?? this.#options.files.hold(tracked);
  }

  /** It could not be opened. The next scan finds out what became of it. */
  #miss(tracked: TrackedFile): undefined {
    this.#options.table.lookAgain(tracked);
  }

  #look(tracked: TrackedFile, fd: number): void {
    if (tracked.packed !== undefined) {
      tracked.size = tracked.packed.size;
      return;
    }
    const { size, stamp, links } = this.#options.files.stat(fd);
    if (stamp !== tracked.stamp) tracked.changedAt = this.#now();
    Object.assign(tracked, { size, stamp, links });
  }

  #read(tracked: TrackedFile, fd: number, atEnd: AtEnd): Turn | undefined {
    const turn = this.#options.reader.read(tracked, fd, atEnd);
    // Its time is over, and that could not be written down: the disk is full, for one.
    const now = this.#now();
    if (tracked.withheld && tracked.withheldUntil <= now) tracked.withheldUntil = now + NOTE_AGAIN;
    return turn;
  }

  #atEnd(tracked: TrackedFile): AtEnd {
    return ({ terminated, event, ended }) => {
      const { multilineTimeout, partialTimeout, linger } = this.#options;
      const patience = terminated ? multilineTimeout : partialTimeout;
      const until = tracked.changedAt + (tracked.detachedAt === undefined ? patience : Math.min(patience, linger));
      tracked.withheldUntil = until;
      const isOver = this.#now() >= until;
      if (!isOver && !ended) return 'wait';
      const goesOn = this.#order.mayGoOn(tracked, event);
      if (goesOn === 'noted') return 'join';
      return isOver && goesOn === false ? 'take' : 'wait';
    };
  }
}
