/** Times since the epoch stay with the wall clock, and tell fractions of its milliseconds. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EpochClock, epochNow } from './epoch.ts';

test('fractions of a millisecond are told while the clocks agree', () => {
  let monotonic = 5.25;
  const clock = new EpochClock({ wall: () => Math.floor(1000 + monotonic), monotonic: () => monotonic }, 1000);
  assert.is(clock.now(), 1005.25);
  monotonic = 5.75;
  assert.is(clock.now(), 1005.75);
});

test('after the machine has slept, or the clock was set, it is the wall clock’s time', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ passed: fc.double({ min: 0, max: 1e5, noNaN: true }), set: fc.integer({ min: -1e9, max: 1e9 }) }),
      ),
      (steps) => {
        let [wall, monotonic] = [1e12, 0];
        const clock = new EpochClock({ wall: () => Math.floor(wall), monotonic: () => monotonic }, 1e12);
        for (const { passed, set } of steps) {
          monotonic += passed;
          wall += passed + set;
          const now = clock.now();
          assert.ok(now >= Math.floor(wall) && now < Math.floor(wall) + 1, `${now} ${wall}`);
        }
      },
    ),
  );
});

test('the process’ own clock is right', () => {
  const before = Date.now();
  const now = epochNow();
  assert.ok(now >= before && now < Date.now() + 1, `${before} ${now}`);
});

test.run();
