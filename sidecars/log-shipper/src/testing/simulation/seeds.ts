/** Seeds as a test; `SEEDS=1542+1` runs others. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failing } from '#kit/testing/simulation/failing.ts';
import { FIRST } from './defects.ts';
import { simulate } from './run.ts';

/** In a file of the run of all tests. */
const COUNT = 500;

/**
 * The seeds of a test file.
 * @param part which file it is, from 0 on: each has seeds of its own
 */
export function testSeeds(part: number): void {
  const [first = FIRST + part * COUNT, count = COUNT] = (process.env['SEEDS'] ?? '')
    .split('+')
    .filter(Boolean)
    .map(Number);
  test(`each line once and in order, and nothing reported lost that is not: seeds ${first}+${count}`, async () => {
    assert.equal(await failing(simulate, first!, count!), []);
  });
}
