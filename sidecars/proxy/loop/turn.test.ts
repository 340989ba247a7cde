/** All connections together have a share of a turn of the event loop; who waits goes on in the next turns, peer by peer. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { charge, charges, TurnShare } from './turn.ts';

/** What all connections together may do in a turn. */
const TOGETHER = 1024;
const SIZE = 64;

/** Let the event loop go round once. */
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A connection with more to do than fits into a turn. */
class Busy {
  done = 0;
  readonly #work: number;
  readonly share: TurnShare;

  constructor(work: number, peer?: string) {
    this.#work = work;
    this.share = new TurnShare(SIZE, () => this.go(), peer === undefined ? undefined : () => peer);
  }

  get ended(): boolean {
    return this.done >= this.#work;
  }

  go(): void {
    while (!this.ended && this.share.left > 0) {
      this.share.spend(1);
      this.done++;
    }
    if (!this.ended) this.share.wait();
  }
}

const sum = (all: readonly Busy[]): number => all.reduce((total, { done }) => total + done, 0);

test('a turn does no more than fits for all connections together, and all of them end', async () => {
  await turn();
  const all = Array.from({ length: 200 }, () => new Busy(500));
  for (const each of all) each.go();
  let most = 0;
  for (let before = 0; !all.every(({ ended }) => ended); before = sum(all)) {
    await turn();
    most = Math.max(most, sum(all) - before);
  }
  // What each of them is certain of comes to it, and a look may see parts of two turns.
  assert.ok(most <= 2 * (TOGETHER + (200 * SIZE) / 16), `${most} pieces in one turn`);
});

test('a peer with one connection waits no longer than one with hundreds', async () => {
  const many = Array.from({ length: 500 }, () => new Busy(500, 'many'));
  for (const each of many) each.go();
  await turn();
  const one = new Busy(500, 'one');
  one.go();
  for (let count = 0; !one.ended; count++) {
    assert.ok(count < 3 * (500 / SIZE), `${one.done} of 500 in ${count} turns`);
    await turn();
  }
  assert.ok(sum(many) < 100 * 500, `the others have ${sum(many)}`);
  await eventually('the others to end', () => many.every(({ ended }) => ended));
});

test('who asks for little does not wait, whatever others did', async () => {
  await turn();
  const share = new TurnShare(SIZE, () => assert.unreachable('it waited'));
  charge(10 * TOGETHER);
  for (let piece = 0; piece < SIZE / 16; piece++) {
    assert.ok(share.left > 0);
    share.spend(1);
  }
  assert.not.ok(share.left > 0);
});

test('what was charged beyond a share is taken from the next turns of its connection', async () => {
  const share = new TurnShare(SIZE, () => {});
  const before = charges();
  charge(3 * SIZE);
  share.spend(charges() - before, 0);
  for (let count = 0; count < 2; count++) {
    assert.not.ok(share.left > 0, `turn ${count}`);
    await turn();
  }
  await eventually('it to go on', () => share.left > 0);
});

test('reads that were allowed and did not come yet leave no room for others', async () => {
  const asking = Array.from({ length: 500 }, () => {
    const share: TurnShare = new TurnShare(SIZE, () => void allowed++);
    // Its last read was one of 64 KiB.
    share.spend(8);
    return share;
  });
  let allowed = 0;
  await turn();
  await turn();
  allowed += asking.filter((share) => share.asks()).length;
  assert.ok(allowed <= TOGETHER / 8, `${allowed} at once`);
  for (let before = allowed; allowed < asking.length; before = allowed) {
    await turn();
    assert.ok(allowed - before <= (2 * TOGETHER) / 8, `${allowed - before} in a turn`);
  }
  assert.ok(asking.every(({ waits }) => !waits));
});

test.run();
