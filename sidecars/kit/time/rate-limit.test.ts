import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RateLimit } from './rate-limit.ts';

test('a rate allows its number at once, then one each share of its period, to each client', () => {
  let time = 0;
  const rate = new RateLimit('10/min', () => time);
  for (let attempt = 0; attempt < 10; attempt++) assert.is(rate.take('a'), 0);
  assert.is(rate.take('a'), 6000);
  assert.is(rate.take('b'), 0);
  time += 6000;
  assert.is(rate.take('a'), 0);
  assert.ok(rate.take('a') > 0);
});

test.run();
