import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { healing, unitText, type Inspected } from './heal.ts';

const test = suite('heal');

interface Given {
  readonly owner?: string;
  readonly started?: number;
  readonly running?: boolean;
  readonly error?: string;
  readonly role?: string;
  readonly ended?: number;
  readonly restart?: string;
}
const date = (seconds: number): string => new Date(seconds * 1000).toISOString();
const container = (
  id: string,
  { owner, started = 1, running = true, error = '', role = '', ended = 0, restart = 'always' }: Given = {},
): Inspected => ({
  Id: id,
  Name: `/run-${id}-1`,
  State: { Running: running, StartedAt: date(started), FinishedAt: date(ended), Error: error },
  Config: { Labels: { 'com.docker.compose.service': id, ...(role !== '' && { 'dev.sidecar-stacks.role': role }) } },
  HostConfig: {
    NetworkMode: owner === undefined ? 'run_default' : `container:${owner}`,
    RestartPolicy: { Name: restart },
  },
});
const steps = (...containers: Inspected[]): string[] =>
  healing(containers).map(({ action, service }) => `${action} ${service}`);

test('a whole pod needs nothing', () => {
  assert.equal(steps(container('pod'), container('web', { owner: 'pod', started: 2 }), container('alone')), []);
});

test('members that are older than their pod are restarted, sidecars before the application', () => {
  const pod = container('pod', { started: 9 });
  const web = container('web', { owner: 'pod' });
  const tls = container('tls', { owner: 'pod', role: 'sidecar' });
  assert.equal(steps(web, tls, pod), ['restart tls', 'restart web']);
});

test('after a restart of the engine the pod is started first, then what could not join it', () => {
  const pod = container('pod', { running: false });
  const web = container('web', {
    owner: 'pod',
    running: false,
    error: 'cannot join network of a non running container',
  });
  assert.equal(steps(web, pod), ['start pod', 'restart web']);
  assert.equal(steps(web, container('pod', { started: 9 })), ['start web']);
});

test('what somebody stopped stays stopped; what joined a container that is gone is made anew', () => {
  assert.equal(steps(container('pod', { running: false }), container('web', { owner: 'pod', running: false })), []);
  const never = Date.parse('0001-01-01') / 1000;
  const created = container('web', { owner: 'pod', running: false, ended: never });
  assert.equal(steps(container('pod', { ended: never }), created), []);
  const pod = container('pod', { started: 500, ended: 490 });
  assert.equal(steps(pod, container('web', { owner: 'pod', running: false, ended: 400 })), []);
  assert.equal(steps(container('web', { owner: 'gone' })), ['recreate web']);
});

test('after a crash of the engine what it stopped with the pod is started again', () => {
  const member = (restart: string, error = ''): Inspected =>
    container('web', { owner: 'pod', running: false, ended: 100, restart, error });
  const back = container('pod', { started: 103, ended: 99 });
  assert.equal(steps(back, member('unless-stopped')), ['start web']);
  assert.equal(steps(back, member('no')), []);
  const down = container('pod', { running: false, ended: 99 });
  const tls = container('tls', {
    owner: 'pod',
    role: 'sidecar',
    running: false,
    ended: 101,
    restart: 'unless-stopped',
  });
  assert.equal(steps(down, member('always', 'cannot join network'), tls), ['start pod', 'start tls', 'restart web']);
});

test('an init container runs again in the new network of its pod, before all others', () => {
  const init = container('init', { owner: 'pod', role: 'init', running: false, ended: 5, restart: 'no' });
  const web = container('web', { owner: 'pod', started: 6 });
  assert.equal(steps(container('pod', { started: 1 }), init, web), []);
  assert.equal(steps(web, init, container('pod', { started: 9, ended: 8 })), ['rerun init', 'restart web']);
});

test('the unit runs after the engine, and its words are those of the command', () => {
  const text = unitText(['/usr/bin/node', '/opt/my tools/bin.mjs', 'heal', '100%']);
  assert.match(text, 'ExecStart="/usr/bin/node" "/opt/my tools/bin.mjs" "heal" "100%%"\n');
  assert.match(text, 'After=docker.service\nPartOf=docker.service');
});

test.run();
