/** Bytes that are counted as lost: what was seen and is gone, whenever that happened, and nothing that is stored. */
import { appendFileSync, copyFileSync, truncateSync, unlinkSync, writeFileSync, type BigIntStats } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toStat } from './table/open-files.ts';
import { compress, onceListed, scene } from './test-rig.ts';

scene('what is written behind a truncation is not counted as lost with what was before it', async (rig, path) => {
  for (const copied of [true, false]) {
    writeFileSync(path('app.log'), `one ${copied}\n`);
    await rig.look();
    if (copied) copyFileSync(path('app.log'), path('app.log.1'));
    truncateSync(path('app.log'));
    // Longer than what was there, before anybody looks.
    appendFileSync(path('app.log'), 'a long line after the truncation\n');
    await rig.input.step();
    assert.is(rig.lost, 0);
    await rig.finish();
  }
  assert.is(rig.lost, 0);
  assert.is(rig.messages.length, 4);
});

scene('what was seen before a truncation is counted, whatever was written behind it', async (rig, path) => {
  for (const after of ['', 'x\n', 'a long line after the truncation\n']) {
    writeFileSync(path('app.log'), `one ${after}`);
    await rig.finish();
    rig.lost = 0;
    appendFileSync(path('app.log'), 'two\n');
    rig.input.scan();
    truncateSync(path('app.log'));
    appendFileSync(path('app.log'), after);
    await rig.input.step();
    await rig.finish();
    assert.is(rig.lost, 'two\n'.length, JSON.stringify(after));
  }
});

scene(
  'a copy that was opened half made, and completed before its original was truncated, is whole',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'one\n');
    await rig.look();
    appendFileSync(path('app.log'), 'two\n');
    rig.input.scan();
    writeFileSync(path('app.log.1'), 'one\nt');
    onceListed(
      rig,
      () => {
        appendFileSync(path('app.log.1'), 'wo\n');
        truncateSync(path('app.log'));
      },
      path('app.log'),
    );
    await rig.finish();
    assert.equal(rig.messages, ['one', 'two']);
    assert.is(rig.lost, 0);
  },
);

for (const packed of [false, true])
  scene(
    `a file that was seen and not read, and of which a part was copied${packed ? ' and compressed' : ''}, goes on there`,
    async (rig, path) => {
      // Shorter than what it is known by, and longer.
      for (const text of ['one\n', `${'x'.repeat(2000)}\n`]) {
        writeFileSync(path('app.log'), `${text}between copy and truncation\n`);
        rig.input.scan();
        writeFileSync(path('app.log.1'), text);
        if (packed) compress(path('app.log.1'), path('app.log.1.gz'));
        truncateSync(path('app.log'));
        rig.lost = 0;
        await rig.finish();
        assert.is(rig.messages.at(-1), text.trimEnd());
        assert.is(rig.lost, 'between copy and truncation\n'.length);
      }
      assert.is(rig.messages.length, 2);
      assert.is(rig.again, 0);
    },
  );

for (const acknowledged of [0, 1, 2])
  scene(
    `what was read behind the end of its copy, and of which ${acknowledged} were acknowledged before a kill, is read again`,
    async (rig, path) => {
      writeFileSync(path('app.log'), 'one\ntwo\nbetween copy and truncation\n');
      await rig.look();
      writeFileSync(path('app.log.1'), 'one\ntwo\n');
      truncateSync(path('app.log'));
      await rig.look();
      rig.deliver(acknowledged);
      rig.restart();
      appendFileSync(path('app.log'), 'three\n');
      await rig.finish();
      assert.equal(rig.messages, ['one', 'two', 'three']);
      assert.is(rig.again, 0);
    },
  );

scene('a new file that grows before its copy is looked at is read once, and so is its copy', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  writeFileSync(path('app.log.1'), 'one');
  onceListed(
    rig,
    () => {
      appendFileSync(path('app.log'), 'two\n');
      copyFileSync(path('app.log'), path('app.log.1'));
    },
    path('app.log.1'),
  );
  rig.input.scan();
  truncateSync(path('app.log'));
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two']);
  assert.is(rig.lost, 0);
});

for (const pieces of [['one\nt'], ['one', '\nt']])
  scene(
    `what was copied after a copy was seen half made (${pieces.length}) is not read there as well`,
    async (rig, path) => {
      writeFileSync(path('app.log'), 'one\ntwo\n');
      rig.input.scan();
      for (const piece of pieces) {
        appendFileSync(path('app.log.1'), piece);
        rig.input.scan();
      }
      appendFileSync(path('app.log.1'), 'wo\n');
      truncateSync(path('app.log'));
      compress(path('app.log.1'), path('app.log.1.gz'));
      await rig.finish();
      rig.restart();
      await rig.finish();
      assert.equal(rig.messages, ['one', 'two']);
      assert.is(rig.lost, 0);
    },
  );

scene(
  'what follows in the next file is stored when what came between was not copied, and an event of it was stored',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'one\n more\n');
    await rig.look();
    rig.now += 3000;
    await rig.look();
    rig.deliver(1, 0);
    writeFileSync(path('app.log.1'), 'one\n');
    truncateSync(path('app.log'));
    rig.restart();
    appendFileSync(path('app.log'), ' the end\n');
    await rig.finish();
    assert.equal(rig.messages, ['one\n more', ' the end']);
  },
  { multiline: /^\S/ },
);

