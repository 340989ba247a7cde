/**
 * The file input: looks at all paths now and then, at files that change more often, and reads what is
 * new, a chunk of each file in turn. What the delivery has no room for stays in the files.
 */
import { pause } from '#kit/backoff.ts';
import type { Delivery, Settled } from '../record.ts';
import { FileRecord } from './file-record.ts';
import { isCarriedOn, type Generation } from './generation.ts';
import { headWithin, holds } from './identity.ts';
import type { Ledger } from './ledger.ts';
import type { OpenFiles, Refusal } from './open-files.ts';
import { NOTE_AGAIN } from './event-ends.ts';
import type { Reader } from './reader.ts';
import type { AtEnd, Turn } from './turn.ts';
import type { Tracker } from './tracker.ts';
import type { Unpacked } from './unpacked.ts';

/** A file that changed this long ago is looked at at every poll, in milliseconds. */
const HOT = 10_000;
/** How long the end of a file is given after its successor has begun, in milliseconds. */
const GRACE = 1000;

export interface FileInputOptions {
  readonly ledger: Ledger;
  readonly tracker: Tracker;
  readonly reader: Reader;
  readonly files: OpenFiles;
  readonly delivery: Pick<Delivery, 'offer'>;
  /** All in milliseconds. */
  readonly pollInterval: number;
  readonly scanInterval: number;
  readonly partialTimeout: number;
  readonly multilineTimeout: number;
  /** How long a file is kept open that no path leads to, from its last change on. */
  readonly linger: number;
  /** How long a deleted file is kept open that is not read to its end. */
  readonly deletedTimeout: number;
  readonly onRead: (records: number, bytes: number) => void;
  readonly onScan: () => void;
  readonly onLost: (generation: Generation, bytes: number, reason: 'deleted' | 'truncated') => void;
  /** A monotonic clock in milliseconds; a test's seam. */
  readonly now?: () => number;
}

export class FileInput {
  readonly #options: FileInputOptions;
  readonly #now: () => number;

