/** Sequence numbers: every line of a kind that the scenario has written carries one of its own. */

const next = { order: 1, job: 1, item: 1, entry: 1, many: 1, note: 1, exported: 1 };

/** The first of a number of consecutive numbers that are reserved for the caller. */
export function reserve(kind: keyof typeof next, count: number): number {
  const from = next[kind];
  next[kind] += count;
  return from;
}

/** All numbers of a kind that were given out, `1` to this one. */
export const written = (kind: keyof typeof next): number => next[kind] - 1;