scene('a copy of which only a hole was seen is no copy of what comes into its inode', async (rig, path) => {
  const hole = '\0'.repeat(5000);
  writeFileSync(path('app.log'), `${hole}one\n`);
  await rig.look();
  writeFileSync(path('app.log.1'), hole.slice(0, 3000));
  rig.input.scan();
  writeFileSync(path('app.log.2'), `${hole}one\n`);
  compress(path('app.log.2'), path('app.log.2.gz'));
  // The same file, as a file system gives a freed inode to the next file.
  writeFileSync(path('app.log.1'), `${hole}and more\ntwo\n`);
  truncateSync(path('app.log'));
  await rig.finish();
  assert.equal(rig.messages, ['one', 'and more', 'two']);
});

scene('a copy that was a hole when it was opened, and is more when it is looked at, is no copy', async (rig, path) => {
  const hole = '\0'.repeat(5000);
  writeFileSync(path('app.log'), `${hole}one\n`);
  await rig.look();
  writeFileSync(path('app.log.1'), hole.slice(0, 3000));
  onceListed(rig, () => appendFileSync(path('app.log.1'), 'two\n'), path('app.log'));
  rig.input.scan();
  truncateSync(path('app.log'));
  compress(path('app.log.1'), path('app.log.1.gz'));
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two']);
});

scene('what is cut off behind the reading place is counted', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  await rig.look();
  appendFileSync(path('app.log'), 'two\nthree\n');
  rig.input.scan();
  truncateSync(path('app.log'), 'one\ntwo\n'.length);
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two']);
  assert.is(rig.lost, 'three\n'.length);
});

scene('space that was allocated ahead is not counted as lost', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  truncateSync(path('app.log'), 100_000);
  await rig.finish();
  truncateSync(path('app.log'));
  await rig.finish();
  assert.equal(rig.messages, ['one']);
  assert.is(rig.lost, 0);
});

scene(
  'a file that is deleted while it is not open is waited for, and counted when it is given up',
  async (rig, path) => {
    writeFileSync(path('a.log'), 'one\n');
    rig.input.scan();
    writeFileSync(path('b.log'), 'two\n');
    rig.input.scan();
    unlinkSync(path('a.log'));
    await rig.finish();
    assert.equal(rig.messages, ['two']);
    assert.is(rig.lost, 0);
    rig.now += 24 * 3_600_000;
    await rig.finish();
    assert.is(rig.lost, 'one\n'.length);
  },
  { maxOpen: 1 },
);

scene('what was seen and is in no copy is counted', async (rig, path) => {
  for (const packed of [false, true]) {
    writeFileSync(path('app.log'), `one ${packed}\n`);
    await rig.look();
    copyFileSync(path('app.log'), path('app.log.1'));
    appendFileSync(path('app.log'), 'between copy and truncation\n');
    rig.input.scan();
    truncateSync(path('app.log'));
    if (packed) compress(path('app.log.1'), path('app.log.1.gz'));
    await rig.finish();
    assert.is(rig.lost, (packed ? 2 : 1) * 'between copy and truncation\n'.length);
  }
});

scene('what a killed process may have sent is unconfirmed when it is gone, and not lost', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\ntwo\n');
  await rig.look();
  rig.deliver(2, 0);
  rig.restart();
  rig.input.scan();
  appendFileSync(path('app.log'), 'three\n');
  rig.input.scan();
  truncateSync(path('app.log'));
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two']);
  assert.is(rig.lost, 'three\n'.length);
  assert.is(rig.unconfirmed, 'one\ntwo\n'.length);
});

scene('what a process left unread that ended in order is lost when it is gone', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  await rig.look();
  rig.deliver();
  appendFileSync(path('app.log'), 'two\n');
  rig.registry.write(rig.table.trackedFiles, true);
  rig.restart();
  rig.input.scan();
  truncateSync(path('app.log'));
  await rig.finish();
  assert.equal(rig.messages, ['one']);
  assert.is(rig.lost, 'two\n'.length);
  assert.is(rig.unconfirmed, 0);
});

for (const maxOpen of [64, 2])
  scene(
    `half a line of a new log is no copy of one that is gone, with ${maxOpen} files open at most`,
    async (rig, path) => {
      writeFileSync(path('app.log'), 'app one\n');
      await rig.look();
      rig.deliver();
      writeFileSync(path('app.log.1'), 'app');
      compress(path('app.log'), path('app.log.2.gz'));
      await rig.look();
      for (const name of ['b.log', 'c.log']) writeFileSync(path(name), `${name}\n`);
      await rig.look();
      rig.now += 6000;
      await rig.look();
      appendFileSync(path('app.log.1'), ' two\n');
      await rig.finish();
      assert.equal(rig.messages, ['app one', 'b.log', 'c.log', 'app two']);
    },
    { maxOpen },
  );

test('a file that grew within one tick of the clock is another than it was', () => {
  const times = { dev: 1n, ino: 2n, nlink: 1n, mtimeNs: 3n, ctimeNs: 3n };
  const [before, after] = [4n, 5n].map((size) => toStat({ ...times, size } as BigIntStats).stamp);
  assert.is.not(before, after);
});

test.run();
