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
}
const container = (
  id: string,
  { owner, started = 1, running = true, error = '', role = '' }: Given = {},
): Inspected => ({
  Id: id,
  Name: `/run-${id}-1`,
  State: { Running: running, StartedAt: new Date(started * 1000).toISOString(), Error: error },
  Config: { Labels: { 'com.docker.compose.service': id, ...(role !== '' && { 'dev.sidecar-stacks.role': role }) } },
  HostConfig: { NetworkMode: owner === undefined ? 'run_default' : `container:${owner}` },
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
  assert.equal(steps(container('web', { owner: 'gone' })), ['recreate web']);
});

test('the unit runs after the engine, and its words are those of the command', () => {
  const text = unitText(['/usr/bin/node', '/opt/my tools/bin.mjs', 'heal', '100%']);
  assert.match(text, 'ExecStart="/usr/bin/node" "/opt/my tools/bin.mjs" "heal" "100%%"\n');
  assert.match(text, 'After=docker.service\nPartOf=docker.service');
});

test.run();
