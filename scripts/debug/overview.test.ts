import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseFacts } from './facts.ts';
import { overview, since, socketLines, table } from './overview.ts';
import { adminPort, arrange, chooseProject, findService, NotRunning, type Container } from './pods.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');

function container(
  service: string,
  options: { joins?: string; running?: boolean; env?: string[]; project?: string; pid?: number } = {},
): Container {
  const { joins, running = true, env = [], project = 'p', pid = 1 } = options;
  return {
    Id: `id-of-${service}`,
    Name: `/p-${service}-1`,
    RestartCount: 2,
    State: {
      Status: running ? 'running' : 'exited',
      Running: running,
      ExitCode: running ? 0 : 3,
      StartedAt: '2026-11-21T11:00:00Z',
      FinishedAt: '2026-11-21T11:59:30Z',
      Pid: pid,
    },
    Config: {
      Labels: {
        'com.docker.compose.service': service,
        'com.docker.compose.project': project,
        'dev.sidecar-stacks.role': 'app',
      },
      Env: env,
    },
    HostConfig: { NetworkMode: joins ? `container:id-of-${joins}` : 'p_default', PidMode: '' },
    NetworkSettings: {
      Networks: joins ? {} : { p_default: { IPAddress: '172.20.0.2' } },
      Ports: joins ? {} : { '8443/tcp': [{ HostIp: '127.0.0.1', HostPort: '9531' }], '9901/tcp': null },
    },
  } as unknown as Container;
}

const all = [
  container('tls', { joins: 'pod', env: ['A=b', 'ADMIN_PORT=9901'], pid: 20 }),
  container('pod', { pid: 10 }),
  container('init', { running: false }),
  container('lone'),
];

test('containers that share a network are a pod, its owner first', () => {
  const { pods, ended } = arrange('p', [...all, container('app', { joins: 'pod' })]);
  assert.equal(
    pods.map(({ owner, members }) => [owner.Id, ...members.map(({ Id }) => Id)]),
    [
      ['id-of-lone', 'id-of-lone'],
      ['id-of-pod', 'id-of-pod', 'id-of-app', 'id-of-tls'],
    ],
  );
  assert.is(ended.length, 1);
});

test('members whose owner has gone are still shown', () => {
  const { pods } = arrange('p', [container('tls', { joins: 'gone' }), container('app', { joins: 'gone' })]);
  assert.is(pods.length, 1);
  assert.is(pods[0]!.members.length, 2);
});

test('the project is the one that is meant, or the choice is named', () => {
  const of = (...projects: string[]) => projects.map((project) => container('pod', { project }));
  assert.is(chooseProject('x', of('a'), undefined), 'a');
  assert.is(chooseProject('x', of('a', 'sidecar-stacks-x'), undefined), 'sidecar-stacks-x');
  assert.is(chooseProject('x', of('a', 'b'), 'b'), 'b');
  const refused = (projects: string[], wanted?: string): string => {
    try {
      return chooseProject('x', of(...projects), wanted);
    } catch (error) {
      assert.ok(error instanceof NotRunning);
      return (error as Error).message;
    }
  };
  assert.match(refused([]), /Stack x is not up\. Bring it up: npm run stack -- x --keep/);
  assert.match(refused(['a', 'b']), /--project a, --project b/);
  assert.match(refused(['a'], 'c'), /No project c of stack x is up\. Up are: a/);
});

test('a service is found with its pod, and what is not is named', () => {
  const running = arrange('p', all);
  assert.is(findService(running, 'tls').pod.owner.Id, 'id-of-pod');
  assert.throws(() => findService(running, 'nosuch'), /Services are: lone, pod, tls/);
  assert.throws(() => findService(running, 'init'), /init does not run: exited, exit code 3/);
  assert.is(adminPort(all[0]!), '9901');
  assert.is(adminPort({ ...all[1]!, Config: { Labels: {}, Env: null } } as unknown as Container), undefined);
});

test('the picture has who, where, what listens, and what is not ready', () => {
  const running = arrange('p', all);
  const pod = running.pods[1]!;
  const facts = parseFacts(
    [
      'namespace 10 net net:[4026532413]',
      'namespace 20 net net:[4026532413]',
      'process 77 12:pids:/docker/id-of-tls node',
      'socket tcp LISTEN 0 128 0.0.0.0:8443 0.0.0.0:* users:(("node",pid=77,fd=3))',
      'socket tcp LISTEN 0 128 127.0.0.11:40000 0.0.0.0:*',
      'socket tcp TIME-WAIT 0 0 127.0.0.1:5 127.0.0.1:6',
      'admin 9901 healthz ok 200',
      'admin 9901 startupz ok 200',
      'admin 9901 readyz {"ready":false,"checks":{"app":{"ready":false,"reason":"no answer"}}} 503',
    ].join('\n'),
  );
  const lines = overview('x', { ...running, pods: [pod] }, new Map([[pod.owner.Id, facts]]), NOW);
  assert.equal(lines, [
    'x · project p',
    '',
    'Pod of pod · 172.20.0.2 · 127.0.0.1:9531 → 8443',
    '  SERVICE  ROLE  STATE    UP      RESTARTS',
    '  pod      app   running  60 min  2',
    '  tls      app   running  60 min  2',
    '',
    'Namespaces (the same number is the same namespace)',
    '  SERVICE  NET         PID  UTS  IPC  MNT',
    '  pod      4026532413  -    -    -    -',
    '  tls      4026532413  -    -    -    -',
    '',
    'Listening',
    '  tcp  0.0.0.0:8443      tls         node (77)',
    '  tcp  127.0.0.11:40000  the engine',
    '  and 0 connected (--sockets)',
    '',
    'Admin ports',
    '  tls  :9901  alive, started, not ready',
    '              app: no answer',
    '',
    'Ended',
    '  init  app, exit code 3, 30 s ago',
  ]);
  assert.is(socketLines(pod, facts).at(-1), '  and 1 that are closed and waited for (TIME-WAIT)');
});

test('how long ago, and columns', () => {
  const ago = (seconds: number): string => since(new Date(NOW - seconds * 1000).toISOString(), NOW);
  assert.equal([0, 119, 120, 7200, 172_800].map(ago), ['0 s', '119 s', '2 min', '2 h', '2 d']);
  assert.is(ago(-5), '0 s', 'clocks differ');
  assert.equal(table([['a', 'b'], ['long', ''], ['a remark']]), ['  a     b', '  long', '  a remark']);
});

test.run();