  constructor(options: FileInputOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Read until told to stop.
   * @param signal ends it between two chunks
   */
  async run(signal: AbortSignal): Promise<void> {
    const { scanInterval, pollInterval } = this.#options;
    // Also while reading waits for the store: a file must be open before it is deleted.
    const timer = setInterval(() => this.scan(), scanInterval);
    this.scan();
    while (!signal.aborted) {
      await this.step(signal);
      await pause(this.#hot() ? pollInterval : scanInterval, signal).catch(() => {});
    }
    clearInterval(timer);
  }

  /** Look at all paths. */
  scan(): void {
    this.#options.tracker.scan(this.#now());
    this.#letGo();
    this.#options.onScan();
  }

  /** Read all that there is to read now. */
  async step(signal?: AbortSignal): Promise<void> {
    for (let again = true; again;) {
      again = false;
      this.#poll();
      for (const generation of this.#options.ledger.generations) {
        if (signal?.aborted) return;
        if (!this.#due(generation)) continue;
        if (generation.packed !== undefined && !(await this.#unpack(generation, generation.packed))) continue;
        const records = this.#turn(generation);
        if (records === undefined) continue;
        again = true;
        if (records.length > 0) await this.#options.delivery.offer(records);
        // While there is room, nothing else would have its turn: the answer of the store, for one, which then waits.
        await immediate();
      }
    }
  }

  /**
   * Note what is settled.
   * @returns the generations that it moved
   */
  settled(settled: readonly Settled[]): Set<Generation> {
    const moved = new Set<Generation>();
    for (const { record } of settled) {
      if (!(record instanceof FileRecord)) continue;
      const { generation, end, joined } = record;
      generation.settle(end);
      moved.add(generation);
      if (joined === undefined) continue;
      joined.generation.settle(joined.end);
      moved.add(joined.generation);
    }
    return moved;
  }

  #hot(): boolean {
    const now = this.#now();
    for (const { fd, changedAt, unread, withheld } of this.#options.ledger.generations)
      if (unread || withheld || (fd !== undefined && now - changedAt < HOT)) return true;
    return false;
  }

  /** Ask the files that are open whether they changed; all others are seen by the next scan. */
  #poll(): void {
    const now = this.#now();
    for (const generation of this.#options.ledger.generations) {
      const { fd, detachedAt, changedAt } = generation;
      if (fd === undefined || (detachedAt === undefined && now - changedAt > HOT)) continue;
      const { size, stamp, links } = this.#options.files.stat(fd);
      generation.links = links;
      if (stamp === generation.stamp && size === generation.size) continue;
      Object.assign(generation, { size, stamp, changedAt: now, unread: true });
    }
  }

  #due(generation: Generation): boolean {
    if (!this.#options.ledger.readable(generation)) return false;
    if (generation.after !== undefined && !this.#turnHasCome(generation)) return false;
    if (generation.unread) return true;
    if (!generation.withheld || this.#now() < generation.withheldUntil) return false;
    // That one's turn takes both.
    return !this.#mayGoOn(generation, generation.offset);
  }

  /** Whether an event at the end of a file may go on, or has gone on, in the file that came after. */
  #mayGoOn(generation: Generation, event: number): false | 'maybe' | 'noted' {
    for (const next of this.#options.ledger.generations) {
      if (next.after?.generation !== generation) continue;
      const noted = isCarriedOn(generation, next, event);
      // Sent again without the other's lines, these would be taken for what the store has.
      if (noted && (isAstray(next) || (next.stamp === '' && !isGone(next)))) return 'noted';
      if (!next.unread || !this.#reachable(next)) continue;
      if (noted) return 'noted';
      if (!generation.severed) return 'maybe';
    }
    return false;
  }

  /** Whether there is a file to read a generation from. */
  #reachable(generation: Generation): boolean {
    const { detachedAt, fd, packed } = generation;
    return this.#options.ledger.readable(generation) && (detachedAt === undefined || (packed?.fd ?? fd) !== undefined);
  }

  /**
   * Have what a compressed file holds at the reading place unpacked.
   * @returns whether a turn can be taken
   */
  async #unpack(generation: Generation, packed: Unpacked): Promise<boolean> {
    const { offset, scan, tail } = generation;
    const { reader, tracker, ledger } = this.#options;
    // What an earlier process has read is known by what stood before a place that the store has passed since.
    const from = tail.length === 0 ? offset : Math.min(offset, tail.at);
    try {
      while (!packed.ended && packed.size < (scan?.position ?? offset) + reader.reach) await packed.more(from);
    } catch (error) {
      // Of a damaged file, what comes before the damage is not believed either.
      tracker.refuse(generation, error);
      if (generation.packed === packed) ledger.lose(generation);
    }
    // Meanwhile a scan may have let it go.
    if (generation.packed !== packed) return false;
    const head = packed.ended ? headWithin(generation.head, packed.size) : generation.head;
    if (holds({ offset, tail, head }, packed.fd, packed.size)) {
      if (head !== generation.head || (packed.ended && packed.size < Math.max(generation.seen, generation.seenBefore)))
        Object.assign(generation, { head, severed: true });
      // So that the next process knows, too.
      if (generation.severed && packed.ended && !generation.ends.includes(packed.size)) {
        generation.endAt(packed.size);
        ledger.remember(generation);
      }
      return true;
    }
    // It begins like it, and is another: look for the next one.
    ledger.lose(generation);
    tracker.scan(this.#now());
    return false;
  }

  /** What a generation is read from. */
  #contentOf(generation: Generation): number | Refusal {
    return generation.packed?.fd ?? this.#options.files.hold(generation);
  }

  /** Whether what came before a generation was read, or all but an event that waits at its end. */
  #turnHasCome(generation: Generation): boolean {
    while (generation.after !== undefined) {
      const { generation: before, offset } = generation.after;
      if (isAstray(before)) return false;
      if (!this.#reachable(before) || before.offset >= offset) {
        if (isGone(before) && before.after !== undefined) before.after.generation.severed = true;
        generation.after = before.after;
        continue;
      }
      if (!this.#turnHasCome(before)) return false;
      // Without a stamp: it was renamed just now, and the next scan finds it.
      if (before.unread || before.stamp === '') return false;
      if (before.withheld) {
        const goesOn = !before.severed || isCarriedOn(before, generation);
        return goesOn && generation.unread && this.#now() - before.changedAt >= GRACE;
      }
      generation.after = undefined;
    }
    return true;
  }

  /**
   * One chunk of a file.
   * @returns its records; undefined when there is nothing to do for now
   */
  #turn(generation: Generation): readonly FileRecord[] | undefined {
    const { ledger, tracker, files, onRead } = this.#options;
    const before = generation.after?.generation;
    if (before !== undefined) {
      const from = before.offset + generation.offset;
      const tail = this.#takeTail(before, generation);
      const bytes = before.offset + generation.offset - from;
      if (bytes > 0) onRead(tail?.length ?? 0, bytes);
      // What comes later waits for it when its end could not be written down.
      if (tail !== undefined && !before.withheld) generation.after = undefined;
      return tail;
    }
    const fd = this.#contentOf(generation);
    if (typeof fd === 'string') {
      // The next scan finds out what became of it.
      generation.unread = false;
      generation.stamp = '';
      return undefined;
    }
    let turn: Turn | undefined;
    try {
      if (generation.packed !== undefined) generation.size = generation.packed.size;
      else {
        const { size, stamp, links } = files.stat(fd);
        if (stamp !== generation.stamp) generation.changedAt = this.#now();
        Object.assign(generation, { size, stamp, links });
      }
      if (generation.size >= generation.offset) turn = this.#read(generation, fd, this.#atEnd(generation));
    } catch (error) {
      tracker.refuse(generation, error);
      return undefined;
    }
    if (turn === undefined) {
      ledger.lose(generation);
      // At once: a copy of it may soon be compressed.
      tracker.scan(this.#now());
      return [];
    }
    generation.unread = turn.more;
    if (turn.bytes > 0) onRead(turn.records.length, turn.bytes);
    return turn.records;
  }

  #read(generation: Generation, fd: number, atEnd: AtEnd): Turn | undefined {
    const turn = this.#options.reader.read(generation, fd, atEnd);
    // Its time is over, and that could not be written down: the disk is full, for one.
    const now = this.#now();
    if (generation.withheld && generation.withheldUntil <= now) generation.withheldUntil = now + NOTE_AGAIN;
    return turn;
  }

  /** The event at the end of a file that was followed by another, together with what goes on there. */
  #takeTail(before: Generation, next: Generation): readonly FileRecord[] | undefined {
    const { reader, multilineTimeout } = this.#options;
    const fd = this.#contentOf(before);
    const nextFd = this.#contentOf(next);
    for (const [generation, held] of [
      [before, fd],
      [next, nextFd],
    ] as const) {
      if (typeof held === 'number') continue;
      // The next scan finds out what became of it.
      generation.unread = false;
      generation.stamp = '';
      return undefined;
    }
    if (typeof fd === 'string' || typeof nextFd === 'string') return undefined;
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

  #atEnd(generation: Generation): AtEnd {
    return ({ terminated, event, ended }) => {
      const { multilineTimeout, partialTimeout, linger } = this.#options;
      const patience = terminated ? multilineTimeout : partialTimeout;
      const until =
        generation.changedAt + (generation.detachedAt === undefined ? patience : Math.min(patience, linger));
      generation.withheldUntil = until;
      const isOver = this.#now() >= until;
      if (!isOver && !ended) return 'wait';
      const goesOn = this.#mayGoOn(generation, event);
      if (goesOn === 'noted') return 'join';
      return isOver && goesOn === false ? 'take' : 'wait';
    };
  }

  /** Close files that no path leads to any more. */
  #letGo(): void {
    const { ledger, files, linger, deletedTimeout, onLost } = this.#options;
    const now = this.#now();
    for (const generation of ledger.generations) {
      const { detachedAt, fd, packed, changedAt, links, unread, withheld } = generation;
      if (packed?.ended && !unread && !withheld) {
        onLost(generation, generation.reaches(packed.size), 'truncated');
        ledger.finish(generation);
      }
      if (fd === undefined || detachedAt === undefined) continue;
      const read = !unread && !withheld;
      if (read && now - Math.max(detachedAt, changedAt) >= linger) {
        if (links === 0) ledger.finish(generation);
        else files.release(generation);
      } else if (!read && links === 0 && now - detachedAt >= deletedTimeout) {
        onLost(generation, generation.left, 'deleted');
        ledger.finish(generation);
      }
    }
  }
}

/** Whether nothing is known that has a generation's content. */
function isGone({ key, detachedAt, fd, packed }: Generation): boolean {
  return (key === '' || detachedAt !== undefined) && fd === undefined && packed === undefined;
}

/** Whether the next scan has yet to find out where a generation's content is. */
function isAstray(generation: Generation): boolean {
  return isGone(generation) && !generation.sought && !generation.finished;
}

/** Let everything else have its turn. */
function immediate(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
