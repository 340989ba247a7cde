import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../lib/stacks.ts';
import { runFile } from './uvu.ts';

const test = suite('uvu files');

// Below the project, so that the files find uvu.
mkdirSync(join(ROOT, '.cache'), { recursive: true });
const dir = mkdtempSync(join(ROOT, '.cache', 'uvu-'));
const signal = new AbortController().signal;

async function outcome(lines: string[], timeout = 20_000) {
  const file = join(dir, 'case.test.ts');
  writeFileSync(file, ["import { test } from 'uvu';", ...lines].join('\n'));
  const { passed, failed, fault } = await runFile(file, { timeout, signal });
  return { passed, failed, fault: fault ?? '' };
}

test('tests that pass, pass', async () => {
  assert.equal(await outcome(["test('a', () => {});", "test('b', () => {});", 'test.run();']), {
    passed: 2,
    failed: 0,
    fault: '',
  });
});

test('a failed test fails', async () => {
  assert.equal(await outcome(["test('a', () => {});", "test('b', () => { throw new Error('x'); });", 'test.run();']), {
    passed: 1,
    failed: 1,
    fault: '',
  });
});

test('a test that rejects with something else than an Error fails', async () => {
  assert.is((await outcome(["test('a', () => Promise.reject('x'));", 'test.run();'])).failed, 1);
});

test('a file that forgets to run fails', async () => {
  const { failed, fault } = await outcome(["test('a', () => {});"]);
  assert.is(failed, 1);
  assert.match(fault, /ran no test/);
});

test('a hook that throws fails', async () => {
  assert.ok(
    (await outcome(["test.before(() => { throw new Error('x'); });", "test('a', () => {});", 'test.run();'])).failed >
      0,
  );
});

test('a file that does not load fails', async () => {
  assert.match((await outcome(["import './nowhere.ts';"])).fault, /ran no test/);
});

test('a process that hangs is ended at its deadline', async () => {
  const { failed, fault } = await outcome(
    ["test('a', () => {});", 'test.run();', 'setInterval(() => {}, 1000);'],
    1000,
  );
  assert.is(failed, 1);
  assert.match(fault, /not done within 1 s/);
});

test('a skipped test is not a passed one', async () => {
  assert.is((await outcome(["test('a', () => {});", "test.skip('b', () => {});", 'test.run();'])).passed, 1);
});

test.after(() => rmSync(dir, { recursive: true }));

test.run();
