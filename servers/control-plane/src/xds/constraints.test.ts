/** Whatever policy is taken, what is served of it keeps the rules that Envoy's .proto files carry. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MeshStates } from '../mesh/mesh.ts';
import { parsePolicy, PolicyRefused } from '../policy/parse.ts';
import type { Policy } from '../policy/types.ts';
import { violations } from '../testing/constraints.ts';
import { ORDER, type View } from './resources/types.ts';
import { Views } from './views.ts';

const time = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('0.000001ms', '1ms', '0.29h', '1.5s', '300s', '2562047h') },
  { weight: 1, arbitrary: fc.constantFrom('0s', '2562048h', '999999999h') },
);
const count = fc.constantFrom(0, 1, 7, 4_294_967_295);
const percent = fc.oneof(fc.constantFrom(0, 0.00001, 33.3333, 100), fc.double({ min: 0, max: 100, noNaN: true }));
const text = fc.constantFrom('/', '/a', 'ä%', '\n', 'x'.repeat(4096));
const name = fc.constantFrom('x-a', 'host', ':path', ':authority', 'A_b', 'a b', '');
/** Few of these at once: most of what a policy can hold wrongly is refused. */
const some = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(
    Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [
        key,
        fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value }),
      ]),
    ),
  );
const values = fc.dictionary(name, text, { maxKeys: 2 });
const edits = some({ set: values, add: values, remove: fc.array(name, { maxLength: 2 }) });
const kinds = { exact: text, prefix: text, suffix: text, contains: text };
const header = fc.oneof(
  ...Object.entries(kinds).map(([kind, value]) => fc.record({ name, [kind]: value })),
  fc.record({ name, regex: fc.constantFrom('a+', '\\p{L}', '(a{100}){11}', '.*') }),
  fc.record({ name, range: fc.record({ from: fc.integer(), to: fc.integer() }) }),
  fc.record({ name, invert: fc.boolean() }),
);
const rateLimit = fc.record({ requests: count, per: time, burst: count }, { requiredKeys: ['requests', 'per'] });
const route = some({
  timeout: time,
  idleTimeout: time,
  match: some({
    path: fc.oneof(fc.record({ prefix: text }), fc.record({ exact: text }), fc.record({ regex: fc.constant('/a|b') })),
    methods: fc.subarray(['GET', 'M-SEARCH', '-'], { minLength: 1 }),
    headers: fc.array(header, { minLength: 1, maxLength: 2 }),
    percent,
  }),
  to: fc.constantFrom(
    [{ subset: 'v1', weight: 1 }],
    [{ weight: 0 }],
    [{ weight: 1_000_000 }, { service: 'b', weight: 0 }],
  ),
  retry: fc.record({
    on: fc.constant(['5xx']),
    attempts: fc.integer({ min: 1, max: 10 }),
    perTryTimeout: time,
    backoff: fc.record({ base: time, max: time }),
  }),
  mirror: fc.tuple(fc.record({ subset: fc.constant('v1'), percent })),
  fault: some({
    delay: fc.record({ percent, duration: time }),
    abort: fc.record({ percent, status: fc.integer({ min: 200, max: 599 }) }),
    headers: fc.tuple(header),
  }),
  rateLimit,
  hash: fc.constantFrom([{ source: true }], [{ header: 'x-a' }]),
  requestHeaders: edits,
  responseHeaders: edits,
  rewrite: some({ prefix: text, authority: text }),
});
const service = some({
  mtls: fc.constantFrom('STRICT', 'PERMISSIVE', 'DISABLE'),
  endpoints: fc.constantFrom(['192.0.2.1'], ['2001:db8::1', '192.0.2.1']),
  balancing: fc.constantFrom('LEAST_REQUEST', 'ROUND_ROBIN', 'RING_HASH', 'RANDOM'),
  connectTimeout: time,
  limits: some({ connections: count, pending: count, requests: count, retries: count }),
  retryBudget: fc.record({ percent, minimum: count }),
  outlier: some({
    consecutive5xx: count,
    interval: time,
    baseEjectionTime: time,
    maxEjectionTime: time,
    maxEjectionPercent: fc.integer({ min: 0, max: 100 }),
    successRate: some({ minimumHosts: count, requestVolume: count, stdevFactor: count }),
    failurePercentage: fc.record({ threshold: fc.integer({ min: 0, max: 100 }) }),
  }),
  routes: fc.tuple(route),
  authorization: fc.record({
    rules: fc.tuple(
      fc.record(
        {
          name: fc.constant('r'),
          action: fc.constantFrom('allow', 'deny'),
          from: fc.tuple(text),
          paths: fc.tuple(text),
          methods: fc.constant(['GET', 'M-SEARCH']),
        },
        { requiredKeys: ['name', 'action'] },
      ),
    ),
  }),
});
const ports = fc.tuple(
  fc.record(
    { port: fc.constant(80), protocol: fc.constantFrom('http', 'grpc', 'auto'), rateLimit, requestHeaders: edits },
    { requiredKeys: ['port', 'protocol'] },
  ),
  fc.record({ port: fc.constant(81), protocol: fc.constantFrom('tcp', 'auto') }),
);

function taken(policy: object): Policy | undefined {
  try {
    return parsePolicy(JSON.stringify(policy));
  } catch (error) {
    if (error instanceof PolicyRefused) return undefined;
    throw error;
  }
}

test('whatever policy is accepted, proxies, gRPC clients and Envoys get valid resources', () => {
  let looked = 0;
  const b = { ports: [{ port: 80, protocol: 'http' }] };
  fc.assert(
    fc.property(service, ports, (own, listening) => {
      const policy = taken({ services: { a: { ...own, ports: listening, subsets: { v1: { version: '1' } } }, b } });
      if (!policy) return;
      looked++;
      const parts = {
        trustDomain: 'mesh.test',
        namespace: 'shop',
        splits: [],
        replicas: [],
        resolved: new Map(),
        probed: new Map(),
      };
      const views = new Views();
      const { state, failures } = new MeshStates().next({ ...parts, policy });
      assert.is(views.update(state, 'roots', failures).failures.size, 0);
      for (const view of [views.of(undefined), views.of('a'), views.ofEnvoy(), views.ofEnvoyProxy('a')])
        assert.equal(violationsOf(view), []);
    }),
    { numRuns: 600 },
  );
  assert.ok(looked > 50, `only ${looked} were taken`);
});

const violationsOf = (view: View): string[] =>
  ORDER.flatMap((type) =>
    [...view[type].all()].flatMap(({ any }) =>
      violations(any.type_url.slice(any.type_url.lastIndexOf('/') + 1), any.value),
    ),
  );

test.run();
