import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually, TerminalState, steadily } from './eventually.ts';

const test = suite('eventually');

const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => assert.unreachable('it resolved'),
    (error: Error) => error,
  ) as Promise<Error>;

test('eventually returns what it saw, and takes errors for "not yet"', async () => {
  let looks = 0;
  const seen = await eventually(
    'three looks',
    () => {
      looks += 1;
      if (looks === 1) throw new Error('not yet');
      return looks === 3 && 'seen';
    },
    { every: 1 },
  );
  assert.is(seen, 'seen');
});

test('eventually gives up at the deadline and says why', async () => {
  const { message } = await rejection(
    eventually(
      'it rains',
      () => {
        throw new Error('dry');
      },
      { within: 20, every: 1 },
    ),
  );
  assert.match(message, /^not within 0\.02 s: it rains: dry$/);
});

test('eventually stops early when the state cannot be reached any more', async () => {
  const started = performance.now();
  await rejection(
    eventually(
      'it rains',
      () => {
        throw new TerminalState('desert');
      },
      { within: 60_000 },
    ),
  );
  assert.ok(performance.now() - started < 30_000);
});

test('eventually stops when its signal aborts', async () => {
  const controller = new AbortController();
  const waiting = rejection(
    eventually('it rains', () => false, { within: 60_000, every: 60_000, signal: controller.signal }),
  );
  controller.abort();
  assert.is((await waiting).name, 'AbortError');
});

test('steadily throws at the first look that does not hold', async () => {
  let looks = 0;
  const { message } = await rejection(
    steadily(
      () => {
        if (++looks === 2) throw new Error('broken');
      },
      60_000,
      1,
    ),
  );
  assert.is(message, 'broken');
  await steadily(() => {}, 10, 1);
});

test.run();
