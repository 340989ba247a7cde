/** Addresses of this machine, and which of another's it can reach. */
import { networkInterfaces } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OwnAddresses } from './own.ts';

const FAR = '203.0.113.9';

test('of several addresses the one on a network of its own is taken, or the first', () => {
  const own = new OwnAddresses();
  assert.is(own.nearest([FAR, '198.51.100.7']), FAR);
  assert.equal(own.near([FAR, '198.51.100.7']), [FAR, '198.51.100.7']);
  for (const address of own.forOthers) {
    assert.is(own.nearest([FAR, address]), address);
    assert.equal(own.near([FAR, address]), [address]);
    assert.ok(own.takesFromOthers(address));
  }
});

test('loopback is its own, and nothing that others may send to', () => {
  const own = new OwnAddresses();
  assert.ok(own.has('127.0.0.1'));
  assert.not(own.takesFromOthers('127.0.0.1'));
  assert.not(own.forOthers.includes('127.0.0.1'));
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  for (const { address, internal } of all) assert.is(own.takesFromOthers(address), !internal);
});

test.run();
