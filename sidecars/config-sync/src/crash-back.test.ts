/** Killed before each step on disk of rolling back: the application never stays on what it choked on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { killEverywhere } from './testing/kill-everywhere.ts';

test('a version that the application chokes on ends rolled back, whenever it was killed', async () => {
  const steps = await killEverywhere(
    'release=2\nchoke=ignore\n',
    (rig) => assert.ok(['release=1\n', 'release=2\nchoke=ignore\n'].includes(rig.read()), rig.read()),
    async (rig, version) => {
      await rig.report('rolled-back', version);
      assert.is(rig.read(), 'release=1\n');
      await rig.serves('release=1\n');
    },
    '1s',
  );
  assert.ok(steps >= 8, `it was killed at ${steps} steps`);
});

test.run();
