import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { range, tally } from './sequence.ts';

const test = suite('sequence');

test('what is missing, repeated or out of order is counted', () => {
  assert.equal(tally([5, 6, 8, 8, 7, 99], range(5, 5)), {
    distinct: 4,
    missing: [9],
    missingCount: 1,
    repeated: 1,
    disordered: 1,
  });
});

test('any numbers: distinct, missing and repeated add up', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5, max: 30 })), fc.integer({ min: 1, max: 20 }), (numbers, count) => {
      const mine = numbers.filter((number) => number >= 3 && number < 3 + count);
      const { distinct, missingCount, repeated } = tally(numbers, range(3, count));
      assert.is(distinct, new Set(mine).size);
      assert.is(missingCount, count - distinct);
      assert.is(repeated, mine.length - distinct);
    }),
  );
});

test.run();
