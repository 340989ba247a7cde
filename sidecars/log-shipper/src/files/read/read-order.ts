/**
 * The order of generations of one path: whose turn has come, and whether the event at the end of one may go on in
 * the one that came after it.
 */
import { isCarriedOn, type Generation } from '../tracked/generation.ts';
import type { FileTable } from '../table/file-table.ts';
import { isSearched } from '../tracked/state.ts';

/** How long the end of a file is given after its successor has begun, in milliseconds. */
const GRACE = 1000;

export class ReadOrder {
  readonly #table: Pick<FileTable, 'generations' | 'readable'>;
  readonly #now: () => number;

  /** @param now a monotonic clock in milliseconds */
  constructor(table: Pick<FileTable, 'generations' | 'readable'>, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  /** Whether there is something to do for a generation now, as far as is known. */
  isDue(generation: Generation): boolean {
    if (!this.#table.readable(generation)) return false;
    if (generation.after !== undefined && !this.#turnHasCome(generation)) return false;
    if (generation.unread) return true;
    if (!generation.withheld || this.#now() < generation.withheldUntil) return false;
    // That one's turn takes both.
    return !this.mayGoOn(generation, generation.offset);
  }

  /** Whether an event at the end of a file may go on, or has gone on, in the file that came after. */
  mayGoOn(generation: Generation, event: number): false | 'maybe' | 'noted' {
    for (const next of this.#table.generations) {
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

  /** Whether there is a file to read a generation from. */
  #reachable(generation: Generation): boolean {
    const { detachedAt, fd, packed } = generation;
    return this.#table.readable(generation) && (detachedAt === undefined || (packed?.fd ?? fd) !== undefined);
  }
}

/** Whether nothing is known that has a generation's content. */
function isGone({ key, detachedAt, fd, packed }: Generation): boolean {
  return (key === '' || detachedAt !== undefined) && fd === undefined && packed === undefined;
}

/** Whether the next scan has yet to find out where a generation's content is. */
function isAstray(generation: Generation): boolean {
  return isGone(generation) && isSearched(generation.state) && !generation.state.sought;
}
