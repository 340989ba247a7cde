import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { longestFirst, noteDurations, readDurations } from './durations.ts';
import type { Stack } from '../lib/stacks.ts';

const test = suite('durations');

const stacks = ['a', 'b', 'c', 'd'].map((name): Stack => ({ name, dir: '', env: {}, portVariables: [] }));
const names = (durations: Record<string, number>): string =>
  longestFirst(stacks, durations, ({ name }) => name)
    .map(({ name }) => name)
    .join('');

test('the longest begin first, after those that nobody has seen yet', () => {
  assert.is(names({}), 'abcd');
  assert.is(names({ a: 1, b: 4, c: 3, d: 2 }), 'bcda');
  assert.is(names({ a: 1, b: 4 }), 'cdba');
});

test('what is known adds up', () => {
  const root = mkdtempSync(join(tmpdir(), 'durations-'));
  assert.equal(readDurations(root), {});
  noteDurations(root, { a: 1, b: 2 });
  noteDurations(root, { b: 3 });
  assert.equal(readDurations(root), { a: 1, b: 3 });
  rmSync(root, { recursive: true });
});

test.run();
