/** Waiting for a state: look again and again until it holds, a deadline passes, or it never can hold. */

import { explain } from '../text/explain.ts';

/** Thrown by a look: the awaited state can no longer be reached, so that waiting longer is of no use. */
export class TerminalState extends Error {}

export interface Within {
  /** Deadline in milliseconds; 60 s where absent: more than a busy machine needs, and nobody waits for it when all is well. */
  readonly within?: number;
  /** Pause between two looks in milliseconds; 20 ms where absent. */
  readonly every?: number;
  readonly signal?: AbortSignal;
}

/**
 * Wait until `look` returns something other than undefined, null or false without throwing.
 * @param what the awaited state, for the error: "the app answers"
 * @param look observes the state; what it throws counts as "not yet"
 * @returns what `look` returned
 * @throws when the deadline passes (with the last thing that `look` threw as its cause), when `look`
 * throws TerminalState, and when the signal aborts
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  { within = 60_000, every = 20, signal }: Within = {},
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + within;
  for (;;) {
    let cause: unknown;
    try {
      const seen = await look();
      if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>;
    } catch (error) {
      if (error instanceof TerminalState) throw error;
      cause = error;
    }
    signal?.throwIfAborted();
    if (performance.now() >= deadline) {
      const why = cause === undefined ? '' : `: ${explain(cause)}`;
      throw new Error(`not within ${within / 1000} s: ${what}${why}`, { cause });
    }
    await pause(every, signal);
  }
}

/**
 * Check that a state holds at every look for a while.
 * @param look throws when the state does not hold
 * @param during how long to look, in milliseconds
 */
export async function steadily(look: () => void | Promise<void>, during: number, every = 100): Promise<void> {
  const end = performance.now() + during;
  while (performance.now() < end) {
    await look();
    await pause(every);
  }
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  return promise;
}
