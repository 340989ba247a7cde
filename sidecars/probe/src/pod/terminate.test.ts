import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readProcess } from '#kit/process/processes.ts';
import { findContainer } from './container.ts';
import { FakeProc } from './test-proc.ts';
import { terminate } from './terminate.ts';

let proc: FakeProc;
let children: ChildProcess[] = [];
test.before.each(() => {
  proc = new FakeProc();
});
test.after.each(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  proc.close();
});

/** A real process that the fake /proc shows as one of the container `app`, until it ends. */
async function start(script: string, root?: number): Promise<ChildProcess & { pid: number }> {
  const child = spawn('bash', ['-c', `${script}; echo ready; while :; do sleep 0.05; done`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  }) as ChildProcess & { pid: number };
  children.push(child);
  await once(child.stdout!, 'data');
  proc.add({ pid: child.pid, ppid: root ?? 0, args: [root === undefined ? 'app' : 'worker'], group: 'app' });
  child.once('exit', () => proc.remove(child.pid));
  return child;
}

const end = (gracePeriod: number, onKill: () => void = () => {}) =>
  terminate(findContainer('app', proc.path)!, {
    gracePeriod,
    onKill,
    signal: new AbortController().signal,
    proc: proc.path,
  });

test('TERM is enough for a program that heeds it, and the rest is left to the engine', async () => {
  const app = await start(':');
  const worker = await start(':', app.pid);
  assert.is(await end(10_000, () => assert.unreachable('KILL')), 'term');
  assert.is(app.signalCode, 'SIGTERM');
  assert.is(worker.exitCode ?? worker.signalCode, null);
});

test('KILL comes after the grace period, for every process of the container', async () => {
  const app = await start("trap '' TERM");
  const worker = await start("trap '' TERM", app.pid);
  const ended = once(worker, 'exit');
  let said = 0;
  const began = performance.now();
  assert.is(await end(200, () => (said += 1)), 'kill');
  assert.ok(performance.now() - began >= 200);
  await Promise.race([
    ended,
    pause(5000, undefined, { ref: false }).then(() => assert.unreachable('the worker was left')),
  ]);
  assert.equal([app.signalCode, worker.signalCode, said], ['SIGKILL', 'SIGKILL', 1]);
});

test('a stopped program is killed too', async () => {
  const app = await start(':');
  app.kill('SIGSTOP');
  // TERM that comes while STOP is still pending would be heeded first.
  while (readProcess(app.pid)?.state !== 'T') await pause(5);
  assert.is(await end(100), 'kill');
  assert.is(app.signalCode, 'SIGKILL');
});

test('the shutdown of the probe ends the wait', async () => {
  await start("trap '' TERM");
  const stop = new AbortController();
  const ending = terminate(findContainer('app', proc.path)!, {
    gracePeriod: 60_000,
    onKill: () => assert.unreachable('KILL'),
    signal: stop.signal,
    proc: proc.path,
  });
  stop.abort(new Error('shutting down'));
  const reason = await ending.then(
    () => 'done',
    (error: Error) => error.message,
  );
  assert.is(reason, 'shutting down');
});

test.run();
