/** Compressed files that are known already, and others that only begin as a known one does. */
import { appendFileSync, copyFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, onceListed, scene } from './test-rig.ts';

scene('what was compressed before, put back from a backup, or left out is not read', async (rig, path) => {
  writeFileSync(path('app.log.9.gz'), gzipSync('history\n'));
  utimesSync(path('app.log.9.gz'), 1000, 1000);
  await rig.look();
  writeFileSync(path('app.log'), 'one\n');
  await rig.look();
  compress(path('app.log'), path('app.log.1.gz'));
  writeFileSync(path('app.log'), 'two\n');
  await rig.finish();
  copyFileSync(path('app.log.1.gz'), path('app.log.5.gz'));
  writeFileSync(path('app.log.6.gz'), gzipSync('old\n'));
  utimesSync(path('app.log.6.gz'), 1000, 1000);
  writeFileSync(path('archive.log.gz'), gzipSync('by no name of rotation\n'));
  await rig.finish();
  rig.restart();
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two']);
  assert.is(rig.again, 0);
});

for (const acknowledged of [0, 1])
  scene(
    `a file that begins with a long hole is known by its beginning after a kill, ${acknowledged} acknowledged`,
    async (rig, path) => {
      writeFileSync(path('app.log'), '');
      // Longer than all that is looked through at once.
      truncateSync(path('app.log'), 5 * 1024 * 1024);
      await rig.look();
      appendFileSync(path('app.log'), 'one\ntwo\n');
      await rig.look();
      rig.deliver(1, acknowledged);
      rig.restart();
      copyFileSync(path('app.log'), path('app.log.1'));
      truncateSync(path('app.log'));
      appendFileSync(path('app.log'), 'three\n');
      await rig.finish();
      assert.equal(rig.messages, ['one', 'two', 'three']);
      assert.is(rig.lost, 0);
    },
  );

scene(
  'a file whose first byte was seen alone is not taken for all that begin with it, after a kill',
  async (rig, path) => {
    writeFileSync(path('app.log'), '2');
    await rig.look();
    appendFileSync(path('app.log'), '026-11-21 one\n');
    await rig.look();
    rig.deliver();
    rig.restart();
    // Written and compressed while nobody looked.
    appendFileSync(path('app.log'), '2026-11-21 two\n');
    compress(path('app.log'), path('app.log.2.gz'));
    writeFileSync(path('app.log.1.gz'), gzipSync('2026-11-22 three\n'));
    writeFileSync(path('app.log'), '2026-11-23 four\n');
    await rig.finish();
    assert.equal(rig.messages, ['2026-11-21 one', '2026-11-21 two', '2026-11-22 three', '2026-11-23 four']);
    assert.is(rig.lost, 0);
  },
);

for (const [killed, form] of [
  ['before it is truncated', 'plain'],
  ['before it is truncated', 'compressed'],
  ['before it is truncated, and then again', 'plain'],
  ['before it is truncated, and then again', 'compressed'],
  ['when it was truncated', 'plain'],
  ['when it was truncated', 'compressed'],
] as const)
  scene(
    `an event whose end was not copied does not go on in the next file, killed ${killed}, its copy ${form}`,
    async (rig, path) => {
      // Longer than what a file's beginning is known by, so that this is the same in the copy.
      const first = '2026-11-21 one'.padEnd(2000, '.');
      writeFileSync(path('app.log'), `${first}\n`);
      await rig.look();
      copyFileSync(path('app.log'), path('app.log.1'));
      // Not copied: the one ends the event before it, the other is read no more.
      appendFileSync(path('app.log'), '2026-11-21 lost\n2026-11-21 lost\n');
      await rig.look();
      // In the store, and nobody heard that: its id is taken.
      rig.deliver(1, 0);
      if (killed !== 'when it was truncated') rig.restart();
      truncateSync(path('app.log'));
      if (killed === 'when it was truncated') {
        await rig.look();
        rig.restart();
      }
      appendFileSync(path('app.log'), '  at two\n2026-11-22 three\n');
      if (form === 'compressed') compress(path('app.log.1'), path('app.log.1.gz'));
      if (killed === 'before it is truncated, and then again') {
        await rig.look();
        rig.restart();
      }
      await rig.finish();
      assert.equal(rig.messages, [first, '  at two', '2026-11-22 three']);
    },
    { multiline: /^\d/ },
  );

scene('a file that is compressed before it is seen, and begins as the next one does, is read', async (rig, path) => {
  await rig.look();
  writeFileSync(path('app.log'), 'started\nfirst\n');
  compress(path('app.log'), path('app.log.1.gz'));
  writeFileSync(path('app.log'), 'started\n');
  await rig.finish();
  assert.equal(rig.messages, ['started', 'first', 'started']);
});

scene('a file that grew, and was compressed since the scan looked, is read once', async (rig, path) => {
  writeFileSync(path('app.log'), 'started\n');
  await rig.look();
  rig.now += 1000;
  onceListed(rig, () => {
    appendFileSync(path('app.log'), 'first\n');
    compress(path('app.log'), path('app.log.1.gz'));
    writeFileSync(path('app.log'), 'started\n');
  });
  await rig.finish();
  assert.equal(rig.messages, ['started', 'first', 'started']);
});

test.run();
