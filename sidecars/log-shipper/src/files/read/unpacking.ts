/** What a compressed file holds at the reading place is unpacked before a turn, and seen to be what was read. */
import { codeOf } from '../tracked/error-code.ts';
import { isDamage } from '../tracked/compression.ts';
import type { TrackedFile } from '../tracked/tracked-file.ts';
import type { FileTable } from '../table/file-table.ts';
import { headWithin, holds } from '../tracked/content.ts';
import type { Tracker } from '../scan/tracker.ts';
import type { Unpacked } from '../tracked/unpacked.ts';

export interface UnpackingOptions {
  readonly table: Pick<FileTable, 'lose' | 'remember'>;
  readonly tracker: Pick<Tracker, 'refuse' | 'scan'>;
  /** How much is read at a turn, in bytes. */
  readonly reach: number;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
}

export class Unpacking {
  readonly #options: UnpackingOptions;

  constructor(options: UnpackingOptions) {
    this.#options = options;
  }

  /**
   * Have what a compressed file holds at the reading place unpacked.
   * @returns whether a turn can be taken
   */
  async prepare(tracked: TrackedFile, packed: Unpacked): Promise<boolean> {
    const { offset, scan, tail } = tracked;
    const { reach, tracker } = this.#options;
    // What an earlier process has read is known by what stood before a place that the store has passed since.
    const from = tail.length === 0 ? offset : Math.min(offset, tail.at);
    try {
      while (!packed.ended && packed.size < (scan?.position ?? offset) + reach) await packed.more(from);
    } catch (error) {
      // Of a damaged file, what comes before the damage is not believed either. On a full disk, or one that fails, it may
      // well be there: the next scan looks into it again.
      const known = isDamage(codeOf(error)) ? [...tracked.notIn] : [];
      tracker.refuse(tracked, error);
      for (const each of known) tracked.notIn.add(each);
    }
    // Meanwhile a scan may have let it go.
    if (tracked.packed !== packed) return false;
    return this.#isSame(tracked, packed);
  }

  /** Whether it is what was read; as far as it is, where not all of it was compressed. */
  #isSame(tracked: TrackedFile, packed: Unpacked): boolean {
    const { offset, tail } = tracked;
    const { tracker, table, now } = this.#options;
    const head = packed.ended ? headWithin(tracked.head, packed.size) : tracked.head;
    if (!holds({ offset, tail, head }, packed.fd, packed.size)) {
      // It begins like it, and is another: look for the next one.
      table.lose(tracked);
      tracker.scan(now());
      return false;
    }
    if (head !== tracked.head || (packed.ended && packed.size < Math.max(tracked.seen, tracked.seenBefore)))
      Object.assign(tracked, { head, severed: true });
    if (packed.ended) tracked.readBefore ??= packed.size;
    // So that the next process knows, too.
    if (tracked.severed && packed.ended && !tracked.ends.includes(packed.size)) {
      tracked.endAt(packed.size);
      table.remember(tracked);
    }
    return true;
  }
}
