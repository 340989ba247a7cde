/**
 * The order of tracked files of one path: whose turn has come, and whether the event at the end of one may go on in
 * the one that came after it.
 */
import { isCarriedOn, type TrackedFile } from '../tracked/tracked-file.ts';
import type { FileTable } from '../table/file-table.ts';
import { isSearched } from '../tracked/state.ts';

/** How long the end of a file is given after its successor has begun, in milliseconds. */
const GRACE = 1000;
/** How long lines wait for the file in which their event begins, while that cannot be read, in milliseconds. */
const PATIENCE = 10_000;

export class ReadOrder {
  readonly #table: Pick<FileTable, 'trackedFiles' | 'readable'>;
  readonly #now: () => number;
  /** Since when a tracked file waits for the beginning of an event. */
  readonly #waiting = new WeakMap<TrackedFile, number>();

  /** @param now a monotonic clock in milliseconds */
  constructor(table: Pick<FileTable, 'trackedFiles' | 'readable'>, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  /** Whether there is something to do for a tracked file now, as far as is known. */
  isDue(tracked: TrackedFile): boolean {
    if (!this.#table.readable(tracked)) return false;
    if (tracked.after !== undefined && !this.#turnHasCome(tracked)) return false;
    if (tracked.unread) return true;
    if (!tracked.withheld || this.#now() < tracked.withheldUntil) return false;
    // That one's turn takes both.
    return !this.mayGoOn(tracked, tracked.offset);
  }

  /** Whether an event at the end of a file may go on, or has gone on, in the file that came after. */
  mayGoOn(tracked: TrackedFile, event: number): false | 'maybe' | 'noted' {
    for (const next of this.#table.trackedFiles) {
      if (next.after?.tracked !== tracked) continue;
      const noted = isCarriedOn(tracked, next, event);
      // Sent again without the other's lines, these would be taken for what the store has.
      if (noted && (isAstray(next) || (next.stamp === '' && !isGone(next)))) return 'noted';
      if (!next.unread || !this.#reachable(next)) continue;
      if (noted) return 'noted';
      if (!tracked.severed) return 'maybe';
    }
    return false;
  }

  /**
   * Whether the lines at the reading place go on with an event of a file that cannot be read now. Sent without it, they would
   * have the event's id, and what begins it would be taken for what the store has.
   */
  #awaits(before: TrackedFile, tracked: TrackedFile): boolean {
    if (!isCarriedOn(before, tracked) || this.#reachable(before) || isGone(before)) return false;
    const since = this.#waiting.get(tracked) ?? this.#now();
    this.#waiting.set(tracked, since);
    return this.#now() - since < PATIENCE;
  }

  /** Whether what came before a tracked file was read, or all but an event that waits at its end. */
  #turnHasCome(tracked: TrackedFile): boolean {
    while (tracked.after !== undefined) {
      const { tracked: before, offset } = tracked.after;
      if (isAstray(before) || this.#awaits(before, tracked)) return false;
      if (!this.#reachable(before) || before.offset >= offset) {
        if (isGone(before) && before.after !== undefined) before.after.tracked.severed = true;
        tracked.after = before.after;
        continue;
      }
      if (!this.#turnHasCome(before)) return false;
      // Without a stamp: it was renamed just now, and the next scan finds it.
      if (before.unread || before.stamp === '') return false;
      if (before.withheld) {
        const goesOn = !before.severed || isCarriedOn(before, tracked);
        return goesOn && tracked.unread && this.#now() - before.changedAt >= GRACE;
      }
      tracked.after = undefined;
    }
    return true;
  }

  /** Whether there is a file to read a tracked file from. */
  #reachable(tracked: TrackedFile): boolean {
    const { detachedAt, fd, packed } = tracked;
    return this.#table.readable(tracked) && (detachedAt === undefined || (packed?.fd ?? fd) !== undefined);
  }
}

/** Whether nothing is known that has a tracked file's content. */
function isGone({ key, detachedAt, fd, packed }: TrackedFile): boolean {
  return (key === '' || detachedAt !== undefined) && fd === undefined && packed === undefined;
}

/** Whether the next scan has yet to find out where a tracked file's content is. */
function isAstray(tracked: TrackedFile): boolean {
  return isGone(tracked) && isSearched(tracked.state) && !tracked.state.sought;
}
