/** What becomes of a file that is renamed, copied, truncated, replaced or deleted, one case at a time. */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { asNobody, openFiles, scene } from './test-rig.ts';

scene(
  'a stack trace is one event: while it is written, across buffer ends, restarts and rotation',
  async (rig, path) => {
    const trace = (name: string, frames: number): string =>
      `${name}\n${'    at somewhere (file.js:1:1)\n'.repeat(frames)}`;
    writeFileSync(path('a.log'), trace('E1', 3));
    await rig.look();
    rig.deliver();
    assert.equal(rig.messages, [], 'it may go on');
    appendFileSync(path('a.log'), `    at last\n${trace('E2', 20_000)}${trace('E3', 1)}`);
    await rig.look();
    rig.deliver();
    assert.equal(
      rig.messages.map((message) => message.slice(0, 2)),
      ['E1', 'E2'],
    );
    assert.match(rig.messages[0]!, /at last$/);
    // It goes on in the next file.
    renameSync(path('a.log'), path('a.log.1'));
    writeFileSync(path('a.log'), `    at the end\n${trace('E4', 1)}`);
    await rig.look();
    rig.restart();
    rig.now += 500;
    await rig.finish();
    const [, , third, fourth] = rig.messages;
    assert.is(third, 'E3\n    at somewhere (file.js:1:1)\n    at the end');
    assert.is(fourth, 'E4\n    at somewhere (file.js:1:1)');
    assert.is(rig.messages.length, 4);
    rig.restart();
    await rig.finish();
    assert.is(rig.again, 0, 'the registry is past both');
  },
  { multiline: /^\S/ },
);

scene(
  'a copytruncate within a stack trace does not break it',
  async (rig, path) => {
    writeFileSync(path('a.log'), 'E1\n  at a\n');
    await rig.look();
    copyFileSync(path('a.log'), path('a.log.1'));
    truncateSync(path('a.log'));
    appendFileSync(path('a.log'), '  at b\nE2\n');
    await rig.finish();
    assert.equal(rig.messages, ['E1\n  at a\n  at b', 'E2']);
  },
  { multiline: /^\S/ },
);

scene('what was not read when copytruncate came is read from the copy', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.look();
  rig.deliver();
  appendFileSync(path('a.log'), 'two\n');
  copyFileSync(path('a.log'), path('a.log.1'));
  truncateSync(path('a.log'));
  writeFileSync(path('a.log'), 'a longer line than both\n');
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'a longer line than both']);
  assert.is(rig.lost, 0);
});

scene('a file that is rewritten under the same banner is read anew', async (rig, path) => {
  const banner = `#Software: ${'-'.repeat(1100)}\n`;
  writeFileSync(path('a.log'), `${banner}one\ntwo\n`);
  await rig.look();
  rig.deliver();
  writeFileSync(path('a.log'), `${banner}three\nfour\nfive\n`);
  await rig.finish();
  assert.equal(
    rig.messages.map((message) => message.slice(0, 5)),
    ['#Soft', 'one', 'two', '#Soft', 'three', 'four', 'five'],
  );
});

scene('a copy is not read, and a file that only began like another is', async (rig, path) => {
  writeFileSync(path('a.log'), 'same\n');
  await rig.look();
  copyFileSync(path('a.log'), path('a.log.1'));
  await rig.finish();
  assert.equal(rig.messages, ['same']);
  appendFileSync(path('a.log.1'), 'own\n');
  await rig.finish();
  assert.equal(rig.messages.toSorted(), ['own', 'same', 'same'], 'it was no copy');
});

scene('what was shipped is not shipped again: compressed, moved to another disk, listed twice', async (rig, path) => {
  const line = `${'z'.repeat(2000)}\n`;
  writeFileSync(path('a.log'), line);
  await rig.finish();
  writeFileSync(path('a.log.2.gz'), gzipSync(line));
  writeFileSync(path('a.log-20260101'), gzipSync(line));
  symlinkSync(path('a.log'), path('current.log'));
  rig.restart();
  copyFileSync(path('a.log'), path('moved'));
  unlinkSync(path('a.log'));
  renameSync(path('moved'), path('a.log'));
  await rig.finish();
  assert.is(rig.messages.length, 1);
  assert.is(rig.again, 0);
});

scene('a link that is pointed elsewhere', async (rig, path) => {
  mkdirSync(path('data'));
  writeFileSync(path('data/1'), 'one\n');
  symlinkSync(path('data/1'), path('current.log'));
  await rig.look();
  appendFileSync(path('data/1'), 'two\n');
  unlinkSync(path('current.log'));
  writeFileSync(path('data/2'), 'three\n');
  symlinkSync(path('data/2'), path('current.log'));
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'three']);
});

scene('late writes to a renamed file arrive, and a deleted one is let go when it was read', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.look();
  renameSync(path('a.log'), path('elsewhere'));
  rig.now += 1000;
  await rig.look();
  appendFileSync(path('elsewhere'), 'two\n');
  unlinkSync(path('elsewhere'));
  rig.now += 1000;
  await rig.look();
  rig.deliver();
  assert.equal(rig.messages, ['one', 'two']);
  assert.is(openFiles('elsewhere'), 1);
  rig.now += 6000;
  await rig.look();
  assert.is(openFiles('elsewhere'), 0);
  await rig.look();
  await rig.look();
  assert.is(rig.table.trackedFiles.size, 0, 'two scans have seen all since');
});

