/** How much content must be alike before it is taken for the same. */
import { appendFileSync, copyFileSync, renameSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { compress, onceListed, scene } from './test-rig.ts';

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

scene(
  'a log that grew, was renamed, and is compressed before it is opened: all of it comes before its successor',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'app 0\n');
    await rig.look();
    writeFileSync(path('other.log'), 'other\n');
    await rig.look();
    appendFileSync(path('app.log'), 'app 1\n');
    renameSync(path('app.log'), path('app.log.1'));
    onceListed(rig, () => compress(path('app.log.1'), path('app.log.1.gz')), path('app.log.1'));
    await rig.look();
    writeFileSync(path('app.log'), 'app 2\n');
    await rig.finish();
    assert.equal(rig.messages, ['app 0', 'other', 'app 1', 'app 2']);
  },
  { maxOpen: 1 },
);

scene(
  'a log that shrank, and is known by half a line, was truncated: nothing of it is counted as lost',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'ap');
    await rig.look();
    rig.full = new Promise(() => {});
    appendFileSync(path('app.log'), 'ple 0\napple 1\n');
    rig.input.scan();
    copyFileSync(path('app.log'), path('app.log.1'));
    truncateSync(path('app.log'));
    appendFileSync(path('app.log'), 'app 2\n');
    rig.input.scan();
    rig.full = undefined;
    await rig.finish();
    assert.equal(rig.messages, ['apple 0', 'apple 1', 'app 2']);
    assert.is(rig.lost, 0);
  },
);

scene(
  'half a line was known of a log when the shipper was killed: its lines come once from the copy',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'ap');
    await rig.look();
    appendFileSync(path('app.log'), 'ple 0\napple 1\n');
    await rig.look();
    rig.deliver(rig.waiting.length, 0);
    rig.restart();
    appendFileSync(path('app.log'), 'more\n');
    copyFileSync(path('app.log'), path('app.log.1'));
    truncateSync(path('app.log'));
    appendFileSync(path('app.log'), 'b\n');
    await rig.finish();
    assert.equal(rig.messages, ['apple 0', 'apple 1', 'more', 'b']);
  },
);

scene(
  'half a line in a compressed file is not where a log goes on of which another file has all',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'app 0\napp 1\n');
    rig.full = new Promise(() => {});
    rig.input.scan();
    rig.restart();
    compress(path('app.log'), path('app.log.2.gz'));
    writeFileSync(path('app.log'), 'ap');
    compress(path('app.log'), path('app.log.1.gz'));
    utimesSync(path('app.log.2.gz'), 1000, 1000);
    rig.full = undefined;
    await rig.finish();
    assert.equal(rig.messages.slice(0, 2), ['app 0', 'app 1']);
    assert.is(rig.lost, 0);
  },
);

scene('a compressed file that is not complete is looked into again when it is', async (rig, path) => {
  writeFileSync(path('app.log'), 'app 0\napp 1\n');
  rig.full = new Promise(() => {});
  rig.input.scan();
  rig.restart();
  rig.full = undefined;
  const packed = gzipSync('app 0\napp 1\n');
  unlinkSync(path('app.log'));
  writeFileSync(path('app.log.1.gz'), packed.subarray(0, -6));
  await rig.look();
  writeFileSync(path('app.log.1.gz'), packed);
  await rig.finish();
  assert.equal(rig.messages, ['app 0', 'app 1']);
  assert.is(rig.lost, 0);
});

test.run();
