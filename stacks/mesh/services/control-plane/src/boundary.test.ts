/** What fails ends alone: a publication, a stream, a look at the policy. The control plane and everybody else go on. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Logger } from '#kit/log.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Claim } from './registry/registry.ts';
import { OPERATOR_TOKEN, startPlane, type TestPlane } from './testing/plane.ts';
import { startProxy, type TestProxy } from './testing/proxy.ts';

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

test('what cannot be published is told and counted: the last good state stays, and the next change is tried again', async () => {
  const plane = await startPlane(POLICY);
  const front = startProxy(plane, 'front');
  plane.registry.join(claim);
  await eventually('configured', () => shops(front).length === 1, LONG);
  const before = await graphOf(plane);
  const { replica, secret } = plane.registry.join(POISON);
  await eventually('it has failed', () => failed(plane, 'publication') > 0, LONG);
  const during = await graphOf(plane);
  assert.is(during.version, before.version);
  assert.match(during.problem ?? '', /could not be published: .*not iterable/);
  // Who comes now gets what was published last.
  const late = startProxy(plane, 'front', { name: 'front-late' });
  await eventually('configured, too', () => shops(late).length === 1, LONG);
  const count = failed(plane, 'publication');
  plane.registry.join({ ...claim, name: 'shop-2', address: '192.0.2.2' });
  await eventually('tried again', () => failed(plane, 'publication') > count, LONG);
  assert.equal(shops(front), ['192.0.2.1']);
  plane.registry.leave(replica.id, secret);
  await eventually('all of it goes out', () => shops(front).length === 2 && shops(late).length === 2, LONG);
  const after = await graphOf(plane);
  assert.is(after.problem, undefined);
  assert.equal(replicasOf(after, 'shop'), ['shop-1', 'shop-2']);
  for (const proxy of [front, late]) await proxy.close();
  await plane.close();
});

test('a split that cannot be published is not taken, and not saved', async () => {
  const plane = await startPlane(POLICY);
  const { replica, secret } = plane.registry.join(POISON);
  await eventually('it has failed', () => failed(plane, 'publication') > 0, LONG);
  const { status } = await plane.api('PUT', '/api/splits/shop/main', { v1: 1, v2: 99 }, OPERATOR_TOKEN);
  assert.is(status, 500);
  plane.registry.leave(replica.id, secret);
  const version = (await graphOf(plane)).version;
  await eventually('published again', async () => (await graphOf(plane)).version > version, LONG);
  const { services } = await graphOf(plane);
  assert.equal(services.find(({ name }) => name === 'shop')!.splits[0]!.weights, { v1: 80, v2: 20 });
  await plane.close();
});

test('a control plane that has published nothing yet takes nothing from anybody', async () => {
  const { directory, registry, ...first } = await startPlane(POLICY);
  registry.join(claim);
  await first.close();
  const path = join(directory, 'data/state.json');
  const state = JSON.parse(readFileSync(path, 'utf8')) as { replicas: object[] };
  writeFileSync(
    path,
    JSON.stringify({ ...state, replicas: [...state.replicas, { ...POISON, id: 'x', leaseDigest: '' }] }),
  );
  const plane = await startPlane(POLICY, { directory, lease: 1000 });
  assert.ok(failed(plane, 'publication') > 0);
  const ended: string[] = [];
  const note = ({ reason = '' }: { reason?: string }): void => void ended.push(reason);
  const log = { info: note, warn: note, debug: note } as unknown as Logger;
  const front = startProxy(plane, 'front', { log });
  await eventually('sent away', () => ended.some((reason) => /status 14/.test(reason)), LONG);
  // The lease of what cannot be published lapses.
  await eventually('configured', () => front.last, LONG);
  assert.ok(front.taken.every(({ outbound }) => outbound.listeners.length > 0));
  await front.close();
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

test('a page that cannot be counted, and a policy that nobody can be told of, are taken all the same', async () => {
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
