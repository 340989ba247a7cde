/** Events that go on in the next file, across a kill: each is one record, and where it ends is noted. */
import { appendFileSync, chmodSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { asNobody, compress, scene, type Rig } from './test-rig.ts';

const multiline = { multiline: /^\S/ };

/** An event that went on in the next file: stored, or only sent, and the process is killed before it hears so. */
async function carriedOver(rig: Rig, path: (name: string) => string, stored: boolean): Promise<void> {
  writeFileSync(path('app.log'), 'zero\nfirst\n');
  await rig.look();
  rig.deliver();
  renameSync(path('app.log'), path('app.log.1'));
  writeFileSync(path('app.log'), ' second\n third\nnext\n');
  await rig.look();
  rig.now += 1500;
  await rig.look();
  assert.is(rig.waiting.length, 1);
  if (stored) rig.deliver(1, 0);
}

for (const stored of [true, false])
  scene(
    `an event whose lines are in two files, of which the first is lost, ${stored ? 'stored' : 'not stored'} before a kill`,
    async (rig, path) => {
      await carriedOver(rig, path, stored);
      renameSync(path('app.log.1'), path('removed'));
      rig.restart();
      // The first reader of it does not end there.
      rig.input.scan();
      rig.restart();
      await rig.finish();
      assert.equal(rig.messages, ['zero', stored ? 'first\n second\n third' : ' second\n third', 'next']);
      assert.is(rig.again, stored ? 1 : 0);
    },
    multiline,
  );

for (const stored of [true, false])
  scene(
    `an event whose lines are in two files, of which the later is lost, ${stored ? 'stored' : 'not stored'} before a kill`,
    async (rig, path) => {
      await carriedOver(rig, path, stored);
      renameSync(path('app.log'), path('removed'));
      writeFileSync(path('app.log'), ' later\nlast\n');
      rig.restart();
      await rig.finish();
      assert.equal(rig.messages, ['zero', stored ? 'first\n second\n third' : 'first', ' later', 'last']);
    },
    multiline,
  );

for (const stored of [true, false])
  scene(
    `an event whose lines are in two files, of which the first is written to later, ${stored ? 'stored' : 'not stored'} before a kill`,
    async (rig, path) => {
      await carriedOver(rig, path, stored);
      appendFileSync(path('app.log.1'), ' late\nlate, too\n');
      rig.restart();
      await rig.finish();
      assert.is(rig.messages[1], 'first\n second\n third');
      assert.equal(rig.messages.toSorted(), [' late', 'first\n second\n third', 'late, too', 'next', 'zero']);
    },
    multiline,
  );

scene(
  'an event whose lines are in two files, of which the later cannot be read for a while after a kill',
  async (rig, path) => {
    await carriedOver(rig, path, false);
    rig.restart();
    await asNobody(rig, path('app.log'), async () => {
      for (let round = 0; round < 5; round++) {
        await rig.look();
        rig.now += 10_000;
      }
      rig.deliver();
    });
    chmodSync(path('app.log'), 0o644);
    await rig.finish();
    assert.equal(rig.messages, ['zero', 'first\n second\n third', 'next']);
  },
  multiline,
);

/** Change what the registry tells, as another version or a hand might; its sums are right. */
function rewrite(rig: Rig, change: (entry: Record<string, unknown>) => void): void {
  const path = join(rig.state, 'registry');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const changed = lines.map((line) => {
    const entry = JSON.parse(line.slice(9)) as Record<string, unknown>;
    change(entry);
    const json = JSON.stringify(entry);
    return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
  });
  writeFileSync(path, changed.join(''));
}

for (const [how, note, seen] of [
  ['of an older version', undefined, undefined],
  ['with a note that is none', { id: [] }, 'x'],
  ['with half a note', ['first'], -1],
] as const)
  scene(
    `an event whose lines are in two files, and a registry ${how}`,
    async (rig, path) => {
      await carriedOver(rig, path, false);
      let notes = 0;
      rewrite(rig, (entry) => {
        const { acked, tracked } = entry as { acked?: unknown[]; tracked?: Record<string, unknown> };
        if (tracked !== undefined) Object.assign(tracked, { seen, carried: note });
        if (acked === undefined) return;
        if (acked.length === 6) notes += 1;
        if (note === undefined) acked.length = 3;
        else if (acked.length === 6) acked[5] = note;
      });
      assert.is(notes, 1);
      rig.restart();
      await rig.finish();
      // Where the first file's part ends was noted beside it: without the other note, they are two events.
      const event = note === undefined ? ['first\n second\n third'] : ['first', ' second\n third'];
      assert.equal(rig.messages, ['zero', ...event, 'next']);
    },
    multiline,
  );

scene(
  'an event whose lines are in two files, acknowledged in the first only: the registry was torn between them',
  async (rig, path) => {
    await carriedOver(rig, path, true);
    rig.deliver();
    const registry = join(rig.state, 'registry');
    const lines = readFileSync(registry, 'utf8').trimEnd().split('\n');
    assert.match(lines.at(-1)!, '"acked":[');
    writeFileSync(registry, `${lines.slice(0, -1).join('\n')}\n${lines.at(-1)!.slice(0, 20)}`);
    rig.restart();
    await rig.finish();
    assert.equal(rig.messages, ['zero', 'first\n second\n third', 'next']);
  },
  multiline,
);

scene(
  'an event whose lines are in two files, read again with another pattern for first lines',
  async (rig, path) => {
    await carriedOver(rig, path, true);
    renameSync(path('app.log.1'), path('removed'));
    rig.restart({ multiline: /^/ });
    await rig.finish();
    assert.equal(rig.messages, ['zero', 'first\n second\n third', 'next']);
  },
  multiline,
);

scene(
  'events that go on in the next file are not ended by time, however long nobody looked',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'one\n');
    await rig.look();
    renameSync(path('app.log'), path('app.log.1'));
    writeFileSync(path('app.log'), ' two\nthree\n');
    await rig.look();
    renameSync(path('app.log.1'), path('app.log.2'));
    renameSync(path('app.log'), path('app.log.1'));
    writeFileSync(path('app.log'), ' four\nfive\n');
    rig.input.scan();
    rig.now += 60_000;
    await rig.finish();
    assert.equal(rig.messages, ['one\n two', 'three\n four', 'five']);
  },
  multiline,
);

