/** Killed before each step on disk of applying a version: what is left, and what the next start makes of it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { killEverywhere } from './testing/kill-everywhere.ts';

test('a good version is applied after all, whenever it was killed', async () => {
  const steps = await killEverywhere(
    'release=2\n',
    (rig) => assert.ok(['release=1\n', 'release=2\n'].includes(rig.read()), rig.read()),
    async (rig, version) => {
      await rig.serves('release=2\n');
      assert.is(rig.read(), 'release=2\n');
      await rig.report('applied', version);
    },
    '30s',
  );
  assert.ok(steps >= 8, `it was killed at ${steps} steps`);
});

test.run();
