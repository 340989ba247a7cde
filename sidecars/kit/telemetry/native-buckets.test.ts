/** Observations in buckets that nobody has chosen. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  joinNative,
  MAX_BUCKETS,
  noBuckets,
  observeNative,
  ZERO_THRESHOLD,
  type NativeBuckets,
} from './native-buckets.ts';

const observed = (values: readonly number[]): NativeBuckets => {
  const buckets = noBuckets();
  for (const value of values) observeNative(buckets, value);
  return buckets;
};

/** Its bucket, told by bounds that are made with another formula than the one that found it. */
const placeOf = ({ schema, first, counts }: NativeBuckets, value: number): number =>
  counts.findIndex((_, place) => value <= 2 ** ((first + place) / 2 ** schema) * (1 + 1e-12));

/** From so far apart that buckets become coarser. */
const far = fc.double({ min: 2e-9, max: 1e9, noNaN: true });
const anything = fc.oneof(fc.double(), fc.constantFrom(0, -1, NaN, Infinity, -Infinity, Number.MIN_VALUE));

test('each observation is in the bucket whose bounds it lies between', () => {
  assert.equal(observed([1, 1.05, 2, 0]), { schema: 3, zero: 1, first: 0, counts: [1, 1, 0, 0, 0, 0, 0, 0, 1] });
  fc.assert(
    fc.property(fc.array(far, { minLength: 1, maxLength: 40 }), (values) => {
      const buckets = observed(values);
      const counts = buckets.counts.map(() => 0);
      for (const value of values) counts[placeOf(buckets, value)]! += 1;
      assert.equal(buckets.counts, counts);
    }),
  );
});

test('whatever is observed, all are counted and the buckets are few', () => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 60 }), (values) => {
      const { schema, zero, counts } = observed(values);
      assert.is(
        counts.reduce((sum, count) => sum + count, zero),
        values.length,
      );
      assert.ok(counts.length <= MAX_BUCKETS, String(counts.length));
      assert.ok(schema >= 0, String(schema));
    }),
  );
  assert.is(observed([ZERO_THRESHOLD, 1e-12]).zero, 2);
});

test('those of several processes together are those of one that saw all', () => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 60 }), fc.array(anything, { maxLength: 60 }), (one, other) => {
      const [left, right] = [observed(one), observed(other)];
      const before = structuredClone([left, right]);
      assert.equal(joinNative(left, right), observed([...one, ...other]));
      assert.equal([left, right], before, 'neither is changed');
    }),
  );
});

test.run();
