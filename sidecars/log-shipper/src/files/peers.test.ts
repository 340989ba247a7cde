/**
 * What the test suites of Filebeat, Vector and Fluent Bit ask of their file inputs, and no other test here does: by the
 * scenario, in words of our own. The README says what of them has no counterpart here.
 */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openFiles, scene } from './test-rig.ts';

scene('a link is removed: what is still written to its target is read until that is quiet', async (rig, path) => {
  writeFileSync(path('target'), 'one\n');
  symlinkSync(path('target'), path('a.log'));
  await rig.look();
  unlinkSync(path('a.log'));
  await rig.look();
  appendFileSync(path('target'), 'two\n');
  await rig.look();
  rig.deliver();
  assert.equal(rig.messages, ['one', 'two']);
  await rig.finish();
  assert.is(openFiles(rig.logs), 0, 'it was let go');
  symlinkSync(path('target'), path('a.log'));
  appendFileSync(path('target'), 'three\n');
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'three'], 'and is known when the link is there again');
});

scene(
  'a file that is touched, or whose mode changes, is not read again, also by the next process',
  async (rig, path) => {
    writeFileSync(path('a.log'), 'one\ntwo\n');
    await rig.finish();
    for (const at of [0, 1_000_000_000, 4_000_000_000]) {
      utimesSync(path('a.log'), at, at);
      chmodSync(path('a.log'), at === 0 ? 0o600 : 0o644);
      await rig.finish();
      rig.restart();
      await rig.finish();
    }
    appendFileSync(path('a.log'), 'three\n');
    await rig.finish();
    assert.equal(rig.messages, ['one', 'two', 'three']);
    assert.is(rig.again, 0);
  },
);

scene('two names of one file that both match are one file', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  linkSync(path('a.log'), path('b.log'));
  await rig.look();
  appendFileSync(path('b.log'), 'two\n');
  await rig.look();
  unlinkSync(path('a.log'));
  appendFileSync(path('b.log'), 'three\n');
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'three']);
  assert.is(rig.again, 0);
});

scene(
  'files that swap their names, and one that takes the name of another, go on where they were',
  async (rig, path) => {
    writeFileSync(path('a.log'), 'a1\n');
    writeFileSync(path('b.log'), 'b1\n');
    await rig.look();
    renameSync(path('a.log'), path('c.log'));
    renameSync(path('b.log'), path('a.log'));
    renameSync(path('c.log'), path('b.log'));
    appendFileSync(path('a.log'), 'b2\n');
    appendFileSync(path('b.log'), 'a2\n');
    await rig.look();
    rig.deliver();
    assert.equal(rig.messages.toSorted(), ['a1', 'a2', 'b1', 'b2']);
    // Over the other, of which the last line was not read yet.
    appendFileSync(path('b.log'), 'a3\n');
    appendFileSync(path('a.log'), 'b3\n');
    renameSync(path('a.log'), path('b.log'));
    appendFileSync(path('b.log'), 'b4\n');
    await rig.finish();
    assert.equal(rig.messages.toSorted(), ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'b4']);
    assert.is(rig.again, 0);
    assert.is(rig.lost, 0);
  },
);

scene('a name that is a directory for a while', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.finish();
  unlinkSync(path('a.log'));
  mkdirSync(path('a.log'));
  await rig.finish();
  rmdirSync(path('a.log'));
  writeFileSync(path('a.log'), 'two\n');
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two']);
});

scene('a file that was compressed in several members while nobody looked is read to its end', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.look();
  rig.deliver();
  const rest = [`${'two'.padEnd(100_000, '.')}\n`, 'three\n', 'four\n'];
  for (const line of rest) appendFileSync(path('a.log'), line);
  writeFileSync(path('a.log.1.gz'), Buffer.concat(['one\n', ...rest].map((part) => gzipSync(part))));
  unlinkSync(path('a.log'));
  writeFileSync(path('a.log'), 'five\n');
  rig.restart();
  await rig.finish();
  assert.equal(
    rig.messages.map((message) => message.slice(0, 5)),
    ['one', 'two..', 'three', 'four', 'five'],
  );
  assert.is(rig.lost, 0);
});

scene(
  'more files than may be open, each written to after it was closed for being quiet',
  async (rig, path) => {
    const names = Array.from({ length: 9 }, (_, at) => `${at}.log`);
    for (const [at, name] of names.entries()) writeFileSync(path(name), `first ${at}\n`);
    await rig.finish();
    for (const round of [1, 2, 3]) {
      for (const [at, name] of names.entries()) appendFileSync(path(name), `${round} of ${at}\n`);
      rig.now += 3_600_000;
      await rig.look();
      rig.deliver();
      assert.is(rig.messages.length, 9 * (round + 1));
      assert.ok(openFiles(rig.logs) <= 2);
    }
    assert.is(rig.again, 0);
  },
  { maxOpen: 2 },
);

