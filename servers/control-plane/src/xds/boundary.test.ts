/** What fails ends alone: a publication, a stream, a look at the policy. The control plane and everybody else go on. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Logger } from '#kit/telemetry/log.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Claim } from '../registry/registry.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { OPERATOR_TOKEN, startPlane, type TestPlane } from '../testing/plane.ts';
import { startProxy, type TestProxy } from '../testing/proxy.ts';

const LONG = { within: 120_000 };
const policyOf = (timeout: string): string =>
  JSON.stringify({
    services: {
      front: { ports: [{ port: 8080, protocol: 'http' }] },
      shop: {
        ports: [{ port: 8000, protocol: 'http' }],
        subsets: { v1: { version: '1' }, v2: { version: '2' } },
        routes: [
          {
            name: 'main',
            timeout,
            to: [
              { subset: 'v1', weight: 80 },
              { subset: 'v2', weight: 20 },
            ],
          },
        ],
      },
    },
  });
const POLICY = policyOf('1s');
const claim: Claim = {
  service: 'shop',
  name: 'shop-1',
  address: '192.0.2.1',
  labels: { version: '1' },
  ports: [],
  phase: 'ready',
};
/** Nothing that the network lets in is this: it stands for what nobody has thought of. */
const POISON: Claim = { ...claim, service: 'poison', name: 'poison-1', ports: null as unknown as [] };
/** The same of a service that has been published. */
const SPOILED: Claim = { ...claim, name: 'shop-bad', address: '192.0.2.9', labels: null as unknown as {} };

const failed = (plane: TestPlane, unit: string): number =>
  plane.seen.filter((each) => each === `failed: ${unit}`).length;

interface Graph {
  readonly version: number;
  readonly problem?: string;
  readonly services: readonly {
    readonly name: string;
    readonly replicas: readonly { readonly name: string }[];
    readonly splits: readonly { readonly weights: unknown }[];
  }[];
}
const graphOf = async (plane: TestPlane): Promise<Graph> =>
  JSON.parse(String((await plane.api('GET', '/api/graph')).body)) as Graph;
const replicasOf = ({ services }: Graph, service: string): string[] =>
  (services.find(({ name }) => name === service)?.replicas ?? []).map(({ name }) => name);
/** Addresses to which a proxy would send what is for the shop. */
const shops = (proxy: TestProxy): string[] =>
  (proxy.last?.clusters.find(({ name }) => name === 'outbound|8000||shop')?.endpoints ?? []).map(
    ({ address }) => address,
  );

test('a start with an unusable policy uses the last good one, and says what is wrong', async () => {
  const denying = JSON.stringify({ services: { shop: { authorization: { otherwise: 'deny', rules: [] } } } });
  const first = await startPlane(denying);
  const { directory } = first;
  await first.close();
  for (const wrong of ['services: [', JSON.stringify({ services: { shop: { routs: [] } } })]) {
    const plane = await startPlane(wrong, { directory });
    assert.ok(plane.seen.includes('policy taken'), plane.seen.join());
    assert.match(plane.seen.join(), /policy refused/);
    assert.ok((await graphOf(plane)).problem, 'people are told');
    const proxy = startProxy(plane, 'shop');
    await eventually('a proxy is configured', () => proxy.last, LONG);
    assert.match(JSON.stringify(proxy.last!.inbound), /"otherwise":"deny"|"rules":\[\]/);
    await proxy.close();
    await plane.close();
  }
  const plane = await startPlane('services: [', { directory: temporaryDirectory('control-plane') });
  assert.not(plane.seen.includes('policy taken'), 'there never was a good one');
  await plane.close();
});

