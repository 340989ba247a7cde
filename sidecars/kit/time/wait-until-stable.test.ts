import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { waitUntilStable } from './wait-until-stable.ts';

const never = new AbortController().signal;
const pauses = { first: 4, longest: 20 };

/** Looks with these answers, the last one for ever. */
function answers(...list: (string | undefined)[]) {
  const at: number[] = [];
  const look = async (): Promise<string | undefined> => {
    at.push(performance.now());
    return list[Math.min(at.length, list.length) - 1];
  };
  return { look, at };
}

test('it has to hold without a break for long enough', async () => {
  const { look, at } = answers(undefined);
  assert.is(await waitUntilStable(look, { hold: 100, begin: 1000, pauses }, never), undefined);
  assert.ok(at.at(-1)! - at[0]! >= 99, 'the first and the last look are that far apart');
  assert.ok(at.length > 5);
});

test('good looks before a bad one do not count', async () => {
  const { look, at } = answers(undefined, undefined, 'ill', undefined);
  assert.is(await waitUntilStable(look, { hold: 60, begin: 1000, pauses }, never), undefined);
  assert.ok(at.at(-1)! - at[3]! >= 59);
});

test('what is wrong at the end is said, in time, and after one look at least', async () => {
  const { look } = answers(undefined, undefined, 'ill');
  const begun = performance.now();
  assert.is(await waitUntilStable(look, { hold: 60_000, begin: 60, pauses }, never), 'ill');
  assert.ok(performance.now() - begun < 30_000);
  const once = answers('ill');
  assert.is(await waitUntilStable(once.look, { hold: 0, begin: 0, pauses }, never), 'ill');
  assert.is(once.at.length, 1);
  assert.is(await waitUntilStable(answers(undefined).look, { hold: 0, begin: 0, pauses }, never), undefined);
});

test('whatever the looks say: it held only if an unbroken row of good ones was long enough', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(fc.constant('ill'), { nil: undefined }), { minLength: 1, maxLength: 12 }),
      fc.nat(12),
      async (list, hold) => {
        const { look, at } = answers(...list);
        const wrong = await waitUntilStable(look, { hold, begin: 15, pauses: { first: 1, longest: 3 } }, never);
        const said = at.map((_, index) => list[Math.min(index, list.length - 1)]);
        assert.is(wrong, said.at(-1), 'the last look decides');
        if (wrong !== undefined) return;
        const row = at.slice(said.lastIndexOf('ill') + 1);
        // Timers may fire up to a millisecond early.
        assert.ok(row.at(-1)! - row[0]! >= hold - 1);
      },
    ),
    { numRuns: 40 },
  );
});

test('it can be cut short', async () => {
  const stop = new AbortController();
  const running = waitUntilStable(answers(undefined).look, { hold: 60_000, begin: 60_000, pauses }, stop.signal);
  stop.abort(new Error('a newer version'));
  await running.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'a newer version'),
  );
});

test.run();
