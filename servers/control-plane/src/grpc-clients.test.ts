/**
 * Unmodified gRPC applications (npm @grpc/grpc-js-xds) as clients of the control plane: the scenarios of gRPC's
 * xds-test-descriptions (https://github.com/grpc/grpc/blob/master/doc/xds-test-descriptions.md), by their names.
 */
import { addAdminServicesToServer, Client, credentials, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startBackend, startBackends, XdsClient, type Backend } from './testing/grpc.ts';
import { OPERATOR_TOKEN, startPlane, type TestPlane } from './testing/plane.ts';
import { show } from './xds/resources/messages.ts';

const LONG = { within: 60_000, every: 50 };
const services: Record<string, object> = {};
let plane: TestPlane;
const closers: (() => void)[] = [];

const publish = (): void => plane.setPolicy(JSON.stringify({ mesh: { mtls: 'DISABLE' }, services }));

test.before(async () => {
  plane = await startPlane('services: {}');
  // Read once by the library, for the whole process.
  process.env['GRPC_XDS_BOOTSTRAP_CONFIG'] = JSON.stringify({
    xds_servers: [
      {
        server_uri: `127.0.0.1:${plane.ports.xds}`,
        channel_creds: [{ type: 'insecure' }],
        server_features: ['xds_v3'],
      },
    ],
    node: { id: 'grpc-client', locality: { zone: 'here' } },
  });
  register();
});

test.after(async () => {
  for (const close of closers) close();
  await plane.close();
  // The library waits 15 minutes for a priority that it has left, also when the channel is closed since.
  setTimeout(() => process.exit(), 5000).unref();
});

interface Running {
  readonly client: XdsClient;
  readonly backends: Backend[];
  /** Change the service's policy. */
  set(policy: object): void;
}

/** A service of its own for a test: backends that register as replicas with the labels `version: 1, 2, …`. */
async function serve(name: string, count: number, policy: object = {}): Promise<Running> {
  const backends = await startBackends(count);
  const port = backends[0]!.port;
  for (const [index, { address }] of backends.entries())
    plane.registry.join({
      service: name,
      name: `${name}-${index}`,
      address,
      labels: { version: String(index + 1) },
      ports: [],
      phase: 'ready',
    });
  const subsets = Object.fromEntries(backends.map((_, index) => [`v${index + 1}`, { version: String(index + 1) }]));
  const set = (changed: object): void => {
    services[name] = { ports: [{ port, protocol: 'grpc' }], subsets, ...changed };
    publish();
  };
  set(policy);
  const client = new XdsClient(`${name}:${port}`);
  closers.push(() => client.close(), ...backends.map((each) => each.stop));
  return { client, backends, set };
}

/** Until every backend was reached, so that connections are there. */
const warm = async ({ client, backends }: Running): Promise<void> => {
  await eventually(
    'all backends answer',
    async () => Object.keys(await client.count(20)).filter((key) => key.startsWith('127.')).length === backends.length,
    LONG,
  );
};
const answered = (counts: Record<string, number>, address: string): number => counts[address] ?? 0;

test('ping_pong: a name is resolved, and all calls are answered', async () => {
  const { client } = await serve('ping-pong', 1);
  assert.equal(await client.count(100), { '127.0.0.1': 100 });
});

test('secondary_locality: the next one is called while the nearest has no healthy backend', async () => {
  const running = await serve('localities', 3);
  const { client, backends } = running;
  const zones = ['far', 'here', 'here'];
  const join = (index: number, phase: 'ready' | 'draining'): void =>
    void plane.registry.join({
      service: 'localities',
      name: `localities-${index}`,
      address: backends[index]!.address,
      labels: { 'topology.kubernetes.io/zone': zones[index]! },
      ports: [],
      phase,
    });
  for (const index of zones.keys()) join(index, 'ready');
  running.set({ trafficDistribution: 'PreferSameZone' });
  const callsOnly = (indexes: readonly number[]): Promise<unknown> =>
    eventually(
      `only ${indexes.join()} are called`,
      async () => {
        const counts = await client.count(30);
        return indexes.reduce((sum, index) => sum + answered(counts, backends[index]!.address), 0) === 30;
      },
      LONG,
    );
  await callsOnly([1, 2]);
  join(1, 'draining');
  await callsOnly([2]);
  join(2, 'draining');
  await callsOnly([0]);
  join(1, 'ready');
  await callsOnly([1]);
});