test('a service that cannot be made is left out: all others are published, and it is named', async () => {
  const told: { failure: Error | undefined; held: string | undefined }[] = [];
  const logged: unknown[] = [];
  const error = (fields: object): void => void logged.push(fields);
  const log = { info: () => {}, warn: () => {}, debug: () => {}, error } as unknown as Logger;
  const events = {
    published: (failure: Error | undefined, held: string | undefined) => void told.push({ failure, held }),
  };
  const plane = await startPlane(POLICY, { events, log });
  const front = startProxy(plane, 'front');
  plane.registry.join(claim);
  await eventually('configured', () => shops(front).length === 1, LONG);
  const before = await graphOf(plane);
  const { replica, secret } = plane.registry.join(POISON);
  await eventually('it has failed', () => failed(plane, 'service') > 0, LONG);
  const during = await graphOf(plane);
  assert.ok(during.version > before.version);
  assert.match(during.problem ?? '', /^poison is left out: .*not iterable/);
  assert.match(told.at(-1)?.held ?? '', /^poison is left out/);
  assert.is(told.at(-1)!.failure, undefined);
  assert.equal(
    during.services.map(({ name }) => name),
    before.services.map(({ name }) => name),
  );
  const count = failed(plane, 'service');
  plane.registry.join({ ...claim, name: 'shop-2', address: '192.0.2.2' });
  await eventually('others go out', () => shops(front).length === 2, LONG);
  assert.ok(failed(plane, 'service') > count, 'counted again');
  assert.is(failed(plane, 'publication'), 0);
  assert.is(logged.length, 1, 'and written down once');
  assert.is((logged[0] as { service?: string }).service, 'poison');
  plane.registry.leave(replica.id, secret);
  await eventually('it is over', async () => (await graphOf(plane)).problem === undefined, LONG);
  await eventually('and said so', () => told.at(-1)!.held === undefined, LONG);
  await front.close();
  await plane.close();
});

test('a service that cannot be made any more stays as it was published last, and comes again', async () => {
  const plane = await startPlane(POLICY);
  const front = startProxy(plane, 'front');
  plane.registry.join(claim);
  await eventually('configured', () => shops(front).length === 1, LONG);
  const { replica, secret } = plane.registry.join(SPOILED);
  await eventually('it has failed', () => failed(plane, 'service') > 0, LONG);
  plane.registry.join({ ...claim, name: 'shop-2', address: '192.0.2.2' });
  plane.registry.join({
    ...claim,
    service: 'other',
    name: 'other-1',
    address: '192.0.2.3',
    ports: [{ port: 8000, protocol: 'http' }],
  });
  // Who comes now gets the same.
  const late = startProxy(plane, 'front', { name: 'front-late' });
  for (const proxy of [front, late])
    await eventually(
      'others go out',
      () => proxy.last?.clusters.some(({ name }) => name === 'outbound|8000||other'),
      LONG,
    );
  for (const proxy of [front, late]) assert.equal(shops(proxy), ['192.0.2.1']);
  assert.match((await graphOf(plane)).problem ?? '', /^shop stands as it was: /);
  plane.registry.leave(replica.id, secret);
  await eventually('all of it goes out', () => shops(front).length === 2 && shops(late).length === 2, LONG);
  const after = await graphOf(plane);
  assert.is(after.problem, undefined);
  assert.equal(replicasOf(after, 'shop'), ['shop-1', 'shop-2']);
  assert.is(failed(plane, 'publication'), 0);
  for (const proxy of [front, late]) await proxy.close();
  await plane.close();
});

test('a state that cannot be published keeps the last one, and the next change is tried again', async () => {
  const plane = await startPlane(POLICY);
  const front = startProxy(plane, 'front');
  const { replica, secret } = plane.registry.join(claim);
  await eventually('configured', () => shops(front).length === 1, LONG);
  const { version } = await graphOf(plane);
  const { replicas } = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(plane.registry) as object) as never;
  Object.defineProperty(plane.registry, 'replicas', { configurable: true, get: () => [null] });
  plane.registry.leave(replica.id, secret);
  await eventually('it has failed', () => failed(plane, 'publication') > 0, LONG);
  const during = await graphOf(plane);
  assert.is(during.version, version);
  assert.match(during.problem ?? '', /could not be published: /);
  assert.equal(shops(front), ['192.0.2.1']);
  Object.defineProperty(plane.registry, 'replicas', replicas);
  plane.registry.join({ ...claim, name: 'shop-2', address: '192.0.2.2' });
  await eventually('published again', () => shops(front)[0] === '192.0.2.2', LONG);
  assert.is((await graphOf(plane)).problem, undefined);
  await front.close();
  await plane.close();
});

