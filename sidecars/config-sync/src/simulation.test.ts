/**
 * The loop over a file under simulation: no file is ever visible that is half, mixed or not valid, none is missing, and
 * in the end the latest version that the application takes is in place, or the last good one.
 */
// First, so that what is tested gets the simulated modules.
import '#kit/testing/simulation/promises.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failing, firstFailing } from '#kit/testing/simulation/failing.ts';
import { validate } from './checks/validate.ts';
import { DEFECTS } from './testing/simulation/defects.ts';
import { PLAN, simulate } from './testing/simulation/run.ts';

const SEEDS = 500;
/** Of which one must find a defect. */
const TRIED = 400;

// What is loaded when it is needed first would take real time on the machine.
test.before(() =>
  validate(Buffer.from('{}'), PLAN.rules, { path: '/a', directory: '/tmp', signal: new AbortController().signal }),
);

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
