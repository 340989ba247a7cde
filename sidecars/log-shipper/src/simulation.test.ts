import '#kit/testing/simulation/install.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { delays } from './testing/simulation/delay.ts';
import { simulate } from './testing/simulation/run.ts';
import { testSeeds } from './testing/simulation/seeds.ts';

test('a seed is one run, to the byte', async () => {
  const once = await simulate(1);
  assert.is((await simulate(1)).digest, once.digest);
});

testSeeds(0);

test('a line that is written while nothing else happens is in the store within 50 ms, at the median', async () => {
  const all = await delays(1);
  assert.is(all.length, 100);
  const median = all[50]!;
  assert.ok(median <= 50, `${median.toFixed(1)} ms of simulated time`);
});

test.run();
