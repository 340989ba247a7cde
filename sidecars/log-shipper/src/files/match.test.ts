/** How much content must be alike before it is taken for the same. */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { compress, scene } from './test-rig.ts';

scene('half a line that was shipped is no beginning of the file that comes after it', async (rig, path) => {
  writeFileSync(path('app.log'), 'ap');
  await rig.finish();
  assert.equal(rig.messages, ['ap']);
  renameSync(path('app.log'), path('app.log.1'));
  await rig.look();
  compress(path('app.log.1'), path('app.log.1.gz'));
  writeFileSync(path('app.log'), 'apple\n');
  await rig.finish();
  assert.equal(rig.messages, ['ap', 'apple']);
});

scene(
  'a rotated file that holds half a line is no copy of one that was not read yet and begins alike',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'app 0\napp 1\n');
    rig.input.scan();
    writeFileSync(path('other.log'), 'other\n');
    rig.input.scan();
    compress(path('app.log'), path('app.log.2.gz'));
    writeFileSync(path('app.log.1'), 'ap');
    await rig.look();
    appendFileSync(path('app.log.1'), 'p 2\n');
    await rig.finish();
    assert.equal(rig.messages.toSorted(), ['app 0', 'app 1', 'app 2', 'other']);
    assert.is(rig.lost, 0);
  },
  { maxOpen: 1 },
);

test.run();
