import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff, pause } from './backoff.ts';

test('delays double up to the longest, and begin anew after a success', () => {
  const backoff = new Backoff({ initial: 100, max: 1000, random: () => 0.999999 });
  const delays = (): number[] => Array.from({ length: 5 }, () => Math.round(backoff.next()));
  assert.equal(delays(), [100, 200, 400, 800, 1000]);
  assert.is(backoff.attempts, 5);
  backoff.reset();
  assert.is(backoff.attempts, 0);
  assert.equal(delays(), [100, 200, 400, 800, 1000]);
});

test('every delay is between half its bound and its bound, also after thousands of failures', () => {
  fc.assert(
    fc.property(
      fc.record({ initial: fc.integer({ min: 1, max: 10_000 }), more: fc.nat(100_000), failures: fc.nat(2000) }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      ({ initial, more, failures }, drawn) => {
        const max = initial + more;
        const backoff = new Backoff({ initial, max, random: () => drawn });
        for (let i = 0; i < failures; i++) backoff.next();
        const bound = Math.min(max, initial * 2 ** failures);
        const delay = backoff.next();
        assert.ok(delay >= bound / 2 && delay <= bound, `${delay} of ${bound}`);
      },
    ),
  );
});

test('delays differ between clients', () => {
  const drawn = new Set(Array.from({ length: 20 }, () => new Backoff({ initial: 1000, max: 1000 }).next()));
  assert.ok(drawn.size > 10, `${drawn.size} of 20 differ`);
});

test("a pause ends with the signal's own reason", async () => {
  const stop = new AbortController();
  const paused = pause(3_600_000, stop.signal).then(
    () => 'ended',
    (error: unknown) => error,
  );
  const reason = new Error('shutting down');
  stop.abort(reason);
  assert.is(await paused, reason);
  assert.is(await pause(1, stop.signal).catch((error: unknown) => error), reason, 'a signal that was aborted before');
});

test.run();
