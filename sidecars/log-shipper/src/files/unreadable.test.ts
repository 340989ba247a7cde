/** What the disk does not give just now: nothing is lost, nothing comes twice. */
import { copyFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { asNobody, scene } from './test-rig.ts';

scene('a copy beside a log that cannot be read just now is not taken for a new file', async (rig, path) => {
  writeFileSync(path('app.log'), 'app 0\n');
  copyFileSync(path('app.log'), path('app.log.1'));
  await asNobody(rig, path('app.log'), () => rig.look());
  await rig.look();
  truncateSync(path('app.log'));
  await rig.finish();
  assert.equal(rig.messages, ['app 0']);
});

scene('no room to unpack a compressed file: it is read when there is', async (rig, path) => {
  writeFileSync(path('app.log'), 'app 0\napp 1\n');
  rig.full = new Promise(() => {});
  rig.input.scan();
  rig.restart();
  rig.full = undefined;
  unlinkSync(path('app.log'));
  writeFileSync(path('app.log.1.gz'), gzipSync('app 0\napp 1\n'));
  rig.input.scan();
  for (const { packed } of rig.table.trackedFiles)
    if (packed !== undefined)
      packed.more = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }));
  await rig.look();
  await rig.finish();
  assert.equal(rig.messages, ['app 0', 'app 1']);
  assert.is(rig.lost, 0);
});

test.run();