test('round_robin: each of the backends gets its share', async () => {
  const running = await serve('round-robin', 3);
  await warm(running);
  const counts = await running.client.count(300);
  assert.equal(Object.values(counts), [100, 100, 100]);
});

test('backends_restart: a backend that was gone is used again', async () => {
  const running = await serve('restart', 2);
  await warm(running);
  const [first, second] = running.backends;
  second!.stop();
  await eventually(
    'only the other answers',
    async () => {
      const counts = await running.client.count(20);
      return answered(counts, first!.address) === 20;
    },
    LONG,
  );
  const again = await startBackend(second!.address, second!.port);
  closers.push(again.stop);
  await warm(running);
});

test('traffic_splitting: by weight, moved while it runs by the interface for people', async () => {
  const split = (v1: number, v2: number) => ({
    routes: [
      {
        name: 'main',
        to: [
          { subset: 'v1', weight: v1 },
          { subset: 'v2', weight: v2 },
        ],
      },
    ],
  });
  const running = await serve('splitting', 2, split(80, 20));
  await warm(running);
  const before = await running.client.count(1000);
  // 1,000 draws of 0.8: standard deviation 13; five of them to either side.
  assert.ok(Math.abs(answered(before, '127.0.0.1') - 800) < 65, JSON.stringify(before));
  const put = await plane.api('PUT', '/api/splits/splitting/main', { v1: 0, v2: 100 }, OPERATOR_TOKEN);
  assert.is(put.status, 200);
  await eventually(
    'all goes to the other',
    async () => answered(await running.client.count(50), '127.0.0.2') === 50,
    LONG,
  );
});

test('path_matching: by path, prefix and expression', async () => {
  const running = await serve('paths', 3, {
    routes: [
      { match: { path: { exact: '/test.Echo/Say' } }, to: [{ subset: 'v2', weight: 1 }] },
      { match: { path: { regex: '/test\\..*/Oth[a-e]r' } }, to: [{ subset: 'v3', weight: 1 }] },
    ],
  });
  assert.equal(await running.client.count(20), { '127.0.0.2': 20 });
  assert.equal(await running.client.count(20, { name: 'Other' }), { '127.0.0.3': 20 });
  running.set({ routes: [{ match: { path: { prefix: '/test.Echo/' } }, to: [{ subset: 'v1', weight: 1 }] }] });
  await eventually(
    'the prefix is taken',
    async () => answered(await running.client.count(20, { name: 'Other' }), '127.0.0.1') === 20,
    LONG,
  );
});

test('header_matching: exact, prefix, suffix, presence, range, expression, and the contrary', async () => {
  const kinds: [object, Record<string, string>][] = [
    [{ exact: 'a-b' }, { k: 'a-b' }],
    [{ prefix: 'pre' }, { k: 'prefix' }],
    [{ suffix: 'fix' }, { k: 'suffix' }],
    [{ present: true }, { k: 'anything' }],
    [{ contains: 'in.the' }, { k: 'right in.the midst' }],
    [{ range: { from: 10, to: 20 } }, { k: '15' }],
    [{ regex: 'r[0-9]+' }, { k: 'r42' }],
  ];
  for (const [index, [kind, headers]] of kinds.entries()) {
    const running = await serve(`headers-${index}`, 2, {
      routes: [
        { match: { headers: [{ name: 'k', ...kind }] }, to: [{ subset: 'v2', weight: 1 }] },
        { to: [{ subset: 'v1', weight: 1 }] },
      ],
    });
    assert.equal(await running.client.count(5, { headers }), { '127.0.0.2': 5 }, JSON.stringify(kind));
    assert.equal(await running.client.count(5), { '127.0.0.1': 5 }, `not ${JSON.stringify(kind)}`);
  }
  const inverted = await serve('headers-not', 2, {
    routes: [
      { match: { headers: [{ name: 'k', exact: 'x', invert: true }] }, to: [{ subset: 'v2', weight: 1 }] },
      { to: [{ subset: 'v1', weight: 1 }] },
    ],
  });
  assert.equal(await inverted.client.count(5, { headers: { k: 'x' } }), { '127.0.0.1': 5 });
  assert.equal(await inverted.client.count(5, { headers: { k: 'y' } }), { '127.0.0.2': 5 });
});

