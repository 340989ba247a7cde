import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judgePods, type PodContainer } from './pods.ts';

const test = suite('pods');

interface Given {
  readonly running?: boolean;
  readonly paused?: boolean;
  readonly started?: number;
  readonly owner?: string;
  readonly role?: string;
  readonly restart?: string;
}

const container = (id: string, given: Given = {}): PodContainer => ({
  Id: id,
  Name: `/run-${id}-1`,
  State: {
    Running: given.running ?? true,
    Paused: given.paused ?? false,
    StartedAt: new Date((given.started ?? 1) * 1000).toISOString(),
    ExitCode: given.running === false ? 137 : 0,
  },
  Config: {
    Labels: {
      'dev.sidecar-stacks.stack': 'x',
      'dev.sidecar-stacks.role': given.role ?? 'sidecar',
      'com.docker.compose.project': 'run',
      'com.docker.compose.service': id,
    },
  },
  HostConfig: {
    NetworkMode: given.owner === undefined ? 'run_default' : `container:${given.owner}`,
    RestartPolicy: { Name: given.restart ?? 'unless-stopped' },
  },
});

const said = (...containers: PodContainer[]): string =>
  judgePods(containers)
    .map(({ text, advice = [] }) => [text, ...advice].join(' '))
    .join('\n');

const pod = container('pod');

test('a whole pod needs nobody', () => {
  assert.is(said(pod, container('tls', { owner: 'pod', started: 2 })), '');
  assert.is(
    said(pod, container('init', { running: false, role: 'init', restart: 'no' })),
    '',
    'an init container has ended',
  );
  assert.is(
    said(container('pod', { running: false }), container('tls', { running: false, owner: 'pod' })),
    '',
    'all stopped',
  );
});

test('who is stranded by a restart of its pod is named, with what heals it', () => {
  assert.match(
    said(container('pod', { started: 5 }), container('tls', { owner: 'pod', started: 2 })),
    /run-tls-1 is stranded.*docker restart run-tls-1/,
  );
  assert.match(
    said(container('tls', { owner: 'gone' })),
    /of a container that is gone.*-p run up --detach --force-recreate tls/,
  );
  assert.match(
    said(container('pod', { running: false }), container('tls', { owner: 'pod' })),
    /docker start run-pod-1/,
  );
});

test('a killed sidecar and a paused app are named', () => {
  assert.match(
    said(pod, container('tls', { owner: 'pod', running: false })),
    /run-tls-1 does not run \(exit code 137\).*docker start run-tls-1/,
  );
  assert.match(
    said(pod, container('app', { owner: 'pod', started: 2, paused: true })),
    /is paused.*docker unpause run-app-1/,
  );
});

test.run();
