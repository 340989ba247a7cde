/** What waits in the assembler, and its journal: bounded in memory, and in what is written for each piece that comes. */
import fs, { readFileSync, statSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Splitter } from '../lines/splitter.ts';
import { frame } from '../delivery/spool/frames.ts';
import { Assembler, type Piece } from './assembler.ts';
import { Held } from './held.ts';

const piece = (stream: string, text: string, id: string): Piece => ({
  stream,
  text,
  foreign: false,
  partial: { id, last: false },
});

test('a journal that is long because much waits is not written anew for each piece that comes', async () => {
  const dir = temporaryDirectory('held');
  const held = new Held(new Assembler<{ id: string }>(new Splitter(), 128 * 1024, 1000, () => 0), {
    dir,
    drops: false,
    onError: () => assert.unreachable(),
  });
  let written = 0;
  let file = statSync(join(dir, 'held'));
  let come = 0;
  const take = async (text: string, id: string): Promise<void> => {
    come += 1;
    held.add({ id: `a-${come.toString(36)}` }, piece('s', text, id), 0);
    await held.keep();
    held.shorten();
    const now = statSync(join(dir, 'held'));
    written += now.ino === file.ino ? now.size - file.size : now.size;
    file = now;
  };
  for (let at = 0; at < 32; at++) await take('x'.repeat(100_000), `line ${at}`);
  for (let at = 0; at < 300; at++) await take('y', `line ${at % 32}`);
  held.close();
  assert.ok(written < 4 * 32 * 100_000, `${written} bytes for 3.2 MB of pieces`);
});

test('pieces that say nothing take no memory, however many come', () => {
  const assembler = new Assembler<number>(new Splitter(), 1024, 1000, () => 0);
  for (let at = 0; at < 10_000; at++) assembler.add(at, piece('s', at === 5000 ? 'here' : '', 'line'), 0);
  const [[, , { texts }]] = assembler.save() as [ReturnType<typeof assembler.save>[number]];
  assert.ok(texts.length < 5, `${texts.length} texts`);
  assert.equal(
    assembler.add(1, { ...piece('s', '', 'line'), partial: { id: 'line', last: true } }, 0).map(({ text }) => text),
    ['here'],
  );
});

test('pieces of one character are joined: they take no memory but their characters', () => {
  const assembler = new Assembler<number>(new Splitter(), 400_000, 1000, () => 0);
  const count = 300_000;
  for (let at = 0; at < count; at++) assembler.add(at, piece('s', String(at % 10), 'line'), 0);
  const [[, , { texts, length }]] = assembler.save() as [ReturnType<typeof assembler.save>[number]];
  assert.ok(texts.length < 2000, `${texts.length} texts`);
  assert.is(length, count);
  assert.is(texts.join(''), '0123456789'.repeat(count / 10));
});

test('a line that is cut does not keep the rest of its text in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const assembler = new Assembler<number>(new Splitter(), 5000, 1000, () => 0);
  const before = used();
  // Of text as a decoder makes it: one flat string each.
  for (let at = 0; at < 20; at++) assembler.add(at, piece('s', Buffer.alloc(4_000_000, 'x').toString(), `${at}`), 0);
  assert.is(assembler.save().length, 20);
  // What a collection lets go of may be counted a moment later.
  await eventually('20 lines of 5,000 characters take less than 20 MB', () => used() - before < 20_000_000);
  assert.is(assembler.save().length, 20);
});

/** Characters of all that waits. */
const charactersOf = (saved: ReturnType<Assembler<string>['save']>): number =>
  saved.reduce((sum, [, key, { first, length }]) => sum + key.length + first.length + length, 0);

test('lines without an end, their ids and their labels wait in bounded memory, and none is lost', () => {
  const restored = new Assembler<string>(new Splitter(), 128 * 1024, 1000, ({ length }) => length);
  const long = 'x'.repeat(120_000);
  for (const [first, text, id] of [
    ['', long, ''],
    [long, '', ''],
    ['', '', long],
  ] as const) {
    const assembler = new Assembler<string>(new Splitter(), 128 * 1024, 1000, ({ length }) => length);
    let out = 0;
    for (let at = 0; at < 250; at++) out += assembler.add(first, piece('s', text, `${id}${at}`), 0).length;
    const saved = assembler.save();
    assert.ok(charactersOf(saved) < 5_000_000, `${charactersOf(saved)} characters wait`);
    assert.is(out + saved.length, 250);
    // What an earlier version left is brought back under the same bound.
    for (let at = 0; at < 40; at++)
      restored.restore(
        ['partial', `s ${id}${at}`, { first, texts: [text], length: text.length, foreign: false, cut: false }],
        0,
      );
    assert.ok(charactersOf(restored.save()) < 5_000_000, 'restored');
  }
});