scene(
  'an event whose end was not copied does not go on in the next file: what an earlier process saw is known to the next',
  async (rig, path) => {
    // Longer than what a file's beginning is known by, so that this is the same in the copy.
    const first = `one${'.'.repeat(2000)}`;
    writeFileSync(path('app.log'), `${first}\n lost\nlost\n`);
    await rig.look();
    rig.deliver(1, 0);
    writeFileSync(path('app.log.1'), `${first}\n`);
    compress(path('app.log.1'), path('app.log.1.gz'));
    truncateSync(path('app.log'));
    rig.input.scan();
    rig.restart();
    appendFileSync(path('app.log'), ' two\nthree\n');
    await rig.finish();
    assert.equal(rig.messages, [`${first}\n lost`, ' two', 'three']);
  },
  multiline,
);

scene('an event whose end cannot be written down waits, and is not tried all the time', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\nbegin');
  await rig.look();
  rig.diskFull = true;
  rig.now += 61_000;
  const bound = new AbortController();
  const timer = setTimeout(() => bound.abort(), 20_000);
  await rig.input.step(bound.signal);
  clearTimeout(timer);
  assert.is(bound.signal.aborted, false, `tried ${rig.notes} times`);
  await rig.look();
  assert.is(rig.notes, 1);
  assert.is(rig.waiting.length, 1);
  rig.diskFull = false;
  await rig.finish();
  assert.equal(rig.messages, ['one', 'begin']);
});

scene(
  'an event whose lines are in two files waits until that is written down, and is not tried all the time',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'first\n');
    await rig.look();
    renameSync(path('app.log'), path('app.log.1'));
    writeFileSync(path('app.log'), ' second\nnext\n');
    rig.input.scan();
    rig.now += 5000;
    rig.diskFull = true;
    for (let poll = 0; poll < 20; poll++) await rig.input.step();
    assert.is(rig.notes, 1);
    assert.is(rig.waiting.length, 0);
    rig.now += 1000;
    await rig.input.step();
    assert.is(rig.notes, 2);
    rig.diskFull = false;
    await rig.finish();
    assert.equal(rig.messages, ['first\n second', 'next']);
  },
  multiline,
);

scene('nor is what came after it sent before it', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\nbegin');
  await rig.look();
  renameSync(path('app.log'), path('app.log.1'));
  writeFileSync(path('app.log'), 'two\n');
  rig.diskFull = true;
  for (let round = 0; round < 4; round++) {
    rig.now += 61_000;
    const before = rig.notes;
    await rig.look();
    assert.ok(rig.notes - before <= 2, `tried ${rig.notes - before} times`);
  }
  assert.ok(rig.notes > 0);
  rig.diskFull = false;
  await rig.finish();
  assert.equal(rig.messages, ['one', 'begin', 'two']);
});

test.run();
