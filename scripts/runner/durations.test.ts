import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { longestFirst, noteDurations, readDurations } from './durations.ts';
import { stackNames, type Stack } from '../lib/stacks.ts';

const test = suite('durations');

const stacks = ['a', 'b', 'c', 'd'].map((name): Stack => ({ name, dir: '', env: {}, portVariables: [] }));
const names = (durations: Record<string, number>): string =>
  longestFirst(stacks, durations, ({ name }) => name)
    .map(({ name }) => name)
    .join('');

test('the longest begin first; of what was never run, 10 s are assumed', () => {
  assert.is(names({}), 'abcd');
  assert.is(names({ a: 1, b: 4, c: 3, d: 2 }), 'bcda');
  assert.is(names({ a: 1000, b: 40_000 }), 'bcda');
});

test('a fresh clone knows of every stack how long it takes', () => {
  const known = readDurations('/nowhere');
  assert.equal(
    stackNames().filter((name) => known[name] === undefined),
    [],
    'add them to first-durations.json',
  );
});

test('what is known adds up', () => {
  const root = mkdtempSync(join(tmpdir(), 'durations-'));
  noteDurations(root, { a: 1, b: 2 });
  noteDurations(root, { b: 3, '.cache/limit-x/hangs.test.ts': 4 });
  assert.not('.cache/limit-x/hangs.test.ts' in readDurations(root));
  const { a, b, https } = readDurations(root);
  assert.equal({ a, b }, { a: 1, b: 3 });
  assert.ok(https! > 0);
  rmSync(root, { recursive: true });
});

test.run();
