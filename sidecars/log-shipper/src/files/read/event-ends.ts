/**
 * Where time, and not another event, ends an event at the end of a file. That is written down before the event is
 * sent: otherwise what is added later would be lost under an id that the store has.
 */
import type { Generation } from '../tracked/generation.ts';
import type { AtEnd } from './turn.ts';

/** After how long it is tried again to write something down, in milliseconds. */
export const NOTE_AGAIN = 1000;

export interface EventEndsOptions {
  /** Where an event ends is noted of generations, or whose it is; write that down. @returns false when that failed */
  readonly noteEnd?: (generations: readonly Generation[]) => boolean;
  /** A monotonic clock in milliseconds; a test's seam. */
  readonly now?: () => number;
}

export class EventEnds {
  readonly #options: EventEndsOptions;
  #noteAgainAt = 0;

  constructor(options: EventEndsOptions) {
    this.#options = options;
  }

  /**
   * Whether an event ends at the end of what there is: because it did when it was read before, or because its time
   * is over, which is noted.
   * @param place where that is
   * @param terminated whether its last line has a newline
   * @param event where it begins
   */
  endsAt(generation: Generation, place: number, atEnd: AtEnd, terminated: boolean, event = generation.offset): boolean {
    const ended = generation.endsAt(place);
    const wish = atEnd({ event, terminated, ended });
    if (wish === 'join') return false;
    return ended || (wish === 'take' && this.note([generation], () => generation.endAt(place)));
  }

  /**
   * Change what is known of generations, and write that down; what cannot be written is not known.
   * @returns whether it is written
   */
  note(generations: readonly Generation[], change: () => void): boolean {
    const { noteEnd, now = () => performance.now() } = this.#options;
    if (now() < this.#noteAgainAt) return false;
    const before = generations.map(({ ends, carried }) => ({ ends, carried }));
    change();
    if (noteEnd?.(generations) ?? true) return true;
    this.#noteAgainAt = now() + NOTE_AGAIN;
    for (const [index, generation] of generations.entries()) Object.assign(generation, before[index]);
    return false;
  }
}
