import '#kit/testing/simulation/install.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { delays } from './testing/simulation/delay.ts';
import { SOUND, type DiskFaults } from './testing/simulation/disk.ts';
import { ALL, scenarioOf, simulate } from './testing/simulation/run.ts';
import { testSeeds } from './testing/simulation/seeds.ts';

test('a seed is one run, to the byte', async () => {
  const once = await simulate(1);
  assert.is((await simulate(1)).digest, once.digest);
});

/** Seeds that have failed once, by the disk that they had: all sound; as the seed says; of which every fiftieth call fails. */
const FAILED: readonly (readonly [string, (disk: DiskFaults) => DiskFaults, readonly number[], boolean?])[] = [
  ['a sound disk', () => SOUND, [55, 237, 20263, 21544, 21585, 31835, 41942]],
  ['a disk without room', (disk) => disk, [78]],
  ['the disk of their seed', (disk) => disk, [6295, 9027, 2018927, 2022244]],
  ['the disk of their seed, where old logs are deleted', (disk) => disk, [68, 5119], false],
  [
    'a disk of which every fiftieth call fails',
    (disk) => ({ ...disk, unreadable: 0.02 }),
    [199, 522, 551, 591, 806, 976, 1486, 2457, 2857, 2956, 3178, 12062, 12910],
  ],
];

for (const [name, diskOf, seeds, all = true] of FAILED)
  test(`seeds that have failed once, on ${name}`, async () => {
    const failed = [];
    for (const seed of seeds) {
      const { disk, rotation } = scenarioOf(seed);
      const { problems } = await simulate(seed, {
        change: { disk: diskOf(disk), rotation: all ? { ...rotation, keep: ALL } : rotation },
      });
      if (problems.length > 0) failed.push(`${seed}: ${problems[0]}`);
    }
    assert.equal(failed, []);
  });

testSeeds(0);

test('a line that is written alone is in the store within 50 ms, at the median', async () => {
  const all = await delays(1);
  assert.is(all.length, 100);
  const median = all[50]!;
  assert.ok(median <= 50, `${median.toFixed(1)} ms of simulated time`);
});

test.run();
