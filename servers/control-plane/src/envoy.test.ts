/** An Envoy as a client of the control plane: nobody runs one here, so what it would be told is held against its own rules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { eventually } from '#kit/testing/eventually.ts';
import { typeNamed, violations } from './testing/constraints.ts';
import { filtersOf, TestEnvoy, type Shown } from './testing/envoy.ts';
import { startPlane, type TestPlane } from './testing/plane.ts';
import { CANARY, MAIN } from './testing/routes.ts';

const LONG = { within: 60_000, every: 20 };
/** Everything that a policy can say of a service that is called by HTTP. */
const BOOKS = {
  hosts: ['books'],
  mtls: 'PERMISSIVE',
  ports: [
    { port: 8000, protocol: 'http', rateLimit: { requests: 100, per: '1s' } },
    { port: 9000, protocol: 'tcp' },
    { port: 9090, protocol: 'grpc', mtls: 'DISABLE' },
  ],
  subsets: { v1: { version: '1' }, v2: { version: '2' } },
  balancing: 'RING_HASH',
  connectTimeout: '1500ms',
  limits: { connections: 10, pending: 0, requests: 30, retries: 2 },
  retryBudget: { percent: 25, minimum: 5 },
  outlier: {
    consecutive5xx: 3,
    consecutiveGatewayFailure: 2,
    interval: '1s',
    baseEjectionTime: '2s',
    maxEjectionTime: '20s',
    maxEjectionPercent: 50,
    successRate: { minimumHosts: 3, requestVolume: 10, stdevFactor: 1900 },
    failurePercentage: { threshold: 50, minimumHosts: 3, requestVolume: 3 },
  },
  routes: [
    {
      ...CANARY,
      match: { ...CANARY.match, methods: ['GET', 'M-SEARCH'] },
      requestHeaders: { ...CANARY.requestHeaders, set: { a: '100%' } },
      responseHeaders: { set: { d: '%e' } },
    },
    { ...MAIN, match: { path: { regex: '/v[0-9]+/.*' } }, to: [...MAIN.to, { service: 'closed', weight: 1 }] },
    { name: 'gone', match: { path: { exact: '/x' } }, reply: { status: 410, body: 'ä'.repeat(4096) } },
  ],
};
const SERVICES = {
  books: BOOKS,
  // It has the port of another, which takes callers without a certificate, and does not itself.
  closed: { ports: [{ port: 8000, protocol: 'http' }], endpoints: ['192.0.2.8'] },
  database: { ports: [{ port: 5432, protocol: 'tcp', mtls: 'PERMISSIVE' }], endpoints: ['192.0.2.7', '2001:db8::7'] },
  empty: { mtls: 'PERMISSIVE', ports: [{ port: 8000, protocol: 'http' }] },
};

