/** Crashes as Node prints them: of real processes, so that a new release's format is noticed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crashIn } from './program-error.ts';

const test = suite('crash');

const dir = mkdtempSync(join(tmpdir(), 'crash-'));
test.after(() => rmSync(dir, { recursive: true }));
const file = join(dir, 'scenario.ts');

function crashOf(source: string): { message: string | undefined; line: number | undefined } {
  writeFileSync(file, source);
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  assert.is.not(status, 0);
  const { message, details } = crashIn(stdout + stderr, file);
  assert.ok(details.log.length > 0);
  return { message, line: details.line };
}

test('a syntax error is told with its line', () => {
  const { message, line } = crashOf('const a = 1;\n\nconst = 2;\n');
  assert.match(message!, /^SyntaxError/);
  assert.is(line, 3);
});

test('an unhandled rejection is told with its causes', () => {
  const { message, line } = crashOf(
    "\nconst cause = new Error('connect ECONNREFUSED 127.0.0.1:1');\nvoid Promise.reject(new TypeError('fetch failed', { cause }));\nsetInterval(() => {}, 9);\n",
  );
  assert.is(message, 'TypeError: fetch failed: Error: connect ECONNREFUSED 127.0.0.1:1');
  assert.is(line, 3);
});

test('a rejection with something else than an Error, and a missing module, are told', () => {
  assert.match(crashOf("void Promise.reject('x');").message!, /UnhandledPromiseRejection.*"x"/);
  assert.match(crashOf("import './nowhere.ts';").message!, /Cannot find module '.*nowhere\.ts'/);
});

test('of a process that printed no error, its last lines', () => {
  assert.is(crashOf("console.log('going'); process.exit(3);").message, undefined);
});

test.run();
