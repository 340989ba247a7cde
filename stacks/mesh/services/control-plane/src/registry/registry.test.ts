/** Leases: taken, renewed, lapsed; and what a stall of the control plane itself does to them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { Registry, type Claim } from './registry.ts';

const LONG = { within: 60_000, every: 5 };
const claim: Claim = {
  service: 'front',
  name: 'front-1',
  address: '192.0.2.1',
  labels: {},
  ports: [],
  phase: 'ready',
};

function start(lease: number) {
  const clock = { now: 0 };
  const ended: string[] = [];
  const registry = new Registry({
    lease,
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

test('a control plane that stood still takes nobody out before it has read the renewals that came meanwhile', async () => {
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

test.run();
