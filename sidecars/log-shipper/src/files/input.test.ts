/** The file input, one event of a file's life at a time. */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig, type RigOptions } from './test-rig.ts';

/** A test with a rig of its own. */
function scene(
  name: string,
  run: (rig: Rig, path: (name: string) => string) => Promise<void>,
  options: RigOptions = {},
): void {
  test(name, async () => {
    const rig = new Rig(options);
    mkdirSync(rig.logs, { recursive: true });
    try {
      await run(rig, (each) => join(rig.logs, each));
    } finally {
      rig.remove();
    }
  });
}

const documentsOf = (rig: Rig): Record<string, unknown>[] =>
  [...rig.store.values()].map(({ body }) => JSON.parse(body) as Record<string, unknown>);
const openFiles = (path: string): number =>
  Number(
    execFileSync('sh', ['-c', `ls -l /proc/${process.pid}/fd | grep -c "$1" || true`, 'sh', path], {
      encoding: 'utf8',
    }),
  );

scene('files of a few bytes are shipped, also with the same content', async (rig, path) => {
  for (const name of ['a.log', 'b.log', 'worker-1.log', 'worker-2.log']) writeFileSync(path(name), 'x\n');
  await rig.finish();
  assert.equal(rig.messages, ['x', 'x', 'x', 'x']);
  assert.is(new Set(rig.store.keys()).size, 4);
});

scene('a partial line is completed once, also across a restart', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\ntw');
  await rig.look();
  rig.deliver();
  assert.equal(rig.messages, ['one']);
  rig.restart();
  await rig.look();
  appendFileSync(path('a.log'), 'o\nth');
  await rig.look();
  rig.deliver();
  assert.equal(rig.messages, ['one', 'two']);
  rig.now += 61_000;
  await rig.look();
  rig.deliver();
  assert.equal(rig.messages, ['one', 'two', 'th'], 'what an application left when it crashed');
  appendFileSync(path('a.log'), 'ree\n');
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'th', 'ree']);
});

scene('line ends of two bytes, a byte order mark, bytes that are not UTF-8, NUL', async (rig, path) => {
  writeFileSync(path('a.log'), Buffer.from('efbbbf', 'hex'));
  appendFileSync(path('a.log'), 'dos\r\n');
  appendFileSync(path('a.log'), Buffer.from('636166e90a', 'hex'));
  appendFileSync(path('a.log'), 'café\na\0b\n\r\n\n');
  await rig.finish();
  assert.equal(rig.messages, ['dos', 'café', 'café', 'a\0b']);
  assert.equal(
    documentsOf(rig).map((document) => document['log.flags']),
    [undefined, ['not-utf8'], undefined, undefined],
  );
});

scene('a line of 5 MB is cut and marked, and those around it arrive', async (rig, path) => {
  writeFileSync(path('a.log'), `before\n${'é'.repeat(2_500_000)}\nafter\n${'y'.repeat(70_000)}\nlast\n`);
  await rig.finish();
  assert.equal(
    rig.messages.map((message) => [message[0], message.length]),
    [
      ['b', 6],
      ['é', (64 * 1024 + 4096) / 2],
      ['a', 5],
      ['y', 64 * 1024],
      ['l', 4],
    ],
  );
  assert.equal(
    documentsOf(rig).map((document) => document['log.flags']),
    [undefined, ['truncated'], undefined, ['truncated'], undefined],
  );
  rig.restart();
  await rig.finish();
  assert.is(rig.again, 0);
});

scene(
  'an event before one that is too long ends where it ends, and a long trace is cut like a long line',
  async (rig, path) => {
    const frames = '  at somewhere\n'.repeat(200_000);
    writeFileSync(path('a.log'), `E1\n  at a\nE2 ${'x'.repeat(1_000_000)}\nE3\n${frames}E4\n`);
    await rig.finish();
    const [first, second, third, fourth] = rig.messages;
    assert.is(first, 'E1\n  at a');
    assert.equal([second!.slice(0, 4), second!.length], ['E2 x', 64 * 1024]);
    assert.equal([third!.slice(0, 7), third!.length], ['E3\n  at', 64 * 1024]);
    assert.is(fourth, 'E4');
    assert.is(rig.messages.length, 4);
  },
  { multiline: /^\S/ },
);

scene('a million empty lines cost nothing', async (rig, path) => {
  writeFileSync(path('a.log'), `a\n${'\n'.repeat(1_000_000)}b\n`);
  await rig.finish();
  assert.equal(rig.messages, ['a', 'b']);
});

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

scene('copytruncate under a writer that keeps its place stores no NUL', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.look();
  copyFileSync(path('a.log'), path('a.log.1'));
  truncateSync(path('a.log'));
  execFileSync('dd', [`of=${path('a.log')}`, 'seek=300000', 'bs=1', 'conv=notrunc', 'status=none'], { input: 'two\n' });
  await rig.look();
  appendFileSync(path('a.log'), 'three\n');
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'three']);
});

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

scene('a link out of the directory is not followed', async (rig, path) => {
  symlinkSync('/etc/passwd', path('passwd.log'));
  writeFileSync(path('a.log'), 'x\n');
  await rig.finish();
  assert.equal(rig.messages, ['x']);
  assert.is(rig.tracker.refused.get(path('passwd.log')), 'outside');
});

scene('directories, FIFOs and sockets under a name that matches are left alone', async (rig, path) => {
  mkdirSync(path('dir.log'));
  execFileSync('mkfifo', [path('fifo.log')]);
  writeFileSync(path('a.log'), 'x\n');
  await rig.finish();
  assert.equal(rig.messages, ['x']);
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
  assert.is(rig.tracker.generations.size, 0);
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

scene('a file that becomes readable is read from its beginning', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  chmodSync(path('a.log'), 0);
  // Root reads everything.
  const root = process.geteuid?.() === 0;
  if (root) {
    execFileSync('chmod', ['-R', 'a+rwX', join(rig.logs, '..')]);
    chmodSync(path('a.log'), 0);
    process.seteuid!(65_534);
  }
  try {
    await rig.look();
    assert.is(rig.tracker.refused.get(path('a.log')), 'unreadable');
  } finally {
    if (root) process.seteuid!(0);
  }
  chmodSync(path('a.log'), 0o644);
  await rig.finish();
  assert.equal(rig.messages, ['one']);
  assert.is(rig.tracker.refused.size, 0);
});

scene(
  'of many files a bounded number is open, and each has its turn',
  async (rig, path) => {
    const names = Array.from({ length: 20 }, (_, at) => `${at}.log`);
    for (const name of names) writeFileSync(path(name), `${`${name} ${'x'.repeat(990)}\n`.repeat(1000)}`);
    rig.input.scan();
    assert.ok(openFiles(rig.logs) <= 4);
    await rig.input.step();
    assert.ok(openFiles(rig.logs) <= 4);
    assert.is(rig.waiting.length, 20_000);
    const first = new Set(rig.waiting.slice(0, 6000).map(({ source }) => source));
    assert.is(first.size, 20, 'no file waits until another is read');
  },
  { maxOpen: 4 },
);

scene('a scan while reading waits keeps open what is deleted meanwhile', async (rig, path) => {
  rig.input.scan();
  writeFileSync(path('a.log'), 'one\n');
  rig.input.scan();
  rmSync(path('a.log'));
  await rig.finish();
  assert.equal(rig.messages, ['one']);
});

scene('nothing is written beside the logs', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.finish();
  assert.equal(readdirSync(rig.logs), ['a.log']);
  assert.ok(existsSync(join(rig.state, 'registry')));
});

test.run();
