import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { MemoryBudget, MemoryClaim } from './budget.ts';

const KiB = 1024;

/** A connection that keeps bytes until it is ended. */
class Peer {
  taken = 0;
  ended = false;
  readonly claim: MemoryClaim;

  constructor(budget: MemoryBudget, kept: number) {
    this.claim = new MemoryClaim(budget, this);
    this.claim.set(kept);
  }
  shed(): void {
    this.ended = true;
    this.claim.set(0);
  }
}

test('those who keep most and read least are ended, until a tenth of the limit is free', async () => {
  const budget = new MemoryBudget(1000 * KiB);
  const reads = new Peer(budget, 300 * KiB);
  const stalls = new Peer(budget, 300 * KiB);
  const small = new Peer(budget, 100 * KiB);
  reads.taken = 5000 * KiB;
  assert.not(budget.full);
  const last = new Peer(budget, 350 * KiB);
  assert.ok(budget.full);
  await eventually('room again', () => !budget.full);
  assert.equal(
    [reads, stalls, small, last].map(({ ended }) => ended),
    [false, false, false, true],
  );
  assert.is(budget.used, 700 * KiB);
});

test('a holder of little memory is never ended, and what it gives back is counted', async () => {
  const budget = new MemoryBudget(100 * KiB);
  const peers = Array.from({ length: 20 }, () => new Peer(budget, 8 * KiB));
  const large = new Peer(budget, 20 * KiB);
  await eventually('the large one is ended', () => large.ended);
  assert.ok(peers.every(({ ended }) => !ended));
  for (const { claim } of peers) claim.set(0);
  assert.is(budget.used, 0);
});

test('a budget that cannot be relieved is looked at again only when it has grown', async () => {
  const budget = new MemoryBudget(100 * KiB);
  let looks = 0;
  budget.add({
    get kept() {
      looks++;
      return 0;
    },
    taken: 0,
    shed: assert.unreachable,
  });
  for (let each = 0; each < 100; each++) {
    budget.charge(2 * KiB);
    await new Promise(setImmediate);
  }
  assert.ok(looks > 0 && looks <= 12, `${looks} looks`);
});

test.run();