test('circuit_breaking: what is above the limit fails at once, until it is raised', async () => {
  const running = await serve('breaker', 1, { limits: { requests: 3 } });
  await warm(running);
  const [backend] = running.backends;
  /** As many as the limit are under way; how many of ten more are refused at once? */
  const refusedAbove = async (limit: number): Promise<number> => {
    const before = backend!.calls;
    backend!.hold = true;
    const held = Array.from({ length: limit }, async () => await running.client.say());
    await eventually('they are under way', () => backend!.calls === before + limit, LONG);
    const more = await running.client.count(10);
    backend!.hold = false;
    await Promise.all(held);
    return more['UNAVAILABLE'] ?? 0;
  };
  assert.is(await refusedAbove(3), 10);
  running.set({ limits: { requests: 8 } });
  await eventually(
    'the limit is raised',
    async () => {
      backend!.hold = true;
      const held = Array.from({ length: 8 }, async () => await running.client.say());
      const results = Promise.allSettled(held);
      const before = backend!.calls;
      const reached = await eventually('they are under way', () => backend!.calls - before >= 5, {
        within: 2000,
      }).catch(() => false);
      backend!.hold = false;
      await results;
      return reached;
    },
    LONG,
  );
});

test('timeout: a route has its own, and others have none', async () => {
  const running = await serve('timeouts', 1, {
    routes: [{ match: { path: { exact: '/test.Echo/Say' } }, timeout: '300ms', to: [{ weight: 1 }] }],
  });
  assert.equal(await running.client.count(1, { name: 'Other' }), { '127.0.0.1': 1 });
  running.backends[0]!.hold = true;
  assert.equal(await running.client.count(2), { DEADLINE_EXCEEDED: 2 });
  running.backends[0]!.hold = false;
  assert.equal(await running.client.count(1, { name: 'Other' }), { '127.0.0.1': 1 });
});

test('retry: a call that failed with a status of the route is made again, and no other', async () => {
  const running = await serve('retry', 1, {
    routes: [{ name: 'main', to: [{ weight: 1 }], retry: { on: ['unavailable'], attempts: 2 } }],
  });
  await warm(running);
  const [backend] = running.backends;
  for (const [fail, tries] of [
    [status.UNAVAILABLE, 3],
    [status.NOT_FOUND, 1],
  ] as const) {
    backend!.fail = fail;
    const before = backend!.calls;
    assert.equal(await running.client.count(1), { [status[fail]]: 1 });
    assert.is(backend!.calls - before, tries, status[fail]);
  }
});

test('fault_injection: aborts with the configured status, delays, each in the configured share', async () => {
  const abort = (percent: number) => ({
    routes: [{ fault: { abort: { percent, grpcStatus: 10 } }, to: [{ weight: 1 }] }],
  });
  const running = await serve('faults', 1, abort(100));
  assert.equal(await running.client.count(20), { ABORTED: 20 });
  assert.is(running.backends[0]!.calls, 0);
  running.set(abort(0));
  await eventually('no faults', async () => answered(await running.client.count(20), '127.0.0.1') === 20, LONG);
  running.set(abort(50));
  const half = await eventually(
    'faults again',
    async () => {
      const counts = await running.client.count(400);
      return (counts['ABORTED'] ?? 0) > 0 && counts;
    },
    LONG,
  );
  // The policy may have come in the midst of the first round that saw it.
  const counts = (half['ABORTED'] ?? 0) > 150 ? half : await running.client.count(400);
  assert.ok(Math.abs((counts['ABORTED'] ?? 0) - 200) < 60, JSON.stringify(counts));
  running.set({ routes: [{ fault: { delay: { percent: 100, duration: '5s' } }, to: [{ weight: 1 }] }] });
  await eventually(
    'calls are delayed',
    async () => (await running.client.count(5, { timeout: 300 }))['DEADLINE_EXCEEDED'] === 5,
    LONG,
  );
});

