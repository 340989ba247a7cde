import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLock } from './lock.mjs';

const folder = mkdtempSync(join(tmpdir(), 'lock-test-'));
const path = join(folder, 'deep', 'x.lock');
test.after(() => rmSync(folder, { recursive: true }));

test('only one works at a time, and the lock is gone afterwards', async () => {
  let working = 0;
  let waited = 0;
  const work = async () => {
    working += 1;
    assert.is(working, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    working -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, work, { onWait: () => (waited += 1) })));
  assert.is(waited, 2);
  assert.not(existsSync(path));
});

test('the lock is released when the work fails', async () => {
  await withLock(path, () => Promise.reject(new Error('no'))).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'no'),
  );
  assert.not(existsSync(path));
});

test('the lock of a process that is gone does not count', async () => {
  const { pid } = spawnSync('true');
  writeFileSync(path, String(pid));
  assert.is(await withLock(path, async () => 'done'), 'done');
});

test('waiting can be aborted, and leaves the lock to its owner', async () => {
  writeFileSync(path, String(process.ppid));
  const stop = new AbortController();
  const waiting = withLock(path, async () => assert.unreachable(), { onWait: () => stop.abort(), signal: stop.signal });
  await waiting.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.name, 'AbortError'),
  );
  assert.ok(existsSync(path));
});

test.run();