test('of lines without an end that say little a few hundred wait, and none is lost', () => {
  const assembler = new Assembler<string>(new Splitter(), 128 * 1024, 1000, ({ length }) => length);
  const lines = Array.from({ length: 10_000 }, (_, at) => `${at}`);
  const out = lines.flatMap((id) => assembler.add('', piece('s', id, id), 0)).map(({ text }) => text);
  const saved = assembler.save();
  assert.ok(saved.length < 1000, `${saved.length} lines wait`);
  assert.equal([...out, ...saved.map(([, , { texts }]) => texts.join(''))], lines);
});

/** Bytes that are read from files at once, at most, meanwhile. */
function largestRead(action: () => void): number {
  const { readFileSync, readSync } = fs;
  let largest = 0;
  fs.readFileSync = ((...args: Parameters<typeof readFileSync>) => {
    const read = readFileSync(...args);
    largest = Math.max(largest, read.length);
    return read;
  }) as typeof readFileSync;
  fs.readSync = ((...args: Parameters<typeof readSync>) => {
    const read = readSync(...args);
    largest = Math.max(largest, read);
    return read;
  }) as typeof readSync;
  syncBuiltinESMExports();
  try {
    action();
  } finally {
    Object.assign(fs, { readFileSync, readSync });
    syncBuiltinESMExports();
  }
  return largest;
}

function restoring(dir: string): { restored: { first: { id: string } }[]; waiting: boolean; dropped: number } {
  const assembler = new Assembler<{ id: string }>(new Splitter(), 128 * 1024, 1000, () => 0);
  let dropped = 0;
  const held = new Held(assembler, { dir, drops: false, onError: () => {} });
  const restored = held.restore(0, (count) => (dropped += count));
  const { waiting } = assembler;
  held.close();
  return { restored, waiting, dropped };
}

/** A journal of so many lines that are complete and not in the spool, and of one that waits. */
async function journal(dir: string, lines: number, text: string): Promise<void> {
  const assembler = new Assembler<{ id: string }>(new Splitter(), 128 * 1024, 1000, () => 0);
  const held = new Held(assembler, { dir, drops: false, onError: () => assert.unreachable() });
  for (let at = 0; at < lines; at++) {
    const one = piece('s', text, `line ${at}`);
    held.add({ id: `a-${at.toString(36)}` }, { ...one, partial: { id: `line ${at}`, last: true } }, 0);
  }
  held.add({ id: 'b-0' }, piece('s', 'waits', 'last'), 0);
  await held.keep();
  held.close();
}

test('a journal is read in parts; beyond a limit its oldest complete lines are dropped, counted', async () => {
  const dir = temporaryDirectory('held');
  await journal(dir, 300, 'x'.repeat(100_000));
  let found: ReturnType<typeof restoring> | undefined;
  const most = largestRead(() => (found = restoring(dir)));
  assert.ok(most < 1024 * 1024, `${most} bytes were read at once`);
  const { restored, waiting, dropped } = found!;
  assert.ok(waiting);
  assert.ok(restored.length * 100_000 < 17 * 1024 * 1024, `${restored.length} events are kept`);
  assert.equal([restored.length + dropped, restored.at(-1)!.first.id], [300, `a-${(299).toString(36)}`]);
});

test('a journal that was cut, garbled or is none keeps nobody from starting', async () => {
  const dir = temporaryDirectory('held');
  const path = join(dir, 'held');
  await journal(dir, 20, 'text');
  const whole = readFileSync(path);
  assert.is(restoring(dir).restored.length, 20);
  for (let at = 0; at < whole.length; at += 7) {
    writeFileSync(path, whole.subarray(0, at));
    const cut = restoring(dir).restored.length;
    const garbled = Buffer.from(whole);
    garbled[at]! ^= 0x55;
    writeFileSync(path, garbled);
    const rest = restoring(dir).restored.length;
    assert.ok(cut <= 20 && rest <= 20, `${cut} and ${rest} of 20`);
  }
  const strange = [
    'null',
    '[]',
    '{}',
    '["piece"]',
    '["piece",{},{}]',
    '["open",[]]',
    '["taken",7]',
    '["done",[{}]]',
    '"x',
  ];
  for (const payload of strange) {
    writeFileSync(path, Buffer.concat([frame(payload), whole]));
    assert.ok(restoring(dir).restored.length <= 20, payload);
  }
});

test.run();
