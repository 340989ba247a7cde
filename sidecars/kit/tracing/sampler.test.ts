import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { createSampler } from './sampler.ts';

const test = suite('sampler');
const traceId = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 76n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 52n - 1n }))
  .map(([front, last]) => ({ last, id: front.toString(16).padStart(19, '0').slice(0, 18) + digits(last) }));
const digits = (last: bigint): string => `${last.toString(16).padStart(13, '0')}0`;

test('a trace is sampled where the 52 bits that decide are at or above what the ratio leaves out', () => {
  fc.assert(
    fc.property(traceId, fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }), ({ id, last }, ratio) => {
      assert.is(id.length, 32);
      assert.is(createSampler('traceidratio', ratio)(id, undefined), Number(last) >= (1 - ratio) * 2 ** 52);
    }),
    { numRuns: 1000 },
  );
});

test('at the threshold, and one below it', () => {
  for (const ratio of [0.5, 0.01, 2 ** -20, 2 ** -52]) {
    const threshold = BigInt(Math.ceil((1 - ratio) * 2 ** 52));
    const sampled = (last: bigint): boolean =>
      createSampler('traceidratio', ratio)('0'.repeat(18) + digits(last), undefined);
    assert.equal([sampled(threshold), sampled(threshold - 1n)], [true, false], String(ratio));
  }
  assert.is(createSampler('traceidratio', 2 ** -60)('f'.repeat(18) + digits(2n ** 52n - 2n), undefined), false);
});

test('what the parent decided holds, and all or none where the ratio says so', () => {
  const ratio = createSampler('parentbased_traceidratio', 0.5);
  assert.equal([ratio('0'.repeat(32), true), ratio('f'.repeat(32), false)], [true, false]);
  for (const [share, all] of [
    [0, false],
    [1, true],
  ] as const)
    assert.is(createSampler('traceidratio', share)('8'.repeat(32), undefined), all);
});

test.run();
