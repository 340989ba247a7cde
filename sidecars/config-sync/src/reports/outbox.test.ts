import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReportEntry } from '../sources/source.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { Outbox, OUTBOX_MAX } from './outbox.ts';

const directory = mkdtempSync(join(tmpdir(), 'config-outbox-'));
const path = join(directory, 'outbox.json');
test.before.each(() => rmSync(path, { force: true }));
test.after(() => rmSync(directory, { recursive: true }));

function outbox(send: (entry: ReportEntry) => Promise<boolean>): {
  box: Outbox;
  dropped: string[];
  pending: () => number;
} {
  const dropped: string[] = [];
  let pending = 0;
  const log = { warn: () => {}, debug: () => {} };
  const box = new Outbox({
    path,
    send,
    retryMax: 20,
    spread: () => 20,
    log,
    onPending: (count) => (pending = count),
    onDropped: (reason) => dropped.push(reason),
  });
  return { box, dropped, pending: () => pending };
}
const entry = (version: number, state: ReportEntry['state'] = 'applied'): ReportEntry => ({
  key: 'a',
  version: String(version),
  state,
});

test('what is not taken is tried again, in order, and forgotten once it is', async () => {
  const sent: string[] = [];
  let failures = 3;
  const { box, pending } = outbox(async ({ version }) => {
    if (failures-- > 0) throw new Error('away');
    sent.push(version);
    return true;
  });
  const ending = new AbortController();
  const running = box.run(ending.signal);
  await box.add(entry(1));
  await box.add(entry(2));
  await eventually('both are sent', () => sent.length === 2);
  assert.equal(sent, ['1', '2']);
  await eventually('nothing is kept', () => readFileSync(path, 'utf8') === '[]');
  assert.is(pending(), 0);
  ending.abort();
  await running;
});

test('a later report about a version takes the place of an earlier one', async () => {
  const { box } = outbox(() => Promise.reject(new Error('away')));
  await box.add(entry(1, 'rolled-back'));
  await box.add(entry(2));
  await box.add(entry(1));
  assert.equal(JSON.parse(readFileSync(path, 'utf8')), [entry(2), entry(1)]);
});

test('it outlives a restart, and damage of its file', async () => {
  await outbox(() => Promise.reject(new Error('away'))).box.add(entry(1));
  const { box, pending } = outbox(() => Promise.resolve(true));
  await box.load();
  assert.is(box.size, 1);
  assert.is(pending(), 1);
  writeFileSync(path, '[{');
  const other = outbox(() => Promise.resolve(true)).box;
  await other.load();
  assert.is(other.size, 0);
});

test('it is bounded: the oldest go', async () => {
  const { box, dropped } = outbox(() => Promise.reject(new Error('away')));
  for (let version = 1; version <= OUTBOX_MAX + 2; version++) await box.add(entry(version));
  assert.is(box.size, OUTBOX_MAX);
  assert.equal(dropped, ['full', 'full']);
  const kept = JSON.parse(readFileSync(path, 'utf8')) as ReportEntry[];
  assert.is(kept[0]!.version, '3');
});

test('what will never be taken is dropped', async () => {
  const { box, dropped } = outbox(() => Promise.resolve(false));
  const ending = new AbortController();
  const running = box.run(ending.signal);
  await box.add(entry(1));
  await eventually('it is dropped', () => box.size === 0);
  assert.equal(dropped, ['refused']);
  ending.abort();
  await running;
});

test.run();
