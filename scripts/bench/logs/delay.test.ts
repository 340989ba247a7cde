import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { delays, type Line } from './delay.ts';

const test = suite('delay');

const QUERY = 7;

/** A writer, and a store in which each line is found a known time after it was written. */
function store(lines: readonly (Line & { readonly delay: number })[]): {
  now: () => number;
  find: (from: number) => Promise<Line[]>;
} {
  let time = lines[0]!.written - 100;
  return {
    now: () => time,
    find: (from) => {
      const there = lines.filter(({ seq, written, delay }) => seq >= from && written + delay <= time);
      time += QUERY;
      return Promise.resolve(there);
    },
  };
}

test('a known delay is what is measured, in whatever order lines arrive', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(300), { minLength: 1, maxLength: 60 }), async (known) => {
      const lines = known.map((delay, at) => ({ seq: at + 2, written: 1_000_000 + 3 * at, delay }));
      const measured = await delays({ first: 2, last: known.length + 1, ...store(lines), within: 60_000, every: 0 });
      assert.is(measured.size, known.length);
      known.forEach((delay, at) => {
        const over = measured.get(at + 2)! - delay;
        assert.ok(over >= 0 && over <= 2 * QUERY, `line ${at + 2}: ${over} ms too much`);
      });
    }),
    { numRuns: 50 },
  );
});

test('what cannot be is an error, not a figure', async () => {
  const answers = (...lines: Line[]) => ({
    first: 1,
    last: 10,
    find: () => Promise.resolve(lines),
    now: () => 1000,
    within: 60_000,
    every: 0,
  });
  const failure = (options: Parameters<typeof delays>[0]): Promise<string> =>
    delays(options).then(
      () => 'none',
      (error: unknown) => (error as Error).message,
    );
  assert.match(await failure(answers({ seq: 4, written: 1200 })), 'line 4 was found 200 ms before it was written');
  assert.match(await failure(answers({ seq: 11, written: 900 })), 'line 11 was found, and nobody wrote it');
  assert.match(await failure(answers({ seq: 1, written: Number.NaN })), 'line 1 was found NaN ms');
  assert.match(await failure(answers({ seq: Number.NaN, written: 900 })), 'nobody wrote it');
});

test.run();
