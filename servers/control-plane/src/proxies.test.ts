/** Proxies as clients of the control plane: their own enrolment, registration and xDS client, over TLS. */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { freePorts } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { regularExpression } from '../../../sidecars/mesh-proxy/src/policy/matchers.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { startPod } from '../../../sidecars/mesh-proxy/src/testing/mesh.ts';
import { JOIN_TOKEN, startPlane, type TestPlane } from './testing/plane.ts';
import { startProxy, type ProxyOptions, type TestProxy } from './testing/proxy.ts';
import { CANARY, MAIN } from './testing/routes.ts';

const LONG = { within: 60_000 };
const POLICY = {
  mesh: {
    mtls: 'STRICT',
    outbound: 'REGISTRY_ONLY',
    tracing: { endpoint: 'http://collect:4318/v1/traces', percent: 25 },
    tap: ['front'],
  },
  services: {
    front: { ports: [{ port: 8080, protocol: 'http' }] },
    catalogue: {
      hosts: ['books'],
      ports: [
        {
          port: 8000,
          protocol: 'http',
          rateLimit: { requests: 100, per: '1s', burst: 200 },
          responseHeaders: { set: { 'x-shop': 'yes' } },
        },
        { port: 9000, protocol: 'tcp', mtls: 'PERMISSIVE' },
      ],
      subsets: { v1: { version: '1' }, v2: { version: '2' } },
      balancing: 'RING_HASH',
      connectTimeout: '1500ms',
      limits: { connections: 10, pending: 0, requests: 30, retries: 2 },
      retryBudget: { percent: 25, minimum: 5 },
      outlier: { consecutive5xx: 3, interval: '1s', baseEjectionTime: '2s', maxEjectionPercent: 50 },
      routes: [
        CANARY,
        MAIN,
        { name: 'closed', match: { path: { exact: '/x' } }, reply: { status: 410, body: 'gone' } },
      ],
      authorization: {
        otherwise: 'deny',
        rules: [
          {
            name: 'readers',
            action: 'allow',
            from: ['front', 'spiffe://other/*'],
            methods: ['GET', 'HEAD'],
            paths: ['/books', '/books/*', '*.json'],
            ports: [8000],
          },
          { name: 'anyone', action: 'allow', from: ['*'], notFrom: ['stranger'], methods: ['OPTIONS'] },
          { name: 'never', action: 'deny', paths: ['/admin/*'] },
        ],
      },
    },
    database: { ports: [{ port: 5432, protocol: 'tcp' }], endpoints: ['192.0.2.7'] },
  },
};

