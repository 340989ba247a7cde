/** What was checked, and how it went. */

export interface Tally {
  passed: number;
  failed: number;
}

export const tally = (passed = 0, failed = 0): Tally => ({ passed, failed });

export const sum = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (total, { passed, failed }) => ({ passed: total.passed + passed, failed: total.failed + failed }),
    tally(),
  );
