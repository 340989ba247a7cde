import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff } from '#kit/time/backoff.ts';
import { Restarts } from './restarts.ts';

let now = 0;
/** The whole of each delay: 10 s, 20 s, 40 s, 40 s. */
const make = (options: { budget?: number; window?: number } = {}) =>
  new Restarts({
    backoff: new Backoff({ initial: 10_000, max: 40_000, random: () => 1 }),
    resetAfter: 60_000,
    budget: 10,
    window: 3_600_000,
    now: () => now,
    ...options,
  });
test.before.each(() => {
  now = 0;
});

test('the first restart is at once, and each further one waits twice as long', () => {
  const restarts = make();
  assert.equal(restarts.ask(), { allowed: true });
  for (const wait of [10_000, 20_000, 40_000, 40_000]) {
    restarts.restarted();
    assert.equal(restarts.ask(), { allowed: false, reason: 'backoff', wait });
    now += wait - 1;
    assert.is(restarts.ask().allowed, false);
    now += 1;
    assert.is(restarts.ask().allowed, true);
  }
});

test('a target that is healthy for long enough is forgiven; one that fails in between is not', () => {
  const restarts = make();
  restarts.restarted();
  restarts.healthy();
  now += 59_000;
  restarts.unhealthy();
  now += 2000;
  restarts.healthy();
  restarts.restarted();
  assert.equal(restarts.ask(), { allowed: false, reason: 'backoff', wait: 20_000 }, 'the second in a row');
  restarts.healthy();
  now += 60_000;
  restarts.healthy();
  assert.equal(restarts.ask(), { allowed: true });
  restarts.restarted();
  assert.equal(restarts.ask(), { allowed: false, reason: 'backoff', wait: 10_000 }, 'the first again');
});

test('health from before a restart does not forgive what comes after it', () => {
  const restarts = make();
  restarts.healthy();
  now += 100_000;
  restarts.restarted();
  restarts.healthy();
  assert.equal(restarts.ask(), { allowed: false, reason: 'backoff', wait: 10_000 });
});

test('a budget that is used up comes back as its window slides on', () => {
  const restarts = make({ budget: 2, window: 100_000 });
  restarts.restarted();
  now = 50_000;
  restarts.restarted();
  assert.is(restarts.left, 0);
  assert.equal(restarts.ask(), { allowed: false, reason: 'budget', wait: 50_000 });
  now = 100_000;
  assert.is(restarts.left, 1);
  assert.equal(restarts.ask(), { allowed: true });
});

test('a budget of none allows none, ever', () => {
  const restarts = make({ budget: 0 });
  assert.equal(restarts.ask(), { allowed: false, reason: 'budget', wait: Infinity });
});

test('in no window are there more restarts than the budget, whatever happens', () => {
  const event = fc.tuple(fc.integer({ min: 0, max: 30_000 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (events, budget) => {
      now = 0;
      const window = 200_000;
      const restarts = make({ budget, window });
      const done: number[] = [];
      for (const [wait, ok] of events) {
        now += wait;
        if (ok) restarts.healthy();
        else {
          restarts.unhealthy();
          if (restarts.ask().allowed) {
            restarts.restarted();
            done.push(now);
          }
        }
      }
      for (const begin of done) {
        const within = done.filter((at) => at >= begin && at < begin + window).length;
        assert.ok(within <= budget, `${within} restarts from ${begin} on`);
      }
    }),
  );
});

test.run();
