import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuLimitExceeded, withCpuLimit } from './cpu-limit.ts';

/** Be without a processor for a while, as on a machine that is busy with others. */
function starve(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const outOfTime = (work: () => unknown): boolean => {
  try {
    withCpuLimit(50, work);
  } catch (error) {
    if (error instanceof CpuLimitExceeded) return true;
    throw error;
  }
  return false;
};

test('what is done in time is returned, and its error is its own', () => {
  assert.is(
    withCpuLimit(1000, () => 'done'),
    'done',
  );
  assert.throws(
    () =>
      withCpuLimit(1000, () => {
        throw new TypeError('its own');
      }),
    (error: unknown) => error instanceof TypeError,
  );
});

test('loops, recursion and regular expressions are cut off', () => {
  assert.ok(
    outOfTime(() => {
      for (;;);
    }),
  );
  const recurse = (depth: number): number => (depth === 0 ? 0 : recurse(depth - 1) + recurse(depth - 1));
  assert.ok(outOfTime(() => recurse(60)));
  assert.ok(outOfTime(() => /^(a+)+$/.test(`${'a'.repeat(60)}b`)));
});

test('what had no processor is begun anew', () => {
  let begun = 0;
  const done = withCpuLimit(50, () => {
    begun += 1;
    if (begun === 1) starve(200);
    return 'done';
  });
  assert.is(done, 'done');
  assert.ok(begun >= 2, 'a busy machine may take it away again');
});

test('what waits for ever is cut off, too', () => {
  let begun = 0;
  assert.ok(
    outOfTime(() => {
      begun += 1;
      starve(1000);
    }),
  );
  assert.is(begun, 4);
});

test.run();
