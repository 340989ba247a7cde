/** Counting by sequence number: which are there, which are not, which are there twice, and in which order. */

export interface Tally {
  /** Different numbers. */
  readonly distinct: number;
  /** Expected, and not there: the first few. */
  readonly missing: readonly number[];
  readonly missingCount: number;
  /** Occurrences beyond the first. */
  readonly repeated: number;
  /** Numbers that came before a smaller one, first occurrences only. */
  readonly disordered: number;
}

const SHOWN = 10;

/** The numbers `from`, `from + 1`, … */
export const range = (from: number, count: number): Set<number> =>
  new Set(Array.from({ length: count }, (_, index) => from + index));

/**
 * Compare what came with what was written.
 * @param numbers in the order in which they came; others than those expected do not count
 */
export function tally(numbers: readonly number[], expected: ReadonlySet<number>): Tally {
  const seen = new Set<number>();
  let repeated = 0;
  let disordered = 0;
  let highest = -Infinity;
  for (const number of numbers) {
    if (!expected.has(number)) continue;
    if (seen.has(number)) {
      repeated += 1;
      continue;
    }
    seen.add(number);
    if (number < highest) disordered += 1;
    else highest = number;
  }
  const missing = [...expected].filter((number) => !seen.has(number));
  return { distinct: seen.size, missing: missing.slice(0, SHOWN), missingCount: missing.length, repeated, disordered };
}