scene('a deleted file that cannot be read to its end is let go at the deadline, and counted', async (rig, path) => {
  writeFileSync(path('a.log'), `${'x'.repeat(99)}\n`.repeat(10_000));
  const { promise, resolve } = Promise.withResolvers<void>();
  rig.full = promise;
  rig.input.scan();
  const stuck = rig.input.step();
  unlinkSync(path('a.log'));
  rig.input.scan();
  rig.now += 59_000;
  rig.input.scan();
  assert.is(openFiles('a.log'), 1);
  rig.now += 2000;
  rig.input.scan();
  assert.is(openFiles('a.log'), 0);
  assert.ok(rig.lost > 500_000 && rig.lost < 1_000_000, String(rig.lost));
  resolve();
  await stuck;
  await rig.finish();
  assert.is(rig.messages.length * 100 + rig.lost, 1_000_000, 'what was read arrives');
});

scene('a scan while reading waits keeps open what is deleted meanwhile', async (rig, path) => {
  rig.input.scan();
  writeFileSync(path('a.log'), 'one\n');
  rig.input.scan();
  rmSync(path('a.log'));
  await rig.finish();
  assert.equal(rig.messages, ['one']);
});

scene('a rotated file that cannot be read does not hold up the new one', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.look();
  rig.deliver();
  rig.restart();
  appendFileSync(path('a.log'), 'two\n');
  renameSync(path('a.log'), path('a.log.1'));
  writeFileSync(path('a.log'), 'three\n');
  await asNobody(rig, path('a.log.1'), () => rig.finish());
  assert.equal(rig.messages, ['one', 'three']);
  chmodSync(path('a.log.1'), 0o644);
  await rig.finish();
  assert.equal(rig.messages, ['one', 'three', 'two']);
});

scene('two files that begin alike are two, whatever they are called', async (rig, path) => {
  const banner = 'service starts\nlistening on 8080\n';
  for (const name of ['app.log', 'app-1.log', 'app.2.log']) writeFileSync(path(name), banner);
  await rig.finish();
  assert.is(rig.messages.length, 6);
  for (const name of ['app.log', 'app-1.log', 'app.2.log']) appendFileSync(path(name), `of ${name}\n`);
  await rig.finish();
  const of = (name: string): string[] =>
    [...rig.store.values()]
      .filter(({ source }) => source === path(name))
      .map(({ body }) => (JSON.parse(body) as { message: string }).message);
  for (const name of ['app.log', 'app-1.log', 'app.2.log'])
    assert.equal(of(name), ['service starts', 'listening on 8080', `of ${name}`]);
});

scene('what was truncated is read from the copy, however it is named and packed', async (rig, path) => {
  for (const [at, name] of [
    'app.log.1',
    'app-1.log',
    'app.log-20261121',
    'app.log.1.gz',
    'app.log-1763712000.gz',
  ].entries()) {
    writeFileSync(path('app.log'), `read ${at}\n`);
    await rig.look();
    rig.deliver();
    appendFileSync(path('app.log'), `not read ${at}\n`);
    const content = readFileSync(path('app.log'));
    writeFileSync(path(name), name.endsWith('.gz') ? gzipSync(content) : content);
    truncateSync(path('app.log'));
    await rig.look();
    await rig.finish();
    unlinkSync(path(name));
    await rig.finish();
  }
  assert.equal(
    rig.messages,
    [0, 1, 2, 3, 4].flatMap((at) => [`read ${at}`, `not read ${at}`]),
  );
  assert.is(rig.lost, 0);
});

scene(
  'what was rotated and compressed while the shipper was stopped is read, more than fits in memory',
  async (rig, path) => {
    const lines = (from: number): string =>
      Array.from({ length: 30_000 }, (_, at) => `${from + at} ${'y'.repeat(700)}\n`).join('');
    writeFileSync(path('app.log'), '0 first\n');
    await rig.look();
    rig.deliver();
    appendFileSync(path('app.log'), lines(1));
    writeFileSync(path('app.log.1.gz'), gzipSync(readFileSync(path('app.log')), { level: 1 }));
    unlinkSync(path('app.log'));
    writeFileSync(path('app.log'), lines(30_001));
    rig.restart();
    await rig.finish();
    assert.is(rig.messages.length, 60_001);
    assert.is(
      rig.messages.findIndex((message, at) => !message.startsWith(`${at} `)),
      -1,
      'in order',
    );
  },
);

scene('a compressed copy that is damaged: what is lost is counted', async (rig, path) => {
  writeFileSync(path('app.log'), 'read\n');
  await rig.look();
  rig.deliver();
  appendFileSync(path('app.log'), `${'not read'.repeat(1000)}\n`);
  rig.input.scan();
  const packed = gzipSync(readFileSync(path('app.log')));
  packed.fill(0xff, packed.length - 20);
  writeFileSync(path('app.log.1.gz'), packed);
  truncateSync(path('app.log'));
  await rig.finish();
  assert.equal(rig.messages, ['read']);
  assert.is(rig.lost, 8001);
});

scene('a compressed copy that is not yet for everybody to read is waited for, and comes first', async (rig, path) => {
  writeFileSync(path('app.log'), 'read\n');
  await rig.look();
  rig.deliver();
  appendFileSync(path('app.log'), 'not read\n');
  writeFileSync(path('app.log.1.gz'), gzipSync(readFileSync(path('app.log'))));
  truncateSync(path('app.log'));
  appendFileSync(path('app.log'), 'a new line, longer than both\n');
  await asNobody(rig, path('app.log.1.gz'), async () => {
    await rig.look();
    rig.deliver();
  });
  chmodSync(path('app.log.1.gz'), 0o644);
  await rig.finish();
  assert.equal(rig.messages, ['read', 'not read', 'a new line, longer than both']);
  assert.is(rig.lost, 0);
});

test.run();
