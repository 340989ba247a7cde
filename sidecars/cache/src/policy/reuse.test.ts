/** What is reused, and how long: RFC 9111, sections 4.2.4, 5.2.1 and 5.2.2; RFC 5861. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCacheControl } from './directives.ts';
import { freshnessOf } from './freshness.ts';
import { reuseOf, type Reuse } from './reuse.ts';
import { fieldsOf } from './testing.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const SETTINGS = { defaultTtl: 0, negativeTtl: 0, heuristic: 0, staleWhileRevalidate: 0, staleIfError: 3600 };

function reuse(response: string, age: number, request = '', settings = SETTINGS, staleSince?: number): Reuse {
  const fields = fieldsOf([['Cache-Control', response]]);
  const directives = parseCacheControl(fields);
  const freshness = freshnessOf({ status: 200, fields, responseTime: NOW }, directives, false, settings);
  const stored = { directives, freshness, initialAge: 0, responseTime: NOW, staleSince };
  return reuseOf(stored, parseCacheControl(fieldsOf([['Cache-Control', request]])), settings, NOW + age * 1000);
}

test('section 4.2: fresh while its lifetime is greater than its age', () => {
  assert.equal([reuse('max-age=10', 9).answer, reuse('max-age=10', 9).ttl], ['fresh', 1]);
  assert.is(reuse('max-age=10', 10).answer, 'validate');
  assert.is(reuse('max-age=0', 0).answer, 'validate');
});

test('sections 5.2.2.2, .4, .8 and .10: these are never used stale, not even on error', () => {
  for (const strict of [
    'max-age=10, must-revalidate',
    'max-age=10, proxy-revalidate',
    's-maxage=10',
    'max-age=10, no-cache',
  ])
    for (const request of ['', 'max-stale', 'max-stale=100']) {
      const { answer, ifError } = reuse(`${strict}, stale-while-revalidate=99, stale-if-error=99`, 11, request);
      assert.equal([answer, ifError], ['validate', false], strict);
    }
  assert.is(reuse('max-age=10, no-cache', 1).answer, 'validate');
});

test('RFC 5861, section 3: stale-while-revalidate, for as long as it says', () => {
  const response = 'max-age=1, stale-while-revalidate=4';
  assert.equal(
    [0, 2, 5, 6].map((age) => reuse(response, age).answer),
    ['fresh', 'refresh', 'refresh', 'validate'],
  );
  assert.is(reuse('max-age=1', 2, '', { ...SETTINGS, staleWhileRevalidate: 5 }).answer, 'refresh');
  assert.is(
    reuse('max-age=1, stale-while-revalidate=0', 2, '', { ...SETTINGS, staleWhileRevalidate: 5 }).answer,
    'validate',
  );
});

test('RFC 5861, section 4: stale-if-error for the whole time that it says, and not longer', () => {
  const response = 'max-age=1, stale-if-error=60';
  assert.equal(
    [2, 61, 61.001, 3000].map((age) => reuse(response, age).ifError),
    [true, true, false, false],
  );
  // Without it, what the operator said.
  assert.equal(
    [3600, 3602].map((age) => reuse('max-age=1', age).ifError),
    [true, false],
  );
  assert.is(reuse('max-age=1, stale-if-error=0', 2).ifError, false);
});

test('section 5.2.1: what the request demands', () => {
  assert.is(reuse('max-age=100', 5, 'no-cache').answer, 'validate');
  assert.is(reuse('max-age=100', 5, 'max-age=0').answer, 'validate');
  assert.is(reuse('max-age=100', 5, 'max-age=5').answer, 'validate');
  assert.is(reuse('max-age=100', 5, 'max-age=6').answer, 'fresh');
  assert.is(reuse('max-age=100', 5, 'min-fresh=96').answer, 'validate');
  assert.is(reuse('max-age=100', 5, 'min-fresh=95').answer, 'fresh');
  assert.is(reuse('max-age=1', 5, 'max-stale=10').answer, 'stale');
  assert.is(reuse('max-age=1', 5, 'max-stale=3').answer, 'validate');
});

test('a soft purge makes it stale, and keeps stale-if-error from then on', () => {
  const softened = reuse('max-age=100000, stale-if-error=60', 100, '', SETTINGS, NOW + 90_000);
  assert.equal([softened.answer, softened.ttl, softened.ifError], ['validate', -10, true]);
  assert.is(reuse('max-age=100000, stale-if-error=60', 200, '', SETTINGS, NOW + 90_000).ifError, false);
  assert.is(reuse('max-age=100000', 100, 'max-stale', SETTINGS, NOW + 90_000).answer, 'validate');
});

test('property: stale answers need permission, and more time never makes one fresher', () => {
  const seconds = fc.nat(200);
  fc.assert(
    fc.property(seconds, seconds, seconds, seconds, seconds, (lifetime, swr, sie, age, more) => {
      const response = `max-age=${lifetime}, stale-while-revalidate=${swr}, stale-if-error=${sie}`;
      const now = reuse(response, age);
      assert.is(now.answer === 'fresh', age < lifetime);
      if (now.answer === 'refresh') assert.ok(age - lifetime <= swr && age >= lifetime && swr > 0);
      assert.is(now.ifError, age - lifetime <= sie);
      const order = ['fresh', 'refresh', 'validate'];
      assert.ok(order.indexOf(reuse(response, age + more).answer) >= order.indexOf(now.answer));
    }),
    // In the second in which it becomes stale it may be refreshed already.
    { examples: [[4, 1, 0, 4, 1]], numRuns: 1000 },
  );
});

test.run();
