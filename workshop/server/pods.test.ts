import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { sidecarPaths } from '../../scripts/contract/sidecars.ts';
import type { Container } from './containers.ts';
import { faultOffers, planFault, sizeLimit } from './faults.ts';
import { Frames, LastLines } from './log-tail.ts';
import { chooseProjects, projectDocument, type Namespaces } from './pods.ts';
import { MAIN_METRICS, mainMetric } from './usage.ts';

function container(
  service: string,
  {
    joins,
    env = [],
    running = true,
    role = 'app',
    project = 'p',
    ours = true,
  }: {
    joins?: string;
    env?: string[];
    running?: boolean;
    role?: string;
    project?: string;
    ours?: boolean;
  } = {},
): Container {
  return {
    Id: `id-of-${service}`,
    Name: `/${service}`,
    RestartCount: 0,
    State: {
      Status: running ? 'running' : 'exited',
      Running: running,
      Paused: false,
      ExitCode: 0,
      Pid: 1,
      StartedAt: '',
    },
    Config: {
      Image: '',
      Env: env,
      Labels: {
        'com.docker.compose.project': project,
        'com.docker.compose.service': service,
        'dev.sidecar-stacks.role': role,
        ...(ours && { 'dev.sidecar-stacks.stack': 's' }),
      },
    },
    HostConfig: {
      NetworkMode: joins === undefined ? 'p_default' : `container:id-of-${joins}`,
      PidMode: '',
      IpcMode: '',
      NanoCpus: 0,
      CpuQuota: 0,
      RestartPolicy: { Name: 'no' },
    },
    Mounts: [],
    NetworkSettings: {
      Ports: {},
      Networks: joins === undefined ? { p_default: { IPAddress: '172.1.1.1', Aliases: [service] } } : {},
    },
  };
}

const draw = (containers: Container[], namespaces: Record<string, Namespaces>) =>
  projectDocument('p', {
    containers,
    namespaces: new Map(Object.entries(namespaces).map(([service, found]) => [`id-of-${service}`, found])),
    faults: new Map(),
    offers: () => [],
  });
const names = (document: ReturnType<typeof draw>): string[][] =>
  document.pods.map((pod) => pod.containers.map(({ service }) => service));

test('a container that waits to be restarted stays in the box that it belongs to', () => {
  const tls = container('tls', { joins: 'pod', role: 'sidecar' });
  const waits = { ...tls, State: { ...tls.State, Status: 'restarting', Pid: 0 } };
  const all = [container('pod', { role: 'pod' }), waits, container('app', { joins: 'pod' })];
  const document = draw(all, { pod: { net: 'net:[1]' }, app: { net: 'net:[1]' } });
  assert.equal(names(document), [['pod', 'tls', 'app']]);
  assert.equal(document.pods[0]!.shared, ['net']);
});

test('a box is what shares a namespace, whatever was configured', () => {
  const all = [
    container('pod', { role: 'pod' }),
    container('tls', { joins: 'pod', role: 'sidecar' }),
    container('app', { joins: 'pod' }),
    container('db'),
  ];
  const shared = draw(all, {
    pod: { net: 'net:[1]' },
    tls: { net: 'net:[1]' },
    app: { net: 'net:[1]' },
    db: { net: 'net:[2]' },
  });
  assert.equal(names(shared), [['pod', 'tls', 'app'], ['db']]);
  assert.equal(shared.pods[0]!.shared, ['net']);
});

test('a stranded sidecar stands alone, and it is said why', () => {
  const all = [container('app'), container('tls', { joins: 'app', role: 'sidecar' })];
  const document = draw(all, { app: { net: 'net:[2]' }, tls: { net: 'net:[1]' } });
  assert.equal(names(document).length, 2);
  const tls = document.pods.flatMap(({ containers }) => containers).find(({ service }) => service === 'tls')!;
  assert.equal(tls.stranded, { owner: 'app', left: 'net:[1]', now: 'net:[2]' });
});

test('where inodes cannot be read, what was configured stands for them', () => {
  const all = [container('pod', { role: 'pod' }), container('app', { joins: 'pod' })];
  assert.equal(names(draw(all, {})), [['pod', 'app']]);
});

test('arrows: by the port that is proxied, and by the host in a URL', () => {
  const all = [
    container('pod', { role: 'pod' }),
    container('tls', { joins: 'pod', role: 'sidecar', env: ['PROXY_PORT=8080'] }),
    container('app', { joins: 'pod', env: ['DB=postgres://user:pw@db:5432/x', 'HOME=/root'] }),
    container('db'),
  ];
  assert.equal(
    draw(all, {}).arrows.map(({ from, to, by }) => `${from}>${to} ${by}`),
    ['tls>app PROXY_PORT=8080', 'app>db DB'],
  );
});

