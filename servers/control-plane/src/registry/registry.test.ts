/** Leases: taken, renewed, lapsed; and what a stall of the control plane itself does to them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { Registry, RegistryFull, type Claim } from './registry.ts';
import type { Limits } from './replica-quota.ts';

const LONG = { within: 60_000, every: 5 };
const claim: Claim = {
  service: 'front',
  name: 'front-1',
  address: '192.0.2.1',
  peer: '192.0.2.1',
  labels: {},
  ports: [],
  phase: 'ready',
};

function start(lease: number, limits: Partial<Limits> = {}) {
  const clock = { now: 0 };
  const ended: string[] = [];
  const registry = new Registry({
    lease,
    limits: { service: 10, peer: 10, all: 10, ...limits },
    now: () => clock.now,
    onChange: () => {},
    onEnd: ({ name }, ending) => ended.push(`${name} ${ending}`),
  });
  return { clock, ended, registry };
}

test('a lease that nobody renews lapses; one that is renewed stays', async () => {
  const { clock, ended, registry } = start(50);
  const { replica, secret } = registry.join(claim);
  registry.join({ ...claim, name: 'front-2', address: '192.0.2.2' });
  clock.now = 40;
  assert.ok(registry.renew(replica.id, secret, 'ready'));
  clock.now = 60;
  await eventually('one is gone', () => ended.length > 0, LONG);
  assert.equal(ended, ['front-2 lapsed']);
  assert.is(registry.replicas.length, 1);
  registry.close();
});

test('a stalled control plane reads the waiting renewals before it removes an endpoint', async () => {
  const { clock, ended, registry } = start(50);
  const { replica, secret } = registry.join(claim);
  const before = registry.get(replica.id)!.expires;
  clock.now = 10_000;
  await eventually('it has looked', () => registry.get(replica.id)?.expires !== before, LONG);
  assert.equal(ended, []);
  assert.ok(registry.renew(replica.id, secret, 'ready'));
  // Who does not come back even then is gone.
  registry.join({ ...claim, name: 'front-2', address: '192.0.2.2' });
  clock.now += 60;
  await eventually('the next look', () => ended.length > 0, LONG);
  registry.close();
});

test('a lease is renewed and ended by its secret alone, and a name or an address has one owner', () => {
  const { ended, registry } = start(60_000);
  const { replica, secret } = registry.join(claim);
  assert.is(registry.renew(replica.id, 'another', 'ready'), undefined);
  assert.not(registry.leave(replica.id, 'another'));
  const again = registry.join({ ...claim, address: '192.0.2.9' });
  assert.is(registry.renew(replica.id, secret, 'ready'), undefined);
  registry.join({ ...claim, name: 'front-2', address: '192.0.2.9' });
  assert.equal(ended, ['front-1 replaced', 'front-1 replaced']);
  assert.is(registry.get(again.replica.id), undefined);
  registry.close();
});

/** Register a replica of its own name and address. @returns which limit was in its way */
function tryJoin(registry: Registry, number: number, other: Partial<Claim> = {}): string {
  const place = { name: `front-${number}`, address: `192.0.2.${number}`, peer: `192.0.2.${number}` };
  try {
    registry.join({ ...claim, ...place, ...other });
    return 'taken';
  } catch (error) {
    assert.instance(error, RegistryFull);
    return (error as RegistryFull).limit;
  }
}

test('the number of replicas is limited: of a service, from an address, and in all', () => {
  const { registry, ended } = start(60_000, { service: 3, peer: 4, all: 6 });
  for (const number of [1, 2, 3]) assert.is(tryJoin(registry, number, { peer: '192.0.2.1' }), 'taken');
  assert.is(tryJoin(registry, 4), 'service');
  // One that comes again takes its own place.
  assert.is(tryJoin(registry, 3, { peer: '192.0.2.1' }), 'taken');
  assert.is(tryJoin(registry, 9, { address: '192.0.2.3', peer: '192.0.2.1' }), 'taken');
  assert.is(tryJoin(registry, 5, { peer: '192.0.2.1', service: 'shop' }), 'taken');
  assert.is(tryJoin(registry, 6, { peer: '192.0.2.1', service: 'shop' }), 'peer');
  for (const number of [6, 7]) assert.is(tryJoin(registry, number, { service: 'shop' }), 'taken');
  assert.is(tryJoin(registry, 8, { service: 'other' }), 'all');
  assert.equal(ended, ['front-3 replaced', 'front-3 replaced']);
  // What was refused has taken nobody's place.
  assert.is(tryJoin(registry, 6, { service: 'shop', peer: '192.0.2.1' }), 'peer');
  assert.equal(
    registry.replicas.map(({ name }) => name),
    ['front-1', 'front-2', 'front-9', 'front-5', 'front-6', 'front-7'],
  );
  registry.close();
});

test('leases that are ended or lapse give their room back', async () => {
  const { clock, ended, registry } = start(50, { service: 1, peer: 1, all: 1 });
  const { replica, secret } = registry.join(claim);
  assert.is(tryJoin(registry, 2), 'service');
  registry.leave(replica.id, secret);
  assert.is(tryJoin(registry, 2), 'taken');
  clock.now = 60;
  await eventually('it has lapsed', () => ended.includes('front-2 lapsed'), LONG);
  assert.is(tryJoin(registry, 3), 'taken');
  registry.close();
});

test('what was saved is there again, also above the limits and by a version that did not count', () => {
  const { registry } = start(60_000);
  for (const number of [1, 2, 3]) tryJoin(registry, number);
  const saved = registry.replicas.map(({ peer, ...rest }) => {
    assert.ok(peer);
    return rest;
  });
  const later = start(60_000, { service: 2, peer: 1 });
  later.registry.restore(saved);
  assert.is(later.registry.replicas.length, 3);
  assert.is(tryJoin(later.registry, 4), 'service');
  assert.is(tryJoin(later.registry, 5, { service: 'shop', peer: '192.0.2.1' }), 'peer');
  registry.close();
  later.registry.close();
});

test.run();
