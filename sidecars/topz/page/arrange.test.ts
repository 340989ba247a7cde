import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProcessDocument } from '../src/view/document.ts';
import { treeOf } from '../src/view/tree.ts';
import { arrange } from './arrange.ts';

const someone = (pid: number, ppid: number, command: string, cpu = 0): ProcessDocument =>
  ({ pid, ppid, command, name: command.split(' ')[0], user: 'joe', group: 'x1', cpu_percent: cpu }) as ProcessDocument;
const all = [
  someone(1, 0, 'init'),
  someone(2, 1, 'Web --port 80', 5),
  someone(3, 2, 'worker a', 9),
  someone(4, 2, 'worker b', 7),
  someone(5, 99, 'exec'),
];
const by = { order: ({ cpu_percent: cpu }: ProcessDocument) => cpu ?? 0, descending: true, filter: '', tree: false };
const pids = (part: Partial<typeof by>): string =>
  arrange(all, { ...by, ...part }, () => 'shop')
    .map(({ process, depth }) => `${'.'.repeat(depth)}${process.pid}`)
    .join(' ');

test('sorted either way, by id where nothing else tells', () => {
  assert.is(pids({}), '3 4 2 1 5');
  assert.is(pids({ descending: false }), '1 5 2 4 3');
});

test('every word of the filter must be found, in any field', () => {
  assert.is(pids({ filter: 'WEB' }), '2');
  assert.is(pids({ filter: 'worker b' }), '4');
  assert.is(pids({ filter: ' shop  joe worker ' }), '3 4');
  assert.is(pids({ filter: '80 worker' }), '');
});

test('a tree: brothers sorted, who has lost its parent at the root', () => {
  assert.is(pids({ tree: true }), '1 .2 ..3 ..4 5');
  assert.is(pids({ tree: true, filter: 'worker' }), '3 4');
});

test('a process that claims to be its own parent is shown once', () => {
  assert.equal(
    treeOf([someone(7, 7, 'odd')]).map(({ depth }) => depth),
    [0],
  );
});

test.run();
