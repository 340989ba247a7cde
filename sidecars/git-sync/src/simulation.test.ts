/**
 * git-sync under simulation: readers see one commit at any moment, whole and passed by its gate, and never none; in the end
 * it is the one that the branch is at, or the one before it where that was refused.
 */
// First, so that what is tested gets the simulated modules.
import '#kit/testing/simulation/processes.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failing, firstFailing } from '#kit/testing/simulation/failing.ts';
import { DEFECTS } from './testing/simulation/defects.ts';
import { simulate } from './testing/simulation/run.ts';

const SEEDS = 500;
/** Of which one must find a defect. */
const TRIED = 400;

test('a seed is one run, to the byte', async () => {
  const once = await simulate(1);
  assert.is((await simulate(1)).digest, once.digest);
  assert.is.not((await simulate(2)).digest, once.digest);
});

test(`${SEEDS} seeds`, async () => {
  assert.equal(await failing(simulate, 1, SEEDS), []);
});

for (const [name, put] of Object.entries(DEFECTS))
  test(`the simulation finds it: ${name}`, async () => {
    const remove = put();
    try {
      const seed = await firstFailing(simulate, TRIED);
      assert.ok(seed !== undefined);
      process.stdout.write(`seed ${seed} is the first that finds it: ${name}\n`);
    } finally {
      remove();
    }
  });

test.run();