const closers: (() => Promise<void>)[] = [];
test.after.each(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function plane(policy: object = POLICY, overrides: Parameters<typeof startPlane>[1] = {}): Promise<TestPlane> {
  const started = await startPlane(JSON.stringify(policy), overrides);
  closers.push(() => started.close());
  return started;
}

function proxy(of: Pick<TestPlane, 'ports' | 'roots'>, service: string, options?: ProxyOptions): TestProxy {
  const started = startProxy(of, service, options);
  closers.push(() => started.close());
  return started;
}

const configured = async (of: TestProxy, what: string, look: (last: NonNullable<TestProxy['last']>) => boolean) =>
  await eventually(what, () => (of.last && look(of.last) ? of.last : undefined), LONG);

/** Until a proxy knows these proxies as healthy, itself among them: nothing more comes of their registrations. */
const settled = async (of: TestProxy, ...services: string[]) =>
  await configured(of, `${services.join()} are known as healthy`, ({ clusters, names = {} }) =>
    services.every(
      (service) =>
        names[service] !== undefined &&
        clusters
          .filter(({ name }) => name.endsWith(`||${service}`))
          .every(({ endpoints }) => endpoints.length === 1 && endpoints[0]!.health === undefined),
    ),
  );

test('a replica on several networks is known by all its addresses, and others learn of changes', async () => {
  const running = await plane({
    mesh: { mtls: 'PERMISSIVE' },
    services: { front: {}, shop: { ports: [{ port: 7000, protocol: 'tcp' }] } },
  });
  let addresses = ['127.0.0.1', '198.51.100.7'];
  proxy(running, 'shop', { addresses: () => addresses });
  const front = proxy(running, 'front');
  const published = async (...expected: string[]) =>
    await configured(front, `it has the addresses ${expected.join()}`, ({ clusters, names = {}, outbound }) => {
      const [endpoint, more] = clusters.find(({ name }) => name.endsWith('||shop'))?.endpoints ?? [];
      const listener = outbound.listeners.find(({ port }) => port === 7000);
      return (
        more === undefined &&
        [endpoint?.address, ...(endpoint?.addresses ?? [])].join() === expected.join() &&
        names['shop']?.join() === expected.join() &&
        listener?.addresses?.join() === expected.join()
      );
    });
  await published('127.0.0.1', '198.51.100.7');
  addresses = ['127.0.0.1', '203.0.113.9'];
  await published('127.0.0.1', '203.0.113.9');
  // Seen from another address than all of these, it is behind a NAT: they mean nothing elsewhere.
  addresses = ['198.51.100.7', '203.0.113.9'];
  await published('127.0.0.1');
});

test('a route by method, target, authority, query or cookie is one in the proxy, too', async () => {
  const reply = (status: number, match: object) => ({ match, reply: { status } });
  const running = await plane({
    services: {
      front: {},
      shop: {
        hosts: ['a.test'],
        ports: [{ port: 8000, protocol: 'http' }],
        routes: [
          reply(201, { methods: ['POST'] }),
          reply(202, { methods: ['PUT', 'PATCH'] }),
          reply(203, { headers: [{ name: ':path', prefix: '/x' }] }),
          reply(205, { headers: [{ name: ':authority', exact: 'a.test' }] }),
          reply(206, { headers: [{ name: ':method', exact: 'GET', invert: true }] }),
          reply(207, { query: [{ name: 'release', exact: 'two words' }, { name: 'trace' }] }),
          reply(208, { query: [{ name: 'release', regex: 'v[0-9]+' }] }),
          reply(209, { headers: [{ name: 'cookie', regex: '(.*; ?)?beta=1(;.*)?' }] }),
          reply(210, {}),
        ],
      },
    },
  });
  const last = await configured(
    proxy(running, 'front'),
    'it is configured',
    ({ outbound }) => outbound.listeners.length > 0,
  );
  const pod = await startPod('front', { configuration: last });
  closers.push(async () => await pod[Symbol.asyncDispose]());
  pod.meant.outbound = { address: '192.0.2.1', port: 8000 };
  for (const [line, host, status] of [
    ['POST /', 'shop', 201],
    ['PATCH /', 'shop', 202],
    ['GET /xy', 'shop', 203],
    ['GET /', 'a.test', 205],
    ['DELETE /', 'shop', 206],
    ['GET /?trace&release=two+words', 'shop', 207],
    ['GET /?release=two%20words', 'shop', 210],
    ['GET /a?release=v12', 'shop', 208],
    ['GET /a?release=v12x', 'shop', 210],
    ['GET /a?other=release', 'shop', 210],
    ['GET /?release=other&release=v12', 'shop', 210],
    ['GET /', 'shop\r\nCookie: a=b; beta=1', 209],
    ['GET /', 'shop\r\nCookie: alpha_beta=1', 210],
    ['GET /', 'shop', 210],
  ] as const) {
    const text = `${line} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    assert.match(await exchange(pod.plane.outboundPort, text), `HTTP/1.1 ${status} `, line);
  }
});

test('a proxy gets what the policy says, in the words of its model', async () => {
  const running = await plane();
  const catalogue = proxy(running, 'catalogue', { labels: { version: '2' } });
  const last = await settled(catalogue, 'catalogue');
  assert.is(last.outbound.unknown, 'REGISTRY_ONLY');
  assert.equal(last.telemetry, {
    accessLog: true,
    tracing: { endpoint: 'http://collect:4318/v1/traces', percent: 25 },
    tap: { identities: ['spiffe://mesh.test/ns/shop/sa/front'] },
  });
  assert.equal(last.inbound, {
    mtls: 'STRICT',
    authorization: {
      otherwise: 'deny',
      rules: [
        { name: 'never', action: 'deny', paths: [{ prefix: '/admin/' }] },
        {
          name: 'readers',
          action: 'allow',
          methods: ['GET', 'HEAD'],
          paths: [{ exact: '/books' }, { prefix: '/books/' }, { suffix: '.json' }],
          ports: [8000],
          identities: [{ exact: 'spiffe://mesh.test/ns/shop/sa/front' }, { prefix: 'spiffe://other/' }],
        },
        {
          name: 'anyone',
          action: 'allow',
          methods: ['OPTIONS'],
          identities: [{ prefix: 'spiffe://' }],
          notIdentities: [{ exact: 'spiffe://mesh.test/ns/shop/sa/stranger' }],
        },
      ],
    },
    ports: [
      {
        port: 8000,
        protocol: 'http',
        rateLimit: { maxTokens: 200, tokensPerFill: 100, fillInterval: 1000 },
        responseHeaders: { set: { 'x-shop': 'yes' } },
      },
      { port: 9000, protocol: 'tcp', mtls: 'PERMISSIVE' },
    ],
  });
  const cluster = last.clusters.find(({ name }) => name === 'outbound|8000|v2|catalogue');
  assert.equal(cluster, {
    name: 'outbound|8000|v2|catalogue',
    service: { name: 'catalogue', namespace: 'shop', host: 'catalogue' },
    policy: 'RING_HASH',
    mtls: { identities: ['spiffe://mesh.test/ns/shop/sa/catalogue'] },
    connectTimeout: 1500,
    limits: { maxConnections: 10, maxPendingRequests: 0, maxRequests: 30, maxRetries: 2 },
    retryBudget: { percent: 25, minimum: 5 },
    outlier: { consecutive5xx: 3, interval: 1000, baseEjectionTime: 2000, maxEjectionPercent: 50 },
    endpoints: [
      {
        address: '127.0.0.1',
        port: 8000,
        meshed: true,
        workload: { name: 'catalogue', namespace: 'shop', version: '2' },
      },
    ],
  });
  const listener = last.outbound.listeners.find(({ port }) => port === 8000)!;
  assert.is(listener.protocol, 'http');
  const [host] = listener.virtualHosts!;
  assert.equal(host!.domains, ['catalogue', 'catalogue:8000', 'books', 'books:8000']);
  assert.equal(host!.routes, [
    {
      name: 'canary',
      match: {
        path: { prefix: '/new/' },
        headers: [
          { name: ':method', value: { regex: 'GET|HEAD' } },
          { name: 'x-user', value: { regex: 'a.*' } },
          { name: 'x-n', range: { from: 1, to: 5 } },
          { name: 'x-no', invert: true },
        ],
        percent: 12.5,
      },
      clusters: [{ cluster: 'outbound|8000|v2|catalogue', weight: 1 }],
      timeout: 0,
      rewrite: { prefix: '/', authority: 'v2.books' },
      requestHeaders: { set: { a: '1' }, add: { b: '2' }, remove: ['c'] },
      hash: [{ header: 'x-user' }, { source: true }],
    },
    {
      name: 'main',
      match: {},
      clusters: [
        { cluster: 'outbound|8000|v1|catalogue', weight: 80 },
        { cluster: 'outbound|8000|v2|catalogue', weight: 20 },
      ],
      timeout: 2000,
      retry: {
        on: ['5xx', 'retriable-status-codes'],
        attempts: 2,
        perTryTimeout: 500,
        statusCodes: [409],
        backoff: { base: 10, max: 100 },
      },
      mirror: [{ cluster: 'outbound|8000|v2|catalogue', percent: 10 }],
      fault: {
        delay: { percent: 1, duration: 3000 },
        abort: { percent: 0.5, status: 503 },
        headers: [{ name: 'x-test', value: { exact: 'yes' } }],
      },
      rateLimit: { maxTokens: 5, tokensPerFill: 5, fillInterval: 1000 },
    },
    { name: 'closed', match: { path: { exact: '/x' } }, reply: { status: 410, body: 'gone' } },
    { name: 'default', match: {}, clusters: [{ cluster: 'outbound|8000||catalogue', weight: 1 }], timeout: 0 },
  ]);
  assert.equal(
    last.outbound.listeners.filter(({ port }) => port === 5432),
    [
      {
        name: 'outbound|5432|database',
        port: 5432,
        protocol: 'tcp',
        addresses: ['192.0.2.7'],
        tcp: [{ cluster: 'outbound|5432||database', weight: 1 }],
      },
    ],
  );
  assert.equal(last.names, { books: ['127.0.0.1'], catalogue: ['127.0.0.1'], database: ['192.0.2.7'] });
});

test('the identity is of a key that was made in the proxy, for a day, and goes back to the root', async () => {
  const running = await plane();
  const front = proxy(running, 'front');
  const { spiffeId, chain, trustBundle, notAfter } = await eventually(
    'a certificate',
    () => front.identity.current,
    LONG,
  );
  assert.is(spiffeId, 'spiffe://mesh.test/ns/shop/sa/front');
  const [leaf, intermediate] = chain.split(/(?=-----BEGIN)/).map((pem) => new X509Certificate(pem));
  assert.is(leaf!.subjectAltName, `URI:${spiffeId}`);
  assert.is(leaf!.subject, undefined);
  assert.ok(leaf!.verify(intermediate!.publicKey));
  assert.ok(intermediate!.verify(new X509Certificate(trustBundle).publicKey));
  assert.ok(Math.abs(notAfter - Date.now() - 24 * 3_600_000) < 3_600_000);
});

test('a replica that becomes ready, drains and leaves is healthy, draining and gone for others', async () => {
  const running = await plane();
  const front = proxy(running, 'front');
  const replica = startProxy(running, 'catalogue');
  replica.ready = false;
  const seen = (last: NonNullable<TestProxy['last']>) =>
    last.clusters
      .find(({ name }) => name === 'outbound|8000||catalogue')!
      .endpoints.map(({ health = 'healthy' }) => health);
  const becomes = async (...health: string[]) =>
    await configured(front, health.join() || 'gone', (last) => seen(last).join() === health.join());
  await eventually('registered', () => replica.registration.registered, LONG);
  await becomes('unhealthy');
  replica.ready = true;
  await becomes('healthy');
  await replica.registration.drain();
  await becomes('draining');
  await replica.close();
  await becomes();
});

test('a lease that is not renewed lapses', async () => {
  const running = await plane(POLICY, { lease: 1000 });
  const { replica } = running.registry.join({
    service: 'catalogue',
    name: 'silent',
    address: '192.0.2.9',
    labels: {},
    ports: [],
    phase: 'ready',
  });
  const front = proxy(running, 'front');
  await configured(front, 'gone', ({ clusters }) =>
    clusters.every(({ endpoints }) => endpoints.every(({ address }) => address !== '192.0.2.9')),
  );
  await eventually(
    'counted',
    () => running.seen.includes('ended: lapsed') && running.registry.get(replica.id) === undefined,
    LONG,
  );
  await eventually('a lease that is renewed stays, or is taken anew', () => front.registration.registered, LONG);
});

test('a configuration that the data path refuses is a NACK with its reason; the last good stays', async () => {
  const running = await plane();
  const front = proxy(running, 'front');
  await configured(front, 'configured', () => true);
  const good = front.taken.length;
  front.refuse = ({ outbound }) =>
    outbound.listeners.some(({ port }) => port === 7777) ? 'port 7777 is not for us' : undefined;
  const services = { ...POLICY.services, extra: { ports: [{ port: 7777, protocol: 'http' }] } };
  running.setPolicy(JSON.stringify({ ...POLICY, services }));
  const types = await eventually(
    'refused',
    () => {
      const client = running.discovery.clients.find(({ service }) => service === 'front');
      const errors = client?.types.filter(({ state }) => state === 'ERROR') ?? [];
      return errors.length > 0 && errors;
    },
    LONG,
  );
  assert.match(types[0]!.refused!.reason, 'port 7777 is not for us');
  assert.ok(front.taken.slice(good).every(({ outbound }) => outbound.listeners.every(({ port }) => port !== 7777)));
  running.setPolicy(JSON.stringify({ ...POLICY, mesh: { ...POLICY.mesh, outbound: 'ALLOW_ANY' } }));
  await configured(front, 'the next good one', ({ outbound }) => outbound.unknown === 'ALLOW_ANY');
  await eventually(
    'nothing is refused any more',
    () =>
      running.discovery.clients
        .find(({ service }) => service === 'front')
        ?.types.every(({ state }) => state === 'SYNCED'),
    LONG,
  );
});

test('a cluster that goes is there until the routes that name it are gone', async () => {
  const running = await plane();
  const front = proxy(running, 'front');
  await configured(front, 'configured', () => true);
  const dangling: string[] = [];
  front.refuse = ({ outbound, clusters }) => {
    const known = new Set(clusters.map(({ name }) => name));
    const routes = outbound.listeners.flatMap(({ virtualHosts = [] }) => virtualHosts.flatMap((host) => host.routes));
    dangling.push(
      ...routes.flatMap(({ clusters: targets = [] }) =>
        targets.map(({ cluster }) => cluster).filter((name) => !known.has(name)),
      ),
    );
    return undefined;
  };
  const { subsets: _, routes: __, ...catalogue } = POLICY.services.catalogue;
  for (let round = 0; round < 3; round++) {
    running.setPolicy(JSON.stringify({ ...POLICY, services: { ...POLICY.services, catalogue } }));
    await configured(front, 'without subsets', ({ clusters }) => clusters.every(({ name }) => !name.includes('|v1|')));
    running.setPolicy(JSON.stringify(POLICY));
    await configured(front, 'with subsets', ({ outbound }) => JSON.stringify(outbound).includes('|v1|'));
  }
  assert.equal(dangling, []);
});

test('a policy that is wrong changes nothing, and is told with its line', async () => {
  const running = await plane();
  const front = proxy(running, 'front');
  await settled(front, 'front');
  const before = front.taken.length;
  running.setPolicy('mesh:\n  mtls: SOMETIMES\n');
  await eventually(
    'refused',
    () => running.seen.some((each) => each.includes('policy.yaml:2:3: mesh.mtls is "SOMETIMES"')),
    LONG,
  );
  const graph = JSON.parse(String((await running.api('GET', '/api/graph')).body)) as { problem?: string };
  assert.match(graph.problem ?? '', 'policy.yaml:2:3');
  assert.is(front.taken.length, before);
});

test('killed and started again: proxies go on, and find everything as it was', async () => {
  const first = await startPlane(JSON.stringify(POLICY));
  const front = proxy(first, 'front');
  const catalogue = proxy(first, 'catalogue');
  await configured(front, 'both are there', ({ clusters }) =>
    clusters.some(({ name, endpoints }) => name === 'outbound|8000||catalogue' && endpoints.length === 1),
  );
  await eventually('the catalogue is configured', () => catalogue.last, LONG);
  const put = await first.api('PUT', '/api/splits/catalogue/main', { v1: 1, v2: 99 }, 'an-operator-token-for-tests');
  assert.is(put.status, 200);
  await configured(front, 'the split', (last) => JSON.stringify(last).includes('"weight":99'));
  await settled(front, 'front', 'catalogue');
  const ids = first.registry.replicas.map(({ id }) => id).toSorted();
  await first.close();
  const before = front.taken.length;
  const second = await plane(POLICY, { directory: first.directory, ports: first.ports });
  assert.equal(second.registry.replicas.map(({ id }) => id).toSorted(), ids);
  assert.is(second.roots, first.roots);
  await eventually(
    'both are connected again',
    () =>
      second.discovery.clients.filter(
        ({ types }) => types.length === 5 && types.every(({ state }) => state === 'SYNCED'),
      ).length === 2,
    LONG,
  );
  assert.is(front.taken.length, before, 'the same configuration is not taken twice');
  assert.is(front.last?.version, front.taken.at(-1)!.version);
});

test('a service is only whom its token is for', async () => {
  const { Tokens } = await import('./registry/tokens.ts');
  const running = await plane(POLICY, {
    tokens: Tokens.parse('one front token-of-the-front\nall * token-of-everyone-else'),
  });
  const thief = proxy(running, 'catalogue', { token: 'token-of-the-front' });
  await eventually('refused', () => running.seen.includes('refusal: other-service'), LONG);
  const guest = proxy(running, 'catalogue', { token: 'a-token-that-was-guessed' });
  await eventually('refused', () => running.seen.includes('refusal: unknown'), LONG);
  assert.is(thief.identity.current, undefined);
  assert.is(guest.identity.current, undefined);
  assert.equal(running.registry.replicas, []);
});

test("the mesh proxy's program joins, is configured, and gives up its place before it ends", async () => {
  const running = await plane({
    ...POLICY,
    services: { ...POLICY.services, catalogue: { ports: [{ port: 8000, protocol: 'http' }] } },
  });
  const front = proxy(running, 'front');
  const [outbound, inbound, metrics, health] = await freePorts(4);
  const main = join(import.meta.dirname, '../../../sidecars/mesh-proxy/src/main.ts');
  const program = await startProgram(['--experimental-ffi', '--disable-warning=ExperimentalWarning', main], {
    MESH_CONTROL_PLANE: 'localhost',
    MESH_XDS_PORT: String(running.ports.mtls),
    MESH_ENROLMENT_PORT: String(running.ports.enrolment),
    MESH_SERVICE: 'client',
    MESH_REPLICA: 'client-1',
    MESH_JOIN_TOKEN: JOIN_TOKEN,
    MESH_ROOT_CERTIFICATE: join(running.directory, 'trust/root.crt'),
    MESH_LISTEN_ADDRESS: '127.0.0.1',
    MESH_OUTBOUND_PORT: String(outbound),
    MESH_INBOUND_PORT: String(inbound),
    MESH_METRICS_PORT: String(metrics),
    MESH_HEALTH_PORT: String(health),
  });
  await program.up();
  const dump = JSON.parse((await program.get('/config_dump')).text) as NonNullable<TestProxy['last']>;
  assert.ok(dump.outbound.listeners.some(({ port }) => port === 8000));
  await eventually(
    'healthy for others',
    () => running.registry.replicas.some(({ service, phase }) => service === 'client' && phase === 'ready'),
    LONG,
  );
  assert.is(await program.stop(), 0);
  assert.ok(running.seen.includes('ended: left'));
  assert.ok(front.registration.registered);
});

test('a time that no timer can wait for is the longest that one can', async () => {
  const mesh = await plane({
    services: {
      a: { ports: [{ port: 80, protocol: 'http' }], connectTimeout: '2562047h', routes: [{ timeout: '9999h' }] },
    },
  });
  const proxy = startProxy(mesh, 'a');
  closers.push(() => proxy.close());
  await eventually('it is configured', () => (proxy.last?.clusters.length ?? 0) > 0, LONG);
  const text = JSON.stringify(proxy.last);
  assert.match(text, /"timeout":2147483647/);
  assert.match(text, /"connectTimeout":2147483647/);
});

test('several methods, one with a hyphen, are compared by an expression that proxies take', async () => {
  const match = { methods: ['GET', 'M-SEARCH'] };
  const mesh = await plane({ services: { a: { ports: [{ port: 80, protocol: 'http' }], routes: [{ match }] } } });
  const proxy = startProxy(mesh, 'a');
  closers.push(() => proxy.close());
  await eventually('it is configured', () => (proxy.last?.clusters.length ?? 0) > 0, LONG);
  const { regex } = /"regex":"(?<regex>[^"]*)"/.exec(JSON.stringify(proxy.last))!.groups!;
  assert.ok(regularExpression(JSON.parse(`"${regex}"`) as string, 'the methods').test('M-SEARCH'));
});

test.run();
