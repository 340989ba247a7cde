/** Cache-Control and CDN-Cache-Control: RFC 9111, section 5.2; RFC 9213. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fieldsOf } from './testing.ts';
import { MAX_DELTA, parseCacheControl, parseTargeted, responseDirectives } from './directives.ts';

const control = (...values: string[]) => parseCacheControl(fieldsOf(values.map((value) => ['Cache-Control', value])));

test('RFC 9111, section 5.2: names in any case, arguments as tokens or quoted strings', () => {
  assert.is(control('MaX-aGe=3600').maxAge, 3600);
  assert.is(control('max-age="3600"').maxAge, 3600);
  assert.is(control('No-CaChE').noCache, true);
  assert.is(control('a, b=c', 's-maxage=7').sMaxage, 7);
  assert.equal(control('no-cache="a, B", private="set-cookie"').noCacheFields, ['a', 'b']);
  assert.is(control('no-cache="a"').noCache, false);
  assert.equal(control('private="Set-Cookie"').privateFields, ['set-cookie']);
});

test('RFC 9111, 4.2.1: an unreadable freshness counts as none; the first of two counts', () => {
  for (const bad of [
    'max-age=-1',
    "max-age='60'",
    'max-age=60.0',
    'max-age=a60',
    'max-age',
    'max-age =60',
    'max-age= 60',
    'max-age="60',
  ])
    assert.is(control(bad).maxAge, 0, bad);
  assert.is(control('max-age=1, max-age=60').maxAge, 1);
  assert.is(control('max-age=60', 'max-age=1').maxAge, 60);
  assert.is(control('max-age=0060').maxAge, 60);
});

test('RFC 9111, section 1.2.2: what is larger than 2^31 counts as that', () => {
  assert.is(control('max-age=99999999999999999999').maxAge, MAX_DELTA);
});

test('what stands in a quoted string is no directive', () => {
  assert.is(control('ext="max-age=3600, no-store", max-age=1').maxAge, 1);
  assert.is(control('ext="max-age=3600, no-store"').noStore, false);
  assert.is(control('ext="\\", no-store"').noStore, false);
});

test('RFC 9111, section 5.2.1.2: max-stale without an argument is for any age', () => {
  assert.is(control('max-stale').maxStale, Infinity);
  assert.is(control('max-stale=5').maxStale, 5);
});

test('RFC 9213, section 2.1: a valid CDN-Cache-Control takes the place of Cache-Control', () => {
  const both = (cdn: string) =>
    responseDirectives(
      fieldsOf([
        ['Cache-Control', 'no-store'],
        ['CDN-Cache-Control', cdn],
      ]),
    );
  assert.equal(
    [both('max-age=60').targeted, both('max-age=60').directives.maxAge, both('max-age=60').directives.noStore],
    [true, 60, false],
  );
  // Not well formed, or empty: as if it were not there.
  for (const bad of ['max-age=60, &&&&', 'MaX-age=60', 'max-age =60', ''])
    assert.is(both(bad).directives.noStore, true, bad);
  // A value of another type is passed over, its directive with it.
  for (const wrong of ['max-age="60"', 'max-age=60.5', 'max-age=(1 2)'])
    assert.equal([both(wrong).targeted, both(wrong).directives.maxAge], [true, undefined], wrong);
  assert.is(parseTargeted('no-cache')?.noCache, true);
  assert.is(parseTargeted(undefined), undefined);
});

test('whatever stands in the fields, reading ends, and seconds are seconds', () => {
  const noise = fc.string({
    unit: fc.constantFrom('max-age', 'no-store', '=', '"', ',', ' ', '\\', '1', '-', 'é', '\t'),
    maxLength: 60,
  });
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 4 }), (values) => {
      for (const { maxAge } of [control(...values), parseTargeted(values.join(', ')) ?? control()])
        assert.ok(maxAge === undefined || (Number.isInteger(maxAge) && maxAge >= 0 && maxAge <= MAX_DELTA));
    }),
  );
});

test('directives in any order, case and spacing mean the same', () => {
  const directive = fc.constantFrom(
    'no-store',
    'no-cache',
    'public',
    'max-age=5',
    's-maxage=6',
    'must-revalidate',
    'x="a,b"',
  );
  fc.assert(
    fc.property(fc.uniqueArray(directive, { minLength: 1 }), fc.boolean(), (list, lines) => {
      const plain = control(list.join(', '));
      const other = list.toReversed().map((each) => each.replace(/^[a-z-]+/, (name) => name.toUpperCase()));
      assert.equal(lines ? control(...other) : control(other.join(' ,\t')), plain);
    }),
  );
});

test.run();