test('what gRPC clients cannot do is left out for them, and the rest of the routes stays', async () => {
  const header = { name: 'k', exact: 'x' };
  const running = await serve('left-out', 1, {
    routes: [
      { name: 'closed', match: { headers: [header] }, reply: { status: 403 } },
      {
        name: 'main',
        fault: { abort: { percent: 100, grpcStatus: 10 }, headers: [{ name: 'tester', present: true }] },
        to: [{ weight: 1 }],
      },
    ],
  });
  assert.equal(await running.client.count(5), { '127.0.0.1': 5 }, 'a fault for some headers is not for everybody');
  assert.equal(await running.client.count(5, { headers: { k: 'x' } }), { PERMISSION_DENIED: 5 });
});

test('outlier_detection: a backend that fails is left out, and comes back', async () => {
  const running = await serve('outliers', 3, {
    outlier: {
      interval: '300ms',
      baseEjectionTime: '1s',
      maxEjectionTime: '1s',
      maxEjectionPercent: 40,
      failurePercentage: { threshold: 50, minimumHosts: 2, requestVolume: 5 },
    },
  });
  await warm(running);
  const [first] = running.backends;
  first!.fail = 14;
  await eventually(
    'it is left out',
    async () => {
      const counts = await running.client.count(60);
      return counts['UNAVAILABLE'] === undefined && answered(counts, first!.address) === 0;
    },
    LONG,
  );
  first!.fail = 0;
  await warm(running);
});

test('csds: the client reports its configuration, and the control plane reports the same', async () => {
  const { client } = await serve('csds', 1);
  await client.say();
  const own = new Server();
  addAdminServicesToServer(own);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  own.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  );
  const ofClient = await fetchStatus(await promise);
  own.forceShutdown();
  const names = (ofClient.config[0]!.generic_xds_configs ?? []).map(
    ({ name, client_status }) => `${name} ${client_status}`,
  );
  assert.ok(
    names.some((name) => /^csds:\d+ ACKED$/.test(name)),
    names.join('\n'),
  );
  const ofPlane = await fetchStatus(plane.ports.xds);
  assert.is(ofPlane.config.length, 1);
  assert.equal(
    ofPlane.config[0]!.generic_xds_configs!.map(
      ({ type_url, config_status }) => `${type_url!.split('.').at(-1)} ${config_status}`,
    ).toSorted(),
    ['Cluster SYNCED', 'ClusterLoadAssignment SYNCED', 'Listener SYNCED', 'RouteConfiguration SYNCED'],
  );
});

interface ClientStatus {
  config: {
    generic_xds_configs?: { name?: string; type_url?: string; config_status?: string; client_status?: string }[];
  }[];
}

async function fetchStatus(port: number): Promise<ClientStatus> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const same = (bytes: Buffer): Buffer => bytes;
  const path = '/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus';
  client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error, value) =>
    error ? reject(error) : resolve(value!),
  );
  const bytes = await promise.finally(() => client.close());
  return show('envoy.service.status.v3.ClientStatusResponse', bytes) as unknown as ClientStatus;
}

test('a resource that comes late is delivered when it is there', async () => {
  const [backend] = await startBackends(1);
  const client = new XdsClient(`late:${backend!.port}`);
  closers.push(() => client.close(), backend!.stop);
  // Nobody answers yet: the client waits, since it may come.
  assert.equal(await client.count(1, { timeout: 500 }), { DEADLINE_EXCEEDED: 1 });
  services['late'] = { ports: [{ port: backend!.port, protocol: 'grpc' }], endpoints: ['127.0.0.1'] };
  publish();
  await eventually(
    'it is answered',
    async () => answered(await client.count(1, { timeout: 5000 }), '127.0.0.1') === 1,
    LONG,
  );
});

test('a replica that leaves gets nothing more, and no call fails', async () => {
  const running = await serve('leaving', 2);
  await warm(running);
  const leaving = plane.registry.replicas.find(({ name }) => name === 'leaving-0')!;
  plane.registry.restore([{ ...leaving, phase: 'draining' }]);
  const failed: string[] = [];
  await eventually(
    'only the other is used',
    async () => {
      const counts = await running.client.count(20);
      failed.push(...Object.keys(counts).filter((key) => !key.startsWith('127.')));
      return answered(counts, '127.0.0.2') === 20;
    },
    LONG,
  );
  assert.equal(failed, []);
});

test.run();
