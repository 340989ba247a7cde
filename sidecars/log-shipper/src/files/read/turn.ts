/** One turn at a file, as the reader and the input speak of it. */
import type { FileRecord } from './file-record.ts';

export interface Turn {
  readonly records: readonly FileRecord[];
  /** Bytes of the file that were read for the first time. */
  readonly bytes: number;
  /** There is more to read at once. */
  readonly more: boolean;
}

/** Nothing yet: there is something to write down first. */
export const AGAIN: Turn = { records: [], bytes: 0, more: true };

/** An event at the end of what there is. */
export interface LastEvent {
  /** Where it begins. */
  readonly event: number;
  /** Its last line has a newline. */
  readonly terminated: boolean;
  /** It ended there when it was read before. */
  readonly ended: boolean;
}

/** What to do with it; `join`: it was sent together with lines of the next file, and is again. */
export type AtEnd = (last: LastEvent) => 'wait' | 'take' | 'join';