test('a split that cannot be published is not taken, and not saved; that of another service is', async () => {
  const policy = JSON.parse(POLICY) as { services: Record<string, object> };
  policy.services['other'] = policy.services['shop']!;
  const plane = await startPlane(JSON.stringify(policy));
  const { replica, secret } = plane.registry.join(SPOILED);
  await eventually('it has failed', () => failed(plane, 'service') > 0, LONG);
  const split = async (service: string): Promise<number> =>
    (await plane.api('PUT', `/api/splits/${service}/main`, { v1: 1, v2: 99 }, OPERATOR_TOKEN)).status;
  assert.is(await split('shop'), 500);
  assert.is(await split('other'), 200);
  plane.registry.leave(replica.id, secret);
  await eventually('nothing is held back', async () => (await graphOf(plane)).problem === undefined, LONG);
  const { services } = await graphOf(plane);
  const weights = (of: string): unknown => services.find(({ name }) => name === of)!.splits[0]!.weights;
  assert.equal(
    [weights('shop'), weights('other')],
    [
      { v1: 80, v2: 20 },
      { v1: 1, v2: 99 },
    ],
  );
  await plane.close();
});

test('a service that could not be published empties no proxy, and delays no other service', async () => {
  const { directory, registry, ...first } = await startPlane(POLICY);
  registry.join(claim);
  await first.close();
  const path = join(directory, 'data/state.json');
  const state = JSON.parse(readFileSync(path, 'utf8')) as { replicas: object[] };
  writeFileSync(
    path,
    JSON.stringify({ ...state, replicas: [...state.replicas, { ...SPOILED, id: 'x', leaseDigest: '' }] }),
  );
  const plane = await startPlane(POLICY, { directory, lease: 3000 });
  assert.ok(failed(plane, 'service') > 0);
  const ended: string[] = [];
  const note = ({ reason = '' }: { reason?: string }): void => void ended.push(reason);
  const log = { info: note, warn: note, debug: note } as unknown as Logger;
  const front = startProxy(plane, 'front');
  const shop = startProxy(plane, 'shop', { log });
  await eventually('sent away', () => ended.some((reason) => /shop could not be published yet/.test(reason)), LONG);
  await eventually('the other is configured', () => front.last, LONG);
  // The lease of what cannot be published lapses.
  await eventually('configured, too', () => shop.last, LONG);
  assert.ok(shop.taken.every(({ outbound }) => outbound.listeners.length > 0));
  assert.is(failed(plane, 'publication'), 0);
  for (const proxy of [front, shop]) await proxy.close();
  await plane.close();
});

test('a saved state that is damaged is counted', async () => {
  const { directory, ...first } = await startPlane(POLICY);
  await first.close();
  writeFileSync(join(directory, 'data/state.json'), 'null');
  const plane = await startPlane(POLICY, { directory });
  assert.is(failed(plane, 'state'), 1);
  await plane.close();
});

test('a stream that fails is ended, and comes again; others are told what has changed', async () => {
  const fail = { times: 0 };
  const push = (): void => {
    if (fail.times-- > 0) throw new Error('this one cannot be sent');
  };
  const plane = await startPlane(POLICY, { events: { push } });
  const proxies = ['front-1', 'front-2'].map((name) => startProxy(plane, 'front', { name }));
  await eventually('configured', () => proxies.every(({ last }) => last), LONG);
  fail.times = 1;
  plane.registry.join(claim);
  await eventually('both have it', () => proxies.every((each) => shops(each).length === 1), LONG);
  assert.is(failed(plane, 'stream'), 1);
  assert.is(failed(plane, 'publication'), 0);
  for (const proxy of proxies) await proxy.close();
  await plane.close();
});

test('a policy is accepted although its page cannot be counted or its watchers cannot be told', async () => {
  const broken = { now: false };
  const check = (): void => {
    if (broken.now) throw new Error('it cannot be noted');
  };
  const plane = await startPlane(POLICY, { events: { state: check, policyTaken: check } });
  const front = startProxy(plane, 'front');
  await eventually('configured', () => front.last, LONG);
  broken.now = true;
  plane.setPolicy(policyOf('2s'));
  await eventually('the policy is in force', () => JSON.stringify(front.last).includes('2000'), LONG);
  assert.ok(failed(plane, 'report') > 0);
  assert.ok(failed(plane, 'policy') > 0);
  broken.now = false;
  plane.setPolicy(policyOf('3s'));
  await eventually('and the next one', () => JSON.stringify(front.last).includes('3000'), LONG);
  await front.close();
  await plane.close();
});

test.run();
