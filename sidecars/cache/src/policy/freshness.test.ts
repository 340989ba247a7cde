/** Dates (RFC 9110, section 5.6.7), freshness and age (RFC 9111, section 4.2). */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatDate, parseDate } from './dates.ts';
import { MAX_DELTA, responseDirectives } from './directives.ts';
import { currentAge, freshnessOf, initialAge, MAX_HEURISTIC, parseAge, type Freshness } from './freshness.ts';
import { fieldsOf } from './testing.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const at = (seconds: number): string => formatDate(NOW + seconds * 1000);
const SETTINGS = { heuristic: 0.1, defaultTtl: 0, negativeTtl: 0 };

function freshness(list: readonly (readonly [string, string])[], status = 200, settings = SETTINGS): Freshness {
  const fields = fieldsOf(list);
  const { directives, targeted } = responseDirectives(fields);
  return freshnessOf({ status, fields, responseTime: NOW }, directives, targeted, settings);
}

test('RFC 9110, section 5.6.7: three forms of a date, and nothing else', () => {
  const time = Date.UTC(2050, 7, 18, 2, 1, 18);
  for (const good of [
    'Thu, 18 Aug 2050 02:01:18 GMT',
    'THU, 18 AUG 2050 02:01:18 gmt',
    'Thursday, 18-Aug-50 02:01:18 GMT',
    'Thu Aug 18 02:01:18 2050',
  ])
    assert.is(parseDate(good, NOW), time, good);
  assert.is(parseDate('Thu Aug  8 02:01:18 2050', NOW), Date.UTC(2050, 7, 8, 2, 1, 18));
  assert.is(parseDate('Sunday, 06-Nov-94 08:49:37 GMT', NOW), Date.UTC(1994, 10, 6, 8, 49, 37));
  for (const bad of [
    '0',
    '-1',
    '',
    'foo',
    '2050-08-18',
    'Thu, 18 Aug 2050 02:01:18 UTC',
    'Thu, 18 Aug 50 02:01:18 GMT',
    'Thu 18 Aug 2050 02:01:18 GMT',
    'Thu, 18  Aug  2050 02:01:18 GMT',
    'Thu, 18-Aug-2050 02:01:18 GMT',
    'Thu, 18 Aug 2050 02.01.18 GMT',
    'Thu, 18 Aug 2050 2:01:18 GMT',
    'Thu, 31 Feb 2050 02:01:18 GMT',
    'Thu, 18 Aug 2050 25:01:18 GMT',
    'Thu, 18 Aug 2050 02:01:18 GMT, Thu, 18 Aug 2050 02:01:18 GMT',
  ])
    assert.is(parseDate(bad, NOW), undefined, bad);
});

test('every instant comes back as it was written, to the second', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8_000_000_000 }), (seconds) => {
      assert.is(parseDate(formatDate(seconds * 1000)), seconds * 1000);
    }),
  );
});

test('no text is too odd for a date, or an age', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const time = parseDate(text);
      assert.ok(time === undefined || Number.isFinite(time));
      const age = parseAge(text);
      assert.ok(Number.isInteger(age) && age >= 0 && age <= MAX_DELTA);
    }),
  );
});

test('RFC 9111, section 4.2.1: s-maxage before max-age before Expires', () => {
  const expires = ['Expires', at(30)] as const;
  assert.equal(freshness([expires, ['Date', at(0)]]), { lifetime: 30, source: 'explicit' });
  assert.is(freshness([expires, ['Cache-Control', 'max-age=20']]).lifetime, 20);
  assert.is(freshness([expires, ['Cache-Control', 'max-age=20, s-maxage=10']]).lifetime, 10);
  assert.is(freshness([expires, ['CDN-Cache-Control', 'max-age=5']]).lifetime, 5);
  // RFC 9213, section 2.1: beside a targeted field Expires does not count.
  assert.is(freshness([expires, ['CDN-Cache-Control', 'public']]).source, 'none');
});

