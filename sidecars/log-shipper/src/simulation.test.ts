import '#kit/testing/simulation/install.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { delays } from './testing/simulation/delay.ts';
import { simulate } from './testing/simulation/run.ts';

const [first = 1001, count = 300] = (process.env['SEEDS'] ?? '').split('+').filter(Boolean).map(Number);

test('a seed is one run, to the byte', async () => {
  const once = await simulate(first);
  assert.is((await simulate(first)).digest, once.digest);
});

test('each line once and in order, and nothing reported lost that is not', async () => {
  const failed = [];
  for (let seed = first; seed < first + count; seed++) {
    const { problems } = await simulate(seed);
    if (problems.length > 0) failed.push(`${seed}: ${problems.slice(0, 3).join('; ')} (${problems.length})`);
  }
  assert.equal(failed, []);
});

test('a line that is written while nothing else happens is in the store within 50 ms, at the median', async () => {
  const all = await delays(1);
  assert.is(all.length, 100);
  const median = all[50]!;
  assert.ok(median <= 50, `${median.toFixed(1)} ms of simulated time`);
});

test.run();