test('ours are shown, others on request', () => {
  const all = [container('a'), container('b', { project: 'q', ours: false })];
  assert.equal(chooseProjects(all, new Set()), { shown: ['p'], others: ['q'] });
  assert.equal(chooseProjects(all, new Set(['q'])), { shown: ['p', 'q'], others: [] });
});

test('the limit of a disk', () => {
  assert.equal(['size=512k,uid=990', 'uid=1,size=4m', 'size=100', '', undefined].map(sizeLimit), [
    524_288,
    4_194_304,
    100,
    undefined,
    undefined,
  ]);
});

test('only a small disk is filled, and a network is cut where it is owned', () => {
  const app = {
    ...container('app', { joins: 'pod' }),
    Mounts: [{ Type: 'volume', Name: 'v', Destination: '/v', RW: true }],
  };
  const offered = (limits: Map<string, number>) =>
    faultOffers(app, limits)
      .filter(({ unless }) => unless === null)
      .map(({ kind }) => kind);
  assert.equal(offered(new Map([['v', 1024]])), ['kill', 'pause', 'fill', 'slow']);
  assert.equal(offered(new Map([['v', Infinity]])), ['kill', 'pause', 'slow']);
  assert.equal(
    faultOffers(container('gone', { running: false }), new Map()).filter(({ unless }) => unless === null),
    [],
  );
});

test('who was killed takes those along who joined it, and comes back before them', () => {
  const pod = container('pod');
  const { undo } = planFault('kill', pod, {
    all: [pod, container('app', { joins: 'pod' })],
    limits: new Map(),
    image: '',
    seconds: 1,
  });
  assert.equal(undo, [
    ['start', 'id-of-pod'],
    ['restart', '--time', '2', 'id-of-app'],
  ]);
});

test('a container with a restart policy is killed as by a crash; its joiners stay as they are', () => {
  const app = container('app');
  const restarted = { ...app, HostConfig: { ...app.HostConfig, RestartPolicy: { Name: 'unless-stopped' } } };
  const facts = { all: [restarted, container('tls', { joins: 'app' })], limits: new Map(), image: 'tools', seconds: 1 };
  const { make, undo } = planFault('kill', restarted, facts);
  assert.is(make[0]![0], 'run');
  assert.equal(make[0]!.slice(-2), ['1', 'id-of-app']);
  assert.equal(undo, [['start', 'id-of-app']]);
  // A frozen process does not end when it is killed; the engine thaws it.
  const paused = { ...restarted, State: { ...restarted.State, Paused: true } };
  assert.equal(planFault('kill', paused, facts).make, [['kill', 'id-of-app']]);
});

test('of 10,000 lines at a time the latest are kept, and the others counted', () => {
  const lines = new LastLines(200);
  for (let line = 0; line < 10_000; line++) for (const piece of [`line ${line}\nbe`, 'gun, ']) lines.add(piece);
  const { lines: kept, skipped } = lines.take()!;
  assert.is(kept.length, 200);
  assert.is(skipped, 10_000 - 200);
  assert.is(kept.at(-1), 'begun, line 9999');
  assert.is(lines.take(), undefined);
});

test('frames of the engine are read over any cut; a terminal has none', () => {
  const frame = (text: string): Buffer => {
    const head = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
    head.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([head, Buffer.from(text)]);
  };
  const bytes = Buffer.concat([frame('one\n'), frame('zwölf\n'), frame('')]);
  for (let cut = 4; cut < bytes.length; cut++) {
    const frames = new Frames();
    assert.is(
      [...frames.read(bytes.subarray(0, cut)), ...frames.read(bytes.subarray(cut))].join(''),
      'one\nzwölf\n',
      `cut at ${cut}`,
    );
  }
  assert.equal(new Frames().read(Buffer.from('plain\r\n')), ['plain\r\n']);
});

test('each main metric is one that a sidecar declares', () => {
  const declared = sidecarPaths(ROOT).flatMap((path) =>
    Object.keys((JSON.parse(readFileSync(join(ROOT, path, 'contract.json'), 'utf8')) as { metrics: object }).metrics),
  );
  for (const metric of MAIN_METRICS) assert.ok(declared.includes(metric), metric);
  assert.equal(mainMetric('a 1\ntls_requests_total{code="200"} 4\ntls_requests_total{code="500"} 1\n'), {
    name: 'tls_requests_total',
    value: 5,
  });
});

test.run();
