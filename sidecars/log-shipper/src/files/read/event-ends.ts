/**
 * Where time, and not another event, ends an event at the end of a file. That is written down before the event is
 * sent: otherwise what is added later would be lost under an id that the store has.
 */
import type { TrackedFile } from '../tracked/tracked-file.ts';
import type { AtEnd } from './turn.ts';

/** After how long it is tried again to write something down, in milliseconds. */
export const NOTE_AGAIN = 1000;

export interface EventEndsOptions {
  /** Where an event ends is noted of tracked files, or whose it is; write that down. @returns false when that failed */
  readonly noteEnd?: (trackedFiles: readonly TrackedFile[]) => boolean;
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
  endsAt(tracked: TrackedFile, place: number, atEnd: AtEnd, terminated: boolean, event = tracked.offset): boolean {
    const ended = tracked.endsAt(place);
    const wish = atEnd({ event, terminated, ended });
    if (wish === 'join') return false;
    return ended || (wish === 'take' && this.note([tracked], () => tracked.endAt(place)));
  }

  /**
   * Change what is known of tracked files, and write that down; what cannot be written is not known.
   * @returns whether it is written
   */
  note(trackedFiles: readonly TrackedFile[], change: () => void): boolean {
    const { noteEnd, now = () => performance.now() } = this.#options;
    if (now() < this.#noteAgainAt) return false;
    const before = trackedFiles.map(({ ends, carried }) => ({ ends, carried }));
    change();
    if (noteEnd?.(trackedFiles) ?? true) return true;
    this.#noteAgainAt = now() + NOTE_AGAIN;
    for (const [index, tracked] of trackedFiles.entries()) Object.assign(tracked, before[index]);
    return false;
  }
}
