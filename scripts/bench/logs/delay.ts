/** How long after it was written a line is found: one method for every shipper, and for none. */
import { eventually, TerminalState } from '#kit/testing/eventually.ts';

/** A line as the store has it. */
export interface Line {
  /** Its number, from 1 on. */
  readonly seq: number;
  /** When its writer wrote it, in milliseconds since the epoch; the writer put it into the line. */
  readonly written: number;
}

export interface DelayOptions {
  /** Numbers of the lines that are watched. */
  readonly first: number;
  readonly last: number;
  /** Asks the store for the lines that it has from a number on; also those that were found before. */
  readonly find: (from: number) => Promise<readonly Line[]>;
  /** In milliseconds since the epoch, of the clock that the writer reads; a test's seam. */
  readonly now?: () => number;
  /** Deadline, and pause between two looks, in milliseconds. */
  readonly within: number;
  readonly every: number;
}

/**
 * Look until all lines were found. The delay of a line is the time at which the first answer had come that
 * contains it, less the time that the line says; so it is up to a pause and a query too long, never too short.
 * @returns milliseconds by the line's number
 * @throws when a line is found that was not written, or was not written yet: then it is the bench that is wrong
 */
export async function delays({
  first,
  last,
  find,
  now = Date.now,
  within,
  every,
}: DelayOptions): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  let from = first;
  await eventually(
    `lines ${first} to ${last} are found`,
    async () => {
      const lines = await find(from);
      const at = now();
      for (const { seq, written } of lines) {
        if (!(seq >= first && seq <= last)) throw new TerminalState(`line ${seq} was found, and nobody wrote it`);
        if (!(at >= written)) throw new TerminalState(`line ${seq} was found ${written - at} ms before it was written`);
        if (!found.has(seq)) found.set(seq, at - written);
      }
      while (found.has(from)) from += 1;
      return from > last;
    },
    { within, every },
  );
  return found;
}
