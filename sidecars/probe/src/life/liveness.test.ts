import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Liveness, type State } from './liveness.ts';

const OK = { ok: true, ms: 1 } as const;
const BAD = { ok: false, ms: 1, reason: 'no answer' } as const;
const make = (failureThreshold = 3, initialDelay = 0) => new Liveness({ failureThreshold, initialDelay });
const old = { life: 'a', age: 1e6 };

test('as many failures in a row as the threshold make it dead, and a success between starts anew', () => {
  const liveness = make();
  assert.is(liveness.state, 'away');
  liveness.see(old);
  assert.is(liveness.state, 'unknown');
  const states = [BAD, BAD, OK, BAD, BAD, BAD, BAD].map((result) => liveness.record('a', result));
  assert.equal(states, ['failing', 'failing', 'healthy', 'failing', 'failing', 'dead', 'dead'] satisfies State[]);
  assert.is(liveness.reason, 'no answer');
});

test('the initial delay counts from the start of the container, not from ours', () => {
  const liveness = make(3, 5000);
  assert.is(liveness.see({ life: 'a', age: 2000 }), 3000);
  assert.is(liveness.state, 'starting');
  assert.is(liveness.see({ life: 'a', age: 5000 }), 0);
  assert.is(liveness.state, 'unknown');
  assert.is(make(3, 5000).see(old), 0, 'one that ran before we came is probed at once');
});

test('a container that is away is no failure, and starts without a past when it comes back', () => {
  const liveness = make(2, 1000);
  liveness.see(old);
  liveness.record('a', BAD);
  assert.is(liveness.see(undefined), undefined);
  assert.equal([liveness.state, liveness.failures], ['away', 0]);
  assert.is(liveness.see({ life: 'b', age: 0 }), 1000);
  liveness.see({ life: 'b', age: 1000 });
  assert.is(liveness.record('b', BAD), 'failing');
});

test('a probe of an earlier life says nothing about this one', () => {
  const liveness = make(1);
  liveness.see(old);
  liveness.see({ life: 'b', age: 1e6 });
  assert.is(liveness.record('a', BAD), 'unknown');
  assert.is(liveness.failures, 0);
});

test('until its startup probe has succeeded, failures are counted up to its own threshold', () => {
  const liveness = new Liveness({
    failureThreshold: 2,
    initialDelay: 3000,
    startup: { failureThreshold: 4, initialDelay: 1000 },
  });
  assert.is(liveness.see({ life: 'a', age: 0 }), 1000, 'its own delay, too');
  assert.is(liveness.see({ life: 'a', age: 1000 }), 0);
  assert.is(liveness.state, 'unknown');
  const early = [BAD, BAD, BAD].map((result) => liveness.record('a', result));
  assert.equal([...early, liveness.started], ['starting', 'starting', 'starting', false]);
  liveness.see({ life: 'a', age: 1500 });
  assert.is(liveness.state, 'starting');
  assert.is(liveness.record('a', OK), 'healthy');
  assert.ok(liveness.started);
  assert.is(liveness.see({ life: 'a', age: 2000 }), 1000, 'then the delay of the other');
  assert.is(liveness.state, 'healthy');
  assert.equal([liveness.record('a', BAD), liveness.record('a', BAD)], ['failing', 'dead']);
  liveness.see({ life: 'b', age: 5000 });
  assert.not(liveness.started, 'each life starts');
  assert.equal(
    [BAD, BAD, BAD, BAD].map((result) => liveness.record('b', result)),
    ['starting', 'starting', 'starting', 'dead'],
  );
});

test('dead is exactly what ends in threshold failures in a row', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
      (threshold, results) => {
        const liveness = make(threshold);
        liveness.see(old);
        for (const ok of results) liveness.record('a', ok ? OK : BAD);
        const tail = results.length - 1 - results.lastIndexOf(true);
        const expected = tail === 0 ? 'healthy' : tail >= threshold ? 'dead' : 'failing';
        assert.is(liveness.state, expected);
      },
    ),
  );
});

test.run();
