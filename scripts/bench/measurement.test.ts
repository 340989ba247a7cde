import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compare, median, medianInterval, percentile, table } from './measurement.ts';

const test = suite('measurement');

test('median and percentile', () => {
  assert.is(median([3, 1, 2]), 2);
  assert.is(median([4, 1, 2, 3]), 2.5);
  assert.is(percentile([...Array(100).keys()], 0.99), 99);
  assert.is(percentile([5], 0.5), 5);
});

test('a ratio above 1 means that ours is better, whichever way the metric goes', () => {
  const samples = { ours: [10, 12, 11], theirs: [22, 22, 22] };
  const more = compare({ bench: 'b', metric: 'x_rps', peer: 'p', better: 'more' }, samples, { ratio: 1 });
  const less = compare({ bench: 'b', metric: 'x_ms', peer: 'p', better: 'less' }, samples, { ratio: 1 });
  assert.equal([more.ours, more.theirs, more.ratio, more.reached], [11, 22, 0.5, false]);
  assert.equal([less.ratio, less.reached], [2, true]);
  assert.is(compare({ bench: 'b', metric: 'x_mb', peer: 'p', better: 'less' }, samples, { limit: 10 }).reached, false);
  const least = compare({ bench: 'b', metric: 'x_ratio', peer: 'p', better: 'more' }, samples, { least: 12 });
  assert.equal([least.target, least.reached], ['>= 12', false]);
});

test('a table for a README', () => {
  const text = table([{ bench: 'b', metric: 'x_s', ours: 1.5, target: '<= 2', reached: true }]);
  assert.match(text, /^\| metric +\| ours/);
  assert.match(text, /\| `x_s` +\| 1\.5 +\| +\| +\| <= 2 +\| yes/);
});

test('a median’s interval is narrow for many values, and all of them for few', () => {
  assert.equal(medianInterval([3, 1, 2]), [1, 3]);
  const hundred = Array.from({ length: 100 }, (_, index) => index);
  assert.equal(medianInterval(hundred), [40, 59]);
});

test.run();