test('RFC 9111, section 5.3: Expires counts from Date, and an invalid one has passed', () => {
  assert.is(
    freshness([
      ['Expires', at(300)],
      ['Date', at(400)],
    ]).lifetime,
    0,
  );
  assert.is(
    freshness([
      ['Expires', at(20)],
      ['Date', at(10)],
    ]).lifetime,
    10,
  );
  assert.is(
    freshness([
      ['Expires', at(10)],
      ['Date', 'foo'],
    ]).lifetime,
    10,
  );
  for (const bad of ['0', 'never', '-1'])
    assert.equal(
      freshness([
        ['Expires', bad],
        ['Last-Modified', at(-1e6)],
      ]),
      { lifetime: 0, source: 'explicit' },
    );
});

test('RFC 9111, 4.2.2: a tenth of the age of Last-Modified, at most a day, if the status allows', () => {
  const since = (seconds: number, status = 200) =>
    freshness(
      [
        ['Last-Modified', at(-seconds)],
        ['Date', at(0)],
      ],
      status,
    );
  assert.equal(since(1000), { lifetime: 100, source: 'heuristic' });
  assert.is(since(1e8).lifetime, MAX_HEURISTIC);
  for (const status of [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
    assert.is(since(100, status).lifetime, 10);
  for (const status of [201, 202, 302, 307, 400, 403, 500, 502, 503, 504, 599])
    assert.is(since(100, status).source, 'none');
  assert.is(
    freshness(
      [
        ['Last-Modified', at(-100)],
        ['Date', at(0)],
        ['Cache-Control', 'public'],
      ],
      599,
    ).lifetime,
    10,
  );
  assert.is(
    freshness([
      ['Last-Modified', at(100)],
      ['Date', at(0)],
    ]).source,
    'none',
  );
  assert.equal(freshness([], 200, { heuristic: 0.1, defaultTtl: 7, negativeTtl: 0 }), {
    lifetime: 7,
    source: 'default',
  });
  assert.is(freshness([], 500, { heuristic: 0.1, defaultTtl: 7, negativeTtl: 0 }).source, 'none');
});

test('RFC 9111, section 5.1: of Age the first number counts, and what is none does not', () => {
  for (const [text, age] of [
    ['7200', 7200],
    ['7200, 0', 7200],
    ['0, 7200', 0],
    ['7200;a=b', 7200],
    ['abc', 0],
    ['-7200', 0],
    ['7200.0', 0],
    ['2147483649', MAX_DELTA],
    [undefined, 0],
  ] as const)
    assert.is(parseAge(text), age, text);
});

test('RFC 9111, section 4.2.3: the age when it came is the larger of what Age and what Date say', () => {
  assert.is(
    initialAge(
      fieldsOf([
        ['Date', at(-10)],
        ['Age', '25'],
      ]),
      NOW,
      NOW,
    ),
    25,
  );
  assert.is(
    initialAge(
      fieldsOf([
        ['Date', at(-30)],
        ['Age', '25'],
      ]),
      NOW,
      NOW,
    ),
    30,
  );
  assert.is(
    initialAge(
      fieldsOf([
        ['Date', at(60)],
        ['Age', '3'],
      ]),
      NOW - 5000,
      NOW,
    ),
    8,
  );
  // Date has whole seconds: less than one is no age.
  assert.is(initialAge(fieldsOf([['Date', at(0)]]), NOW + 999, NOW + 999), 0);
});

test('age grows with time and never falls, whatever Date and Age say', () => {
  const time = fc.integer({ min: -100_000, max: 100_000 });
  fc.assert(
    fc.property(time, fc.nat(100_000), fc.nat(100_000), fc.nat(100_000), (date, age, one, more) => {
      const initial = initialAge(
        fieldsOf([
          ['Date', at(date)],
          ['Age', String(age)],
        ]),
        NOW,
        NOW,
      );
      const stored = { initialAge: initial, responseTime: NOW };
      const before = currentAge(stored, NOW + one);
      assert.ok(before >= age && before >= 0);
      assert.ok(currentAge(stored, NOW + one + more) >= before);
      // A clock that was set back.
      assert.ok(currentAge(stored, NOW - more) >= initial);
    }),
  );
});

test.run();
