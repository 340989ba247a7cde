import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { forgetChanges, noteChanges, readChanges, startOf } from './record.ts';

const test = suite('record of changes');

const dir = mkdtempSync(join(tmpdir(), 'record-'));
const file = join(dir, 'sidecar-stacks', 'setup.json');

test('changes add up, each once, and are forgotten as a whole', () => {
  assert.is(readChanges(file), undefined);
  noteChanges({ packages: ['a', 'b'] }, file);
  noteChanges({ packages: ['b', 'c'], enabled: true, files: { '/x': '1' } }, file);
  noteChanges({ daemon: { pid: 7, started: '9' }, files: { '/y': '2' } }, file);
  assert.equal(readChanges(file), {
    packages: ['a', 'b', 'c'],
    upgraded: [],
    files: { '/x': '1', '/y': '2' },
    enabled: true,
    daemon: { pid: 7, started: '9' },
  });
  forgetChanges(file);
  assert.is(readChanges(file), undefined);
});

test('a process is told from a later one of its id', () => {
  assert.match(startOf(process.pid)!, /^\d+$/);
  assert.is(startOf(2 ** 22 + 1), undefined);
});

test.after(() => rmSync(dir, { recursive: true }));

test.run();