const closers: (() => void | Promise<void>)[] = [];
test.after.each(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Running {
  readonly plane: TestPlane;
  readonly envoy: TestEnvoy;
  readonly set: (services: object) => void;
}

async function start(services: object = SERVICES, userAgent?: string, mtls = 'STRICT'): Promise<Running> {
  const policy = (of: object): string => JSON.stringify({ mesh: { mtls }, services: of });
  const plane = await startPlane(policy(services));
  closers.push(() => plane.close());
  for (const version of ['1', '2'])
    plane.registry.join({
      service: 'books',
      name: `books-${version}`,
      address: `127.0.0.${version}`,
      labels: { version },
      ports: [],
      phase: 'ready',
    });
  plane.publish();
  const envoy = new TestEnvoy(plane.ports.xds, userAgent);
  closers.push(() => envoy.close());
  return { plane, envoy, set: (next) => plane.setPolicy(policy(next)) };
}

/** Until all that it was sent is taken on both sides. */
const settled = async ({ plane, envoy }: Running): Promise<void> => {
  await eventually(
    'it has routes, and all is acknowledged',
    () =>
      envoy.routes.size > 0 &&
      envoy.warming.size === 0 &&
      plane.discovery.clients[0]?.types.every(({ state }) => state === 'SYNCED') === true,
    LONG,
  );
};

test('an Envoy asks for clusters, endpoints, listeners and routes in its order, and accepts each', async () => {
  const running = await start();
  const { envoy, plane } = running;
  await settled(running);
  assert.equal(envoy.violations, []);
  assert.equal(envoy.events, [
    'ask:Cluster',
    'Cluster',
    'ask:ClusterLoadAssignment',
    'ClusterLoadAssignment',
    'ask:Listener',
    'Listener',
    'ask:RouteConfiguration',
    'RouteConfiguration',
  ]);
  assert.equal(
    plane.seen.filter((each) => each.startsWith('nack')),
    [],
  );
  assert.is(plane.discovery.clients[0]!.userAgent, 'envoy');
});

test('its listeners bind, and its routes lead to clusters and endpoints that exist, unencrypted', async () => {
  const running = await start();
  const { envoy } = running;
  await settled(running);
  const addresses = [...envoy.listeners.values()].map((each) => (each['address'] as Shown)['socket_address'] as Shown);
  assert.equal(addresses.map(({ address, port_value }) => `${address}:${port_value}`).toSorted(), [
    '0.0.0.0:5432',
    '0.0.0.0:8000',
    '0.0.0.0:9000',
    '0.0.0.0:9090',
  ]);
  for (const each of envoy.listeners.values()) {
    assert.is(each['api_listener'], undefined);
    assert.is(each['bind_to_port'], undefined);
    for (const filter of filtersOf(each)) {
      if (filter['cluster'] !== undefined) assert.ok(envoy.clusters.has(filter['cluster'] as string));
      else assert.equal((filter['http_filters'] as Shown[]).at(-1)!['name'], 'envoy.filters.http.router');
    }
  }
  const domains = (port: number) =>
    (envoy.routes.get(`envoy|${port}`)!['virtual_hosts'] as Shown[]).flatMap((each) => each['domains'] as string[]);
  // Who takes no callers without a certificate is not there.
  assert.equal(domains(8000), ['books', 'books:8000', 'empty', 'empty:8000']);
  const named = JSON.stringify([...envoy.routes.values()]).match(/outbound\|\d+\|\w*\|\w+/g)!;
  for (const name of named) assert.ok(envoy.clusters.has(name), name);
  assert.ok(named.includes('outbound|8000||closed'));
  for (const [name, cluster] of envoy.clusters) {
    assert.is(cluster['type'], 'EDS');
    assert.is(cluster['transport_socket'] ?? cluster['transport_socket_matches'], undefined, name);
    assert.ok(envoy.endpoints.has(name), name);
  }
  assert.ok(envoy.clusters.get('outbound|9090||books')!['typed_extension_protocol_options']);
  const first = envoy.endpoints.get('outbound|8000|v1|books')!['endpoints'] as Shown[];
  assert.is(first[0]!['lb_endpoints'][0].endpoint.address.socket_address.address, '127.0.0.1');
  // To an Envoy % begins a command.
  assert.match(JSON.stringify(envoy.routes.get('envoy|8000')), '"value":"100%%"');
});

test('a changed cluster gets its endpoints again, although they are the same, and is in use', async () => {
  const running = await start();
  const { envoy, set } = running;
  await settled(running);
  const before = envoy.events.length;
  set({ ...SERVICES, books: { ...BOOKS, connectTimeout: '1600ms' } });
  await eventually(
    'the cluster is another',
    () => (envoy.clusters.get('outbound|8000||books')!['connect_timeout'] as Shown)['nanos'] === 600_000_000,
    LONG,
  );
  await settled(running);
  assert.equal(envoy.events.slice(before), ['Cluster', 'ClusterLoadAssignment']);
});

test('a service that goes takes its listener and clusters along; one that refuses keeps its own', async () => {
  const running = await start();
  const { envoy, plane, set } = running;
  await settled(running);
  envoy.refuse = (type) => (type === 'Listener' ? 'cannot bind' : undefined);
  const { database: _, ...rest } = SERVICES;
  set(rest);
  await eventually('it refuses', () => plane.seen.includes('nack:Listener'), LONG);
  assert.ok(envoy.listeners.has('envoy|5432'));
  assert.match(JSON.stringify(plane.discovery.clients[0]!.types), 'cannot bind');
  envoy.refuse = undefined;
  set({ ...rest, more: { ports: [{ port: 7000, protocol: 'auto', mtls: 'DISABLE' }], endpoints: ['192.0.2.9'] } });
  await eventually('it has the next one', () => envoy.listeners.has('envoy|7000'), LONG);
  await eventually('what has gone is gone', () => !envoy.clusters.has('outbound|5432||database'), LONG);
  assert.not(envoy.listeners.has('envoy|5432'));
  await settled(running);
  assert.equal(envoy.violations, []);
});

test('bytes on a port that several services share are not routed; a host belongs to one service', async () => {
  const open = (protocol: string, port: number, more = {}) => ({
    mtls: 'PERMISSIVE',
    ports: [{ port, protocol }],
    endpoints: ['192.0.2.1'],
    ...more,
  });
  const services = { a: open('tcp', 7), b: open('tcp', 7), c: open('http', 8, { hosts: ['late'] }) };
  const running = await start(services, 'envoy', 'PERMISSIVE');
  const { envoy, plane } = running;
  const replica = { name: 'late-1', address: '192.0.2.2', labels: {}, phase: 'ready' } as const;
  plane.registry.join({ service: 'late', ...replica, ports: [{ port: 8, protocol: 'http' }] });
  plane.publish();
  await settled(running);
  const hosts = () => envoy.routes.get('envoy|8')!['virtual_hosts'] as Shown[];
  assert.not(envoy.clusters.has('outbound|8||late'));
  assert.equal([...envoy.listeners.keys()], ['envoy|8']);
  assert.equal(
    hosts().map((each) => each['domains'] as string[]),
    [['c', 'c:8', 'late', 'late:8']],
  );
  assert.equal(envoy.violations, []);
});

test('who does not say that it is an Envoy gets none of this', async () => {
  const { envoy } = await start(SERVICES, 'another');
  await eventually('it has clusters', () => envoy.clusters.size > 0, LONG);
  assert.ok(envoy.clusters.has('PassthroughCluster'));
});

// --- the bootstrap ---------------------------------------------------------------------------------

const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const bootstrap = (): Shown =>
  parse(readFileSync(join(import.meta.dirname, '../../../stacks/mesh/services/envoy/bootstrap.yaml'), 'utf8')) as Shown;

/** A message in its JSON form (proto3 JSON mapping). @throws for a field that it has not */
function fromJson(type: protobuf.Type, json: unknown, path: string): object {
  if (type.fullName === '.google.protobuf.Duration') {
    const [, seconds, fraction = ''] = /^(\d+)(?:\.(\d{1,9}))?s$/.exec(json as string)!;
    return { seconds: Number(seconds), nanos: Number(fraction.padEnd(9, '0')) };
  }
  if (type.fullName === '.google.protobuf.Struct')
    return {
      fields: Object.fromEntries(
        Object.entries(json as object).map(([key, each]) => [key, { numberValue: each as number }]),
      ),
    };
  if (type.fullName === '.google.protobuf.Any') {
    const { '@type': name, ...rest } = json as Shown;
    const packed = typeNamed((name as string).replace('type.googleapis.com/', ''));
    return { type_url: name as string, value: bytesOf(packed, fromJson(packed, rest, path)) };
  }
  return Object.fromEntries(
    Object.entries(json as object).map(([key, value]) => {
      const field = type.fields[key];
      if (!field) throw new Error(`${path}.${key} is not known`);
      const one = (each: unknown, at: string): unknown => {
        if (field.resolvedType instanceof protobuf.Type) return fromJson(field.resolvedType, each, at);
        if (field.resolvedType instanceof protobuf.Enum && field.resolvedType.values[each as string] === undefined)
          throw new Error(`${at}: ${String(each)} is not known`);
        return each;
      };
      if (field instanceof protobuf.MapField)
        return [
          key,
          Object.fromEntries(
            Object.entries(value as object).map(([name, each]) => [name, one(each, `${path}.${key}`)]),
          ),
        ];
      if (field.repeated) return [key, (value as unknown[]).map((each, index) => one(each, `${path}.${key}.${index}`))];
      return [key, one(value, `${path}.${key}`)];
    }),
  );
}
const bytesOf = (type: protobuf.Type, message: object): Uint8Array => type.encode(type.fromObject(message)).finish();
const violationsOf = (name: string, json: unknown): string[] =>
  violations(name, bytesOf(typeNamed(name), fromJson(typeNamed(name), json, name)));

test('the bootstrap has fields of the Bootstrap message alone, and keeps its rules', () => {
  assert.equal(violationsOf(BOOTSTRAP, bootstrap()), []);
  const { dynamic_resources: dynamic, static_resources: fixed, node, admin } = bootstrap() as Record<string, Shown>;
  assert.is(dynamic!['ads_config'].set_node_on_first_message_only, true);
  const named = dynamic!['ads_config'].grpc_services[0].envoy_grpc.cluster_name as string;
  assert.equal(
    (fixed!['clusters'] as Shown[]).map((each) => each['name'] as string),
    [named],
  );
  assert.is(node!['id'], 'envoy');
  assert.is(admin!['address'].socket_address.address, '127.0.0.1');
});

test('a bootstrap with a field that is not known, or a rule that is not kept, is told', () => {
  const changed = (change: (all: any) => void): Shown => {
    const all = bootstrap();
    change(all);
    return all;
  };
  assert.throws(
    () =>
      violationsOf(
        BOOTSTRAP,
        changed((all) => (all.static_resources.clusters[0].lb_polici = 'RANDOM')),
      ),
    'lb_polici is not known',
  );
  assert.throws(
    () =>
      violationsOf(
        BOOTSTRAP,
        changed((all) => (all.dynamic_resources.ads_config.api_type = 'GRPCS')),
      ),
    'GRPCS is not known',
  );
  const told = violationsOf(
    BOOTSTRAP,
    changed((all) => {
      all.static_resources.clusters[0].name = '';
      all.static_resources.clusters[0].connect_timeout = '0s';
      all.static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address = {
        address: '',
        port_value: 70_000,
      };
      delete all.dynamic_resources.ads_config.grpc_services[0].envoy_grpc;
    }),
  ).join('\n');
  for (const wanted of [
    'Bootstrap.static_resources.clusters[0].name: min_len 1',
    'connect_timeout: gt',
    'socket_address.address: min_len 1',
    'port_value: lte 65535',
    'target_specifier: one is required',
  ])
    assert.ok(told.includes(wanted), `${wanted}\n${told}`);
});

test.run();
