/** Waiting until all that was written is in a store, and counting it. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Faulty } from './faulty.ts';
import { tally, type Tally } from './sequence.ts';
import type { Found, Search, Store } from './store.ts';

export interface Expected {
  readonly numbers: ReadonlySet<number>;
  /** How long it may take, in milliseconds. */
  readonly within?: number;
  /** The number in a document; undefined for one that does not count. */
  readonly number: (found: Found) => number | undefined;
}

/** The number that a JSON line carries in a field. */
export const field =
  (name: string) =>
  (found: Found): number | undefined =>
    found[name] === undefined ? undefined : Number(found[name]);

/** The number that a line of text carries, as a pattern's first group. */
export const inMessage =
  (pattern: RegExp) =>
  ({ message = '' }: Found): number | undefined => {
    const [, digits] = pattern.exec(message) ?? [];
    return digits === undefined ? undefined : Number(digits);
  };

/**
 * Wait until every expected number is in the store.
 * @returns what was counted then; nothing is missing
 */
export async function arrived(
  store: Store,
  search: Search,
  fields: readonly string[],
  { numbers: expected, within = 120_000, number }: Expected,
): Promise<Tally> {
  let last: Tally | undefined;
  try {
    return await eventually(
      `all ${expected.size} are in the store`,
      async () => {
        // Asked first, for it is cheap.
        if ((await store.count(search)) < expected.size) return undefined;
        const numbers = (await store.find(search, fields)).flatMap((found) => number(found) ?? []);
        last = tally(numbers, expected);
        return last.missingCount === 0 && last;
      },
      { within, every: 500 },
    );
  } catch (error) {
    const there = last === undefined ? `${await store.count(search)} of ${expected.size}` : JSON.stringify(last);
    throw new Error(`${(error as Error).message}; there are ${there}`, { cause: error });
  }
}

/** The entries of the ledger that the faulty store has, in the order in which it accepted them. */
export async function ledger(faulty: Faulty, after = 0): Promise<number[]> {
  return (await faulty.documents(after)).map(({ body }) => (JSON.parse(body) as { seq?: number }).seq ?? -1);
}

/**
 * Wait until the faulty store has every entry of the ledger, except a number that it refuses.
 * @param after how many documents it had before
 * @returns what was counted
 */
export async function ledgerArrived(
  faulty: Faulty,
  expected: ReadonlySet<number>,
  { after = 0, refused = 0, within = 120_000 }: { after?: number; refused?: number; within?: number } = {},
): Promise<Tally> {
  let last: Tally | undefined;
  return eventually(
    `${expected.size - refused} entries are in the faulty store`,
    async () => {
      // Asked first, for it is cheap.
      if ((await faulty.counts()).created - after < expected.size - refused) return false;
      last = tally(await ledger(faulty, after), expected);
      return last.distinct >= expected.size - refused && last;
    },
    { within, every: 500 },
  );
}

/** Nothing is missing, and nothing is there more often than allowed. */
export function complete(counted: Tally, { repeated = 0 } = {}): void {
  assert.is(counted.missingCount, 0, `missing: ${counted.missing.join(', ')} …`);
  assert.ok(counted.repeated <= repeated, `${counted.repeated} are there twice, at most ${repeated} may be`);
}
