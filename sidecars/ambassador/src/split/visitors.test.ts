/** On which side a visitor is. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cookieOf, EvenPoints, NewVisitorIds, pointOf } from './visitors.ts';

/** A percentage with one decimal place. */
const percents = fc.integer({ min: 0, max: 1000 }).map((tenths) => tenths / 10);

test('a point depends on the value alone, and is what the README says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (value) => {
      const point = pointOf(value);
      assert.is(pointOf(value), point);
      const bits = createHash('sha256').update(value, 'latin1').digest().readUIntBE(0, 6);
      assert.is(point, (bits / 2 ** 48) * 100);
      assert.ok(point >= 0 && point < 100);
    }),
  );
});

test('cookies: ten thousand session ids are split within a point at 10 %, two at any share', () => {
  const points = Array.from({ length: 10_000 }, (_, index) => pointOf(`session-${index}`));
  for (let percent = 0; percent <= 100; percent += 0.5) {
    const share = points.filter((point) => point < percent).length / 100;
    assert.ok(Math.abs(share - percent) < (percent === 10 ? 1 : 2), `${percent} %: ${share}`);
  }
});

test('newcomers: of any number, all but a few have the side that the share says', () => {
  fc.assert(
    fc.property(percents, fc.double({ min: 0, max: 0.999, noNaN: true }), (percent, start) => {
      const newcomers = new NewVisitorIds(percent, new EvenPoints(start));
      let chosen = 0;
      for (let count = 1; count <= 200; count++) {
        if (pointOf(newcomers.next()) < percent) chosen++;
        // The golden ratio's points: off by the logarithm of their number at most.
        assert.ok(Math.abs(chosen - (count * percent) / 100) <= 2 + Math.log2(count), `${chosen} of ${count}`);
      }
    }),
    { numRuns: 50 },
  );
});

test('newcomers get ids that nobody can tell beforehand, and that fit into a cookie', () => {
  const newcomers = new NewVisitorIds(10);
  const ids = Array.from({ length: 1000 }, () => newcomers.next());
  assert.is(new Set(ids).size, 1000);
  for (const id of ids) assert.match(id, /^[\w-]{22}$/);
});

test('a smaller share keeps some of those who had it, and a larger one all of them', () => {
  fc.assert(
    fc.property(percents, percents, fc.string(), (one, other, value) => {
      const [smaller, larger] = [Math.min(one, other), Math.max(one, other)];
      if (pointOf(value) < smaller) assert.ok(pointOf(value) < larger);
    }),
  );
});

test('the cookie is found among others, in several fields, and nowhere else', () => {
  assert.is(cookieOf(['a=1; split=x; b=2'], 'split'), 'x');
  assert.is(cookieOf(['a=1', 'split=y'], 'split'), 'y');
  assert.is(cookieOf(['split=x; split=y'], 'split'), 'x');
  assert.is(cookieOf(['split=a=b'], 'split'), 'a=b');
  for (const field of ['', 'split', 'split=', 'presplit=x', 'a=split=x', 'Split=x', ';;=;'])
    assert.is(cookieOf([field], 'split'), undefined, field);
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary-ascii' })), (fields) => {
      const value = cookieOf(fields, 'split');
      if (value !== undefined) assert.ok(fields.some((field) => field.includes(`=${value}`) || field.includes(value)));
    }),
  );
});

test.run();
