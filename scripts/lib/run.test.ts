import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lastLines, run } from './run.ts';

test('arguments reach the program as they are', async () => {
  const odd = ['two words', '$HOME', '`id`', "quote'quote", '"', '*', '', '\\', 'a\nb', '; exit 3'];
  const { stdout, exitCode } = await run('printf', ['<%s>', ...odd]);
  assert.is(exitCode, 0);
  assert.is(stdout, odd.map((word) => `<${word}>`).join(''));
});

test('exit code, both outputs and input are passed on', async () => {
  const result = await run('sh', ['-c', 'cat; echo oops >&2; exit 7'], { input: 'hello', env: { X: '1' } });
  assert.equal(result, { exitCode: 7, stdout: 'hello', stderr: 'oops\n', ended: undefined });
});

test('without input, standard input is empty', async () => {
  assert.is((await run('cat', [])).stdout, '');
});

test('a program that is not there gives 127', async () => {
  assert.is((await run('no-such-program', ['x'])).exitCode, 127);
});

test('the time limit ends the program itself, not just the shell around it', async () => {
  const started = Date.now();
  const result = await run('sleep', ['300'], { timeoutMs: 50 });
  assert.is(result.ended, 'timeout');
  assert.is(result.exitCode, null);
  assert.ok(Date.now() - started < 60_000);
});

test('an abort lets the program end in its own way, and is waited for', async () => {
  const stop = new AbortController();
  const script = 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.01; done';
  const result = await run('sh', ['-c', script], {
    signal: stop.signal,
    onStdout: (text) => text.includes('ready') && stop.abort(),
  });
  assert.equal(result, { exitCode: 3, stdout: 'ready\nbye\n', stderr: '', ended: 'aborted' });
});

test('an interrupt can be chosen as the signal', async () => {
  const stop = new AbortController();
  const script = 'trap "exit 4" INT; trap "exit 5" TERM; echo ready; while :; do sleep 0.01; done';
  const { exitCode } = await run('sh', ['-c', script], {
    signal: stop.signal,
    endWith: 'SIGINT',
    onStdout: () => stop.abort(),
  });
  assert.is(exitCode, 4);
});

test('the last lines are those with something in them', () => {
  assert.equal(lastLines('a\n\nb  \nc\n\n', 2), ['b', 'c']);
  assert.equal(lastLines('', 2), []);
});

test.run();
