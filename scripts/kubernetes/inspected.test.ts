import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Manifest, Member } from '../lib/exported.ts';
import { inspected } from './inspected.ts';

const ID = 'a'.repeat(64);
const STARTED = '2026-11-24T04:00:00Z';
const ENDED = '2026-11-24T04:00:09Z';
const spec = { name: 'tls', image: 'tls', env: [{ name: 'A', value: 'b' }], resources: { limits: { memory: '64Mi' } } };
const member: Member = { service: 'tls', pod: 'shop', role: 'sidecar', spec, isInit: true, healthy: undefined };

const podWith = (status: Manifest, more: Manifest = {}): Manifest => ({
  metadata: { uid: '0-1', creationTimestamp: STARTED },
  spec: { initContainers: [{ ...spec, restartPolicy: 'Always', ...more }], containers: [], restartPolicy: 'Never' },
  status: { podIP: '10.0.0.9', initContainerStatuses: [{ name: 'tls', containerID: `containerd://${ID}`, ...status }] },
});
const tell = (pod: Manifest, of = member) =>
  inspected('run', of, pod, new Map([[ID, 7]]), {
    Id: 'sha256:1',
    Config: { Env: ['A=a', 'OF=image'], Cmd: ['run'] },
  });

test('a container that runs is told as an engine would', () => {
  const { Id, Name, Image, State, RestartCount, Config, HostConfig } = tell(
    podWith({ state: { running: { startedAt: STARTED } }, restartCount: 2 }),
  );
  assert.equal([Id, Name, Image, RestartCount], [ID, '/run-tls-1', 'sha256:1', 2]);
  assert.equal([State.Status, State.Running, State.Pid, State.StartedAt], ['running', true, 7, STARTED]);
  assert.equal(Config.Env, ['A=b', 'OF=image']);
  assert.equal(Config.Cmd, ['run']);
  assert.equal(HostConfig, { RestartPolicy: { Name: 'always' }, Memory: 64 * 1024 ** 2 });
});

test('one that ended tells how, also while it waits to be started again', () => {
  const terminated = { exitCode: 137, reason: 'OOMKilled', startedAt: STARTED, finishedAt: ENDED };
  for (const [status, expected] of [
    [{ state: { terminated } }, 'exited'],
    [{ state: { waiting: { reason: 'ErrImageNeverPull' } }, lastState: { terminated } }, 'exited'],
    [{ state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated } }, 'restarting'],
  ] as const) {
    const { State } = tell(podWith(status));
    assert.equal([State.Status, State.Running, State.ExitCode, State.OOMKilled], [expected, false, 137, true]);
    assert.is(State.FinishedAt, ENDED);
  }
  assert.is(tell(podWith({ state: { waiting: { reason: 'PodInitializing' } } })).State.Status, 'created');
});

test('health is told of what has a probe', () => {
  const running = { state: { running: { startedAt: STARTED } } };
  const health = (status: Manifest): string | undefined =>
    tell(podWith({ ...running, ...status }, { startupProbe: {} })).State.Health?.Status;
  assert.equal(
    [health({ started: false, ready: false }), health({ started: true, ready: false }), health({ ready: true })],
    ['starting', 'unhealthy', 'healthy'],
  );
  assert.is(tell(podWith(running)).State.Health, undefined);
});

test('a pause service is the pod: it runs as long as the pod has an address', () => {
  const { State, Id } = tell(podWith({ state: {} }), { ...member, service: 'pod', spec: undefined });
  assert.equal([Id, State.Running], ['01', true]);
});

test.run();
