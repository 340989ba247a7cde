import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { probe } from './check.ts';
import { ageOf, AmbiguousProcess, findContainer, processesOf } from './container.ts';
import { FakeProc } from './test-proc.ts';

const SELF = 900;
let proc: FakeProc;

test.before.each(() => {
  proc = new FakeProc();
  proc.add({ pid: SELF, args: ['node', '/sidecar/probe.mjs'], group: 'probe' });
  proc.add({ pid: 20, args: ['python3', '/srv/app.py'], group: 'app', start: 5000 });
  proc.add({ pid: 21, ppid: 20, args: ['python3', '/srv/app.py'], group: 'app' });
});
test.after.each(() => proc.close());

const find = (name: string) => findContainer(name, proc.path, SELF);

test('a container is found by a process that it runs, whatever its parent', () => {
  assert.is(find('app.py')?.root.pid, 20);
  proc.add({ pid: 30, args: ['docker-init', '--', 'nginx'], group: 'web' });
  proc.add({ pid: 31, ppid: 30, args: ['nginx'], group: 'web' });
  assert.is(find('nginx')?.root.pid, 30, 'the init is its first process');
  assert.is(find('nosuch'), undefined);
});

test('what docker exec brought in is no container of its own, and orphans belong to theirs', () => {
  proc.add({ pid: 40, args: ['python3', '/srv/app.py'], group: 'app', start: 9000 });
  proc.add({ pid: 41, ppid: 1, args: ['leftover'], group: 'app' });
  const app = find('app.py')!;
  assert.is(app.root.pid, 20);
  assert.equal(
    processesOf(app, proc.path).map(({ pid }) => pid),
    [20, 21, 40, 41],
  );
});

test('two containers with the same program are told apart by nobody', () => {
  proc.add({ pid: 50, args: ['python3', '/opt/app.py'], group: 'other' });
  assert.throws(
    () => find('app.py'),
    (error: Error) =>
      error instanceof AmbiguousProcess && /2 containers run a process named app.py/.test(error.message),
  );
});

test('neither the pod nor the probe itself is a target', () => {
  assert.is(find('sleep'), undefined);
  assert.is(find('probe.mjs'), undefined);
});

test('each life has a name of its own, and an age', () => {
  const before = find('app.py')!;
  assert.is(ageOf(before.root, proc.path), 950_000);
  proc.add({ pid: 20, args: ['python3', '/srv/app.py'], group: 'app', start: 5001 });
  assert.is.not(find('app.py')!.life, before.life);
});

test('the process probe wants a process of the container that gets something done', async () => {
  const target = (name: string) => ({
    name: 'app',
    process: 'app.py',
    check: { kind: 'process', name } as const,
    initialDelay: 0,
    period: 1000,
    timeout: 1000,
    failureThreshold: 3,
    gracePeriod: 0,
  });
  const look = (name: string) => probe(target(name), find('app.py')!, new AbortController().signal, proc.path);
  assert.is((await look('app.py')).ok, true);
  proc.add({ pid: 60, args: ['worker'], group: 'other' });
  const absent = await look('worker');
  assert.is(!absent.ok && absent.reason, 'there is no process worker');
  for (const [state, words] of [
    ['T', 'is stopped'],
    ['D', 'waits for a device'],
  ] as const) {
    proc.add({ pid: 22, ppid: 20, args: ['worker'], group: 'app', state });
    const result = await look('worker');
    assert.is(!result.ok && result.reason, `process worker (22) ${words}`);
  }
});

test.run();
