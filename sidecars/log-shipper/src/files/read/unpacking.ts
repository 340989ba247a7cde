/** What a compressed file holds at the reading place is unpacked before a turn, and seen to be what was read. */
import { codeOf } from '../tracked/error-code.ts';
import { isDamage } from '../tracked/compression.ts';
import type { Generation } from '../tracked/generation.ts';
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
  async prepare(generation: Generation, packed: Unpacked): Promise<boolean> {
    const { offset, scan, tail } = generation;
    const { reach, tracker } = this.#options;
    // What an earlier process has read is known by what stood before a place that the store has passed since.
    const from = tail.length === 0 ? offset : Math.min(offset, tail.at);
    try {
      while (!packed.ended && packed.size < (scan?.position ?? offset) + reach) await packed.more(from);
    } catch (error) {
      // Of a damaged file, what comes before the damage is not believed either. On a full disk, or one that fails, it may
      // well be there: the next scan looks into it again.
      const known = isDamage(codeOf(error)) ? [...generation.notIn] : [];
      tracker.refuse(generation, error);
      for (const each of known) generation.notIn.add(each);
    }
    // Meanwhile a scan may have let it go.
    if (generation.packed !== packed) return false;
    return this.#isSame(generation, packed);
  }

  /** Whether it is what was read; as far as it is, where not all of it was compressed. */
  #isSame(generation: Generation, packed: Unpacked): boolean {
    const { offset, tail } = generation;
    const { tracker, table, now } = this.#options;
    const head = packed.ended ? headWithin(generation.head, packed.size) : generation.head;
    if (!holds({ offset, tail, head }, packed.fd, packed.size)) {
      // It begins like it, and is another: look for the next one.
      table.lose(generation);
      tracker.scan(now());
      return false;
    }
    if (head !== generation.head || (packed.ended && packed.size < Math.max(generation.seen, generation.seenBefore)))
      Object.assign(generation, { head, severed: true });
    if (packed.ended) generation.readBefore ??= packed.size;
    // So that the next process knows, too.
    if (generation.severed && packed.ended && !generation.ends.includes(packed.size)) {
      generation.endAt(packed.size);
      table.remember(generation);
    }
    return true;
  }
}
