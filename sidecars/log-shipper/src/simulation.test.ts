import '#kit/testing/simulation/install.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { delays } from './testing/simulation/delay.ts';
import { SOUND } from './testing/simulation/disk.ts';
import { scenarioOf, simulate } from './testing/simulation/run.ts';
import { testSeeds } from './testing/simulation/seeds.ts';

test('a seed is one run, to the byte', async () => {
  const once = await simulate(1);
  assert.is((await simulate(1)).digest, once.digest);
});

test('seeds that have failed once', async () => {
  const failed = [];
  for (const seed of [55, 237, 20263, 21544, 21585, 31835, 41942]) {
    const { problems } = await simulate(seed, { change: { disk: SOUND } });
    if (problems.length > 0) failed.push(`${seed}: ${problems[0]}`);
  }
  assert.equal(failed, []);
});

test('seeds that have failed once, on a disk of which every fiftieth call fails', async () => {
  const failed = [];
  for (const seed of [1486, 2457, 2857, 2956, 3178]) {
    const { disk } = scenarioOf(seed);
    const { problems } = await simulate(seed, { change: { disk: { ...disk, unreadable: 0.02 } } });
    if (problems.length > 0) failed.push(`${seed}: ${problems[0]}`);
  }
  assert.equal(failed, []);
});

testSeeds(0);

test('a line that is written while nothing else happens is in the store within 50 ms, at the median', async () => {
  const all = await delays(1);
  assert.is(all.length, 100);
  const median = all[50]!;
  assert.ok(median <= 50, `${median.toFixed(1)} ms of simulated time`);
});

test.run();