for (const [format, wrap] of [
  [
    'docker',
    (text: string, last: boolean) =>
      `${JSON.stringify({ log: text + (last ? '\n' : ''), stream: 'stdout', time: '2026-11-21T10:00:00Z' })}\n`,
  ],
  ['cri', (text: string, last: boolean) => `2026-11-21T10:00:00.123456789Z stdout ${last ? 'F' : 'P'} ${text}\n`],
] as const) {
  scene(
    `${format}: a piece whose rest does not come is a line after its time, once, and what comes then is another`,
    async (rig, path) => {
      appendFileSync(path('a.log'), wrap('whole', true) + wrap('begun ', false));
      await rig.finish();
      assert.equal(rig.messages, ['whole', 'begun ']);
      rig.restart();
      await rig.finish();
      appendFileSync(path('a.log'), wrap('late', true) + wrap('next', true));
      await rig.finish();
      assert.equal(rig.messages, ['whole', 'begun ', 'late', 'next']);
      assert.is(rig.again, 0);
    },
    { format },
  );
}

scene(
  'what is known of files that are gone is forgotten: the registry does not grow with their number',
  async (rig, path) => {
    for (let day = 0; day < 60; day++) {
      writeFileSync(path(`app-${day}.log`), `line of ${day}\n`);
      await rig.look();
      rig.deliver();
      if (day > 0) unlinkSync(path(`app-${day - 1}.log`));
      rig.now += 25 * 3_600_000;
      await rig.look();
    }
    rig.restart();
    await rig.finish();
    assert.equal(
      rig.messages,
      Array.from({ length: 60 }, (_, day) => `line of ${day}`),
    );
    assert.ok(rig.table.trackedFiles.size <= 3, `${rig.table.trackedFiles.size} are known`);
    const registry = statSync(join(rig.state, 'registry')).size;
    assert.ok(registry < 4096, `${registry} bytes`);
    assert.match(readFileSync(join(rig.state, 'registry'), 'utf8'), 'app-59');
  },
);

scene(
  'an old file that is left out is so by its next name, too, and is read whole when it is written to',
  async (rig, path) => {
    writeFileSync(path('a.log'), 'old\n');
    utimesSync(path('a.log'), 1_000_000_000, 1_000_000_000);
    await rig.finish();
    renameSync(path('a.log'), path('a.log.1'));
    await rig.finish();
    rig.restart();
    await rig.finish();
    assert.equal(rig.messages, []);
    appendFileSync(path('a.log.1'), 'new\n');
    await rig.finish();
    assert.equal(rig.messages, ['old', 'new']);
  },
  { ignoreOlder: 60_000 },
);

scene('two workers whose logs say the same are two files, whatever their names say', async (rig, path) => {
  for (const name of ['app.log', 'app-1.log']) writeFileSync(path(name), 'one\n');
  await rig.look();
  rig.deliver();
  for (const line of ['two\n', 'three\n']) {
    for (const name of ['app.log', 'app-1.log']) appendFileSync(path(name), line);
    await rig.look();
    rig.deliver();
    rig.now += 1000;
  }
  await rig.finish();
  assert.equal(rig.messages.toSorted(), ['one', 'one', 'three', 'three', 'two', 'two']);
  assert.is(rig.lost, 0);
});

scene('a log that was emptied and holds the same lines and more at the next look has grown', async (rig, path) => {
  for (const isCopied of [false, true]) {
    const name = `${isCopied}.log`;
    const lines = [1, 2, 3, 4, 5].map((line) => `${name} ${line}`);
    writeFileSync(path(name), `${lines.slice(0, 3).join('\n')}\n`);
    await rig.finish();
    if (isCopied) copyFileSync(path(name), path(`${name}.1`));
    // The same inode, and more than it had.
    writeFileSync(path(name), `${lines.join('\n')}\n`);
    await rig.finish();
    assert.equal(rig.messages.slice(-5), lines);
    writeFileSync(path(name), `other\n${lines.join('\n')}\n`);
    await rig.finish();
    assert.equal(rig.messages.slice(-6), ['other', ...lines]);
  }
  assert.is(rig.lost, 0);
});

scene('NUL bytes that a line begins with belong to it; a page of them is room that was not used', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.finish();
  appendFileSync(path('a.log'), '\0\0two\n');
  await rig.finish();
  appendFileSync(path('a.log'), `th\0ree\n\0four\n\0\n${'\0'.repeat(4096)}five\n`);
  await rig.finish();
  appendFileSync(path('a.log'), '\0\0');
  await rig.finish();
  assert.equal(rig.messages, ['one', '\0\0two', 'th\0ree', '\0four', '\0', 'five']);
  appendFileSync(path('a.log'), 'six\n');
  rig.restart();
  await rig.finish();
  assert.equal(rig.messages.at(-1), '\0\0six');
  assert.is(rig.messages.length, 7);
});

test.run();
