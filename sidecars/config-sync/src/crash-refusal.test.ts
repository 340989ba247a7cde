/** Killed before each step on disk of refusing a version. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { killEverywhere } from './testing/kill-everywhere.ts';

test('an invalid version never touches the file, whenever it was killed', async () => {
  const steps = await killEverywhere(
    '<html>',
    (rig) => assert.is(rig.read(), 'release=1\n'),
    async (rig, version) => {
      await rig.report('rejected', version);
      assert.is(rig.read(), 'release=1\n');
    },
    '30s',
  );
  assert.ok(steps >= 3, `it was killed at ${steps} steps`);
});

test.run();
