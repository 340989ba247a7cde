/** The file input: which files are read, and what of them. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { asNobody, openFiles, type Rig, scene } from './test-rig.ts';

const documentsOf = (rig: Rig): Record<string, unknown>[] =>
  [...rig.store.values()].map(({ body }) => JSON.parse(body) as Record<string, unknown>);

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
      ['é', (64 * 1024) / 2],
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

scene('a file that becomes readable is read from its beginning', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await asNobody(rig, path('a.log'), async () => {
    await rig.look();
    assert.is(rig.tracker.refused.get(path('a.log')), 'unreadable');
  });
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

scene('a new file waits until the registry has it', async (rig, path) => {
  mkdirSync(join(rig.state, 'registry.new'));
  writeFileSync(path('a.log'), 'one\n');
  await rig.look();
  assert.is(rig.table.problem, 'EISDIR');
  assert.is(rig.waiting.length, 0);
  rmdirSync(join(rig.state, 'registry.new'));
  await rig.finish();
  assert.is(rig.table.problem, undefined);
  assert.equal(rig.messages, ['one']);
});

scene('nothing is written beside the logs', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.finish();
  assert.equal(readdirSync(rig.logs), ['a.log']);
  assert.ok(existsSync(join(rig.state, 'registry')));
});

scene(
  'from the end of what is there at the first start, and from the beginning of what comes later',
  async (rig, path) => {
    writeFileSync(path('a.log'), 'old\nbeg');
    await rig.look();
    appendFileSync(path('a.log'), 'un\nnew\n');
    writeFileSync(path('b.log'), 'later\n');
    await rig.finish();
    rig.restart();
    writeFileSync(path('c.log'), 'after a restart\n');
    await rig.finish();
    assert.equal(rig.messages.toSorted(), ['after a restart', 'begun', 'later', 'new']);
  },
  { startAtEnd: true },
);

scene(
  'files that have not changed for long are left out until they change',
  async (rig, path) => {
    writeFileSync(path('a.log'), 'old\n');
    utimesSync(path('a.log'), 1, Date.now() / 1000 - 3700);
    writeFileSync(path('b.log'), 'new\n');
    await rig.finish();
    assert.equal(rig.messages, ['new']);
    appendFileSync(path('a.log'), 'changed\n');
    await rig.finish();
    assert.equal(rig.messages, ['new', 'old', 'changed']);
  },
  { ignoreOlder: 3_600_000 },
);

scene(
  'a line keeps its index: read again after midnight, and by its own time in UTC',
  async (rig, path) => {
    const { now } = Date;
    const indices = (): (string | undefined)[] => rig.waiting.map(({ index }) => index);
    try {
      Date.now = () => Date.parse('2026-11-20T23:59:00Z');
      writeFileSync(path('a.log'), 'one\n{"time":"2026-11-21T01:00:00+02:00"}\n');
      await rig.look();
      assert.equal(indices(), ['logs-2026.11.20', 'logs-2026.11.20']);
      rig.restart();
      Date.now = () => Date.parse('2026-11-21T00:01:00Z');
      await rig.look();
      assert.equal(indices(), ['logs-2026.11.20', 'logs-2026.11.20'], 'sent again');
      appendFileSync(path('a.log'), 'two\n');
      await rig.look();
      assert.equal(indices().slice(2), ['logs-2026.11.21']);
    } finally {
      Date.now = now;
    }
  },
  { dated: 'logs-{date}' },
);

scene(
  'with a full disk at midnight a file waits until its day can be written down, and no line is lost or moved',
  async (rig, path) => {
    const { now } = Date;
    const indices = (): (string | undefined)[] => [...rig.store.values()].map(({ index }) => index);
    const write = rig.registry.write.bind(rig.registry);
    const full = (): never => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    try {
      Date.now = () => Date.parse('2026-11-20T23:59:00Z');
      writeFileSync(path('a.log'), 'one\n');
      await rig.look();
      rig.deliver();
      rig.registry.write = full;
      Date.now = () => Date.parse('2026-11-21T00:01:00Z');
      for (const line of ['two\n', 'three\n']) {
        appendFileSync(path('a.log'), line);
        await rig.look();
        assert.is(rig.waiting.length, 0, 'after a kill it might be another day');
      }
      assert.is(rig.table.problem, 'ENOSPC');
      rig.registry.write = write;
      await rig.look();
      assert.equal(
        rig.waiting.map(({ index }) => index),
        ['logs-2026.11.21', 'logs-2026.11.21'],
      );
      rig.restart();
      Date.now = () => Date.parse('2026-11-22T00:01:00Z');
      await rig.finish();
      assert.equal(rig.messages, ['one', 'two', 'three']);
      assert.equal(indices(), ['logs-2026.11.20', 'logs-2026.11.21', 'logs-2026.11.21']);
    } finally {
      Date.now = now;
    }
  },
  { dated: 'logs-{date}' },
);

scene('everything else has its turn between two chunks, also while there is room for lines', async (rig, path) => {
  writeFileSync(path('a.log'), `${'x'.repeat(99)}\n`.repeat(30_000));
  rig.input.scan();
  let turns = 0;
  let other = setImmediate(function turn() {
    turns += 1;
    other = setImmediate(turn);
  });
  await rig.input.step();
  clearImmediate(other);
  assert.is(rig.waiting.length, 30_000);
  // 3 MB are at least eleven chunks.
  assert.ok(turns >= 10, `${turns} turns`);
});

test.run();
