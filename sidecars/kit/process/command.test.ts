import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pause } from '../time/backoff.ts';
import { CommandError, parseCommand, runCommand, type CommandOptions } from './command.ts';
import { readProcess } from './processes.ts';
import { temporaryDirectory } from '../testing/temporary.ts';

async function failure(argv: string[], options?: CommandOptions): Promise<CommandError> {
  try {
    await runCommand(argv, options);
  } catch (error) {
    assert.instance(error, CommandError);
    return error as CommandError;
  }
  throw new Error(`${argv[0]} did not fail`);
}

/** A process that was killed exists for a moment, until the kernel has ended it. */
async function gone(pid: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (let left = readProcess(pid); left !== undefined && left.state !== 'Z'; left = readProcess(pid)) {
    assert.ok(performance.now() < deadline, `process ${pid} is still ${left.state}`);
    await pause(5);
  }
}

test('words are split at blanks, and quotes keep them together', () => {
  assert.equal(parseCommand(' nginx  -t\t-c "/etc/my site/nginx.conf" '), [
    'nginx',
    '-t',
    '-c',
    '/etc/my site/nginx.conf',
  ]);
  assert.equal(parseCommand(`a'b c'"d e"f`), ['ab cd ef']);
  assert.equal(parseCommand(String.raw`a\ b "\"" '\'`), ['a b', '"', '\\']);
  assert.equal(parseCommand('a ""'), ['a', '']);
  assert.equal(parseCommand('echo $HOME `id` *;|&'), ['echo', '$HOME', '`id`', '*;|&'], 'nothing is expanded');
});

test('a command that cannot be meant is refused', () => {
  assert.throws(() => parseCommand('a "b'), /not closed/);
  assert.throws(() => parseCommand("a 'b"), /not closed/);
  assert.throws(() => parseCommand('  '), /no program/);
  assert.throws(() => parseCommand('"" a'), /no program/);
});

test('any words come back as they were once they are quoted', () => {
  const word = fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '\\', '$', '\t', '\n', 'é') });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), (words) => {
      const all = ['program', ...words];
      assert.equal(parseCommand(all.map((each) => `"${each.replaceAll(/["\\]/g, '\\$&')}"`).join(' ')), all);
      assert.equal(parseCommand(all.map((each) => `'${each.replaceAll("'", `'"'"'`)}'`).join('  ')), all);
    }),
  );
});

test('it answers with what the program wrote, and gives it its input', async () => {
  const { stdout, stderr } = await runCommand(['cat'], { input: 'héllo' });
  assert.equal([stdout, stderr], ['héllo', '']);
});

test('a program that does not read its input does no harm', async () => {
  await runCommand(['true'], { input: Buffer.alloc(1_000_000) });
});

test('failure tells the status and the last line that was written', async () => {
  const error = await failure(['sh', '-c', 'echo first >&2; echo "line 7: unexpected }" >&2; exit 3']);
  assert.is(error.reason, 'exit');
  assert.is(error.code, 3);
  assert.is(error.message, 'sh exited with 3: line 7: unexpected }');
  assert.is((await failure(['sh', '-c', 'kill -TERM $$'])).message, 'sh was ended by SIGTERM');
});

test('a program that is not there', async () => {
  const error = await failure(['/nowhere/program']);
  assert.is(error.reason, 'not-found');
  assert.match(error.message, /\/nowhere\/program could not be started: ENOENT/);
});

test('why a program did not start: not executable, no such directory, or arguments too long', async () => {
  const directory = temporaryDirectory('command');
  const file = join(directory, 'program');
  writeFileSync(file, '#!/bin/sh\n', { mode: 0o644 });
  writeFileSync(join(directory, 'script'), '#!/nowhere/interpreter\n', { mode: 0o755 });
  const long = ['true', 'x'.repeat(4_000_000)];
  for (const [argv, options, reason, message] of [
    [[file], {}, 'denied', /program could not be started: EACCES$/],
    [[directory], {}, 'denied', /EACCES$/],
    [[join(directory, 'script')], {}, 'not-found', /script could not be started: ENOENT$/],
    [['true'], { cwd: '/nowhere' }, 'working-directory', /its working directory \/nowhere cannot be entered: ENOENT$/],
    [['true'], { cwd: file }, 'working-directory', /its working directory .*program cannot be entered: ENOTDIR$/],
    [['/nowhere/program'], { cwd: directory }, 'not-found', /\/nowhere\/program could not be started: ENOENT$/],
    [long, {}, 'too-long', /E2BIG \(its arguments and environment are too long\)$/],
    [['true', 'a\0b'], {}, 'not-started', /ERR_INVALID_ARG_VALUE$/],
  ] as [string[], CommandOptions, string, RegExp][]) {
    const error = await failure(argv, options);
    assert.is(error.reason, reason, error.message);
    assert.match(error.message, message);
    assert.instance(error.cause, Error, 'with its cause');
  }
});

test('at the deadline the whole group goes, grandchildren too', async () => {
  const file = join(temporaryDirectory('command'), 'pid');
  const error = await failure(['sh', '-c', `trap '' TERM; sleep 3600 & echo $! > ${file}; wait`], { timeout: 300 });
  const pid = Number(readFileSync(file, 'utf8'));
  assert.is(error.reason, 'timeout');
  assert.match(error.message, /sh was ended after 0\.\d s/);
  await gone(pid);
});

test('what it leaves in the background goes with it', async () => {
  const { stdout } = await runCommand(['sh', '-c', 'sleep 3600 >/dev/null 2>&1 & echo $!']);
  await gone(Number(stdout));
});

test('it ends when it is told to, before its start too', async () => {
  const stop = new AbortController();
  const failing = failure(['sleep', '3600'], { signal: stop.signal });
  stop.abort(new Error('shutting down'));
  const error = await failing;
  assert.is(error.reason, 'aborted');
  assert.match(error.message, /shutting down/);
  assert.is((await failure(['sleep', '3600'], { signal: stop.signal })).reason, 'aborted');
});

test('of much output the end is kept', async () => {
  const { stdout } = await runCommand(['seq', '1', '200000'], { maxOutput: 1000 });
  assert.is(stdout.length, 1000);
  assert.ok(stdout.endsWith('\n200000\n'));
});

test.run();
