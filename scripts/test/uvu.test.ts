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

test('a hook that throws fails, and is quoted, which uvu does not', async () => {
  for (const hook of ['before', 'after']) {
    const { failed, fault } = await outcome([
      `test.${hook}(async () => { throw new Error('no such image'); });`,
      "test('a', () => {});",
      'test.run();',
    ]);
    assert.ok(failed > 0);
    assert.match(fault, `a hook threw: ${hook}: no such image`);
  }
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

test('a process that a file leaves behind does not hold up the run', async () => {
  const began = performance.now();
  const { failed, fault } = await outcome([
    "import { spawn } from 'node:child_process';",
    "spawn('sleep', ['60'], { detached: true, stdio: 'inherit' }).unref();",
    "test('a', () => {});",
    'test.run();',
  ]);
  assert.is(failed, 1);
  assert.match(fault, /still there, and holds its output/);
  assert.ok(performance.now() - began < 30_000);
});

test('.only, .skip and a suite without .run() are red, whatever passed beside them', async () => {
  const only = await outcome(["test('a', () => {});", "test.only('b', () => {});", 'test.run();']);
  assert.is(only.failed, 1);
  assert.match(only.fault, /\.only leaves out every other test: "b"/);

  const skip = await outcome(["test('a', () => {});", "test.skip('b', () => {});", 'test.run();']);
  assert.is(skip.failed, 1);
  assert.match(skip.fault, /\.skip drops "b"/);

  const second = ["test('a', () => {});", 'test.run();', "const more = suite('more');", "more('b', () => {});"];
  const never = await outcome(["import { suite } from 'uvu';", ...second]);
  assert.is(never.failed, 1);
  assert.match(never.fault, /\.run\(\) is missing: more \(1\)/);
  assert.is((await outcome(["import { suite } from 'uvu';", ...second, 'more.run();'])).failed, 0);
});

test('a skip that is meant is no failure, and is named with its reason', async () => {
  const file = join(dir, 'meant.test.ts');
  const lines = [
    "import { test } from 'uvu';",
    "import { skipped } from '#kit/testing/skipped.ts';",
    "skipped('b', 'it needs two moons');",
    "test('a', () => {});",
    'test.run();',
  ];
  writeFileSync(file, lines.join('\n'));
  const report = await runFile(file, { timeout: 20_000, signal });
  assert.is(report.failed, 0);
  assert.equal(report.skipped, ['b: it needs two moons']);
});

test('a file that leaves out all its tests by name is no failure; one that breaks off then is', async () => {
  const file = join(dir, 'nothing.test.ts');
  const line = "import { skipped } from '#kit/testing/skipped.ts'; skipped('b', 'it needs two moons');";
  writeFileSync(file, line);
  const { passed, failed, skipped } = await runFile(file, { timeout: 20_000, signal });
  assert.equal([passed, failed, skipped], [0, 0, ['b: it needs two moons']]);
  writeFileSync(file, `${line} process.exit(1);`);
  assert.is((await runFile(file, { timeout: 20_000, signal })).failed, 1);
});

test.after(() => rmSync(dir, { recursive: true }));

test.run();
