import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Crashes } from './crash-loops.ts';

const test = suite('crash loops');

/** A container's life as events: `s` start, `k` told to end, `d` ends with 1, `z` ends with 0, each at a second. */
function after(...events: readonly (readonly [string, number])[]): Crashes {
  const crashes = new Crashes();
  const actions: Record<string, string> = { s: 'start', k: 'kill', d: 'die', z: 'die' };
  for (const [letter, second] of events)
    crashes.see({
      Action: actions[letter]!,
      timeNano: second * 1e9,
      Actor: {
        ID: 'abc',
        Attributes: {
          name: 'run-app-1',
          'com.docker.compose.service': 'app',
          ...(letter === 'd' && { exitCode: '1' }),
          ...(letter === 'z' && { exitCode: '0' }),
        },
      },
    });
  return crashes;
}

const short = [
  ['s', 1],
  ['d', 2],
  ['s', 3],
  ['d', 4],
  ['s', 5],
  ['d', 6],
] as const;

test('three crashes soon after the start are a loop', () => {
  const loop = { container: 'run-app-1', service: 'app', crashes: 3, exitCode: 1, still: true };
  assert.equal(after(...short).loops(7000, 0), [loop]);
  assert.equal(after(...short, ['s', 7]).loops(8000, 0), [loop], 'also while it runs for a moment');
});

test('a loop that was left is told, and no longer goes on', () => {
  const [loop] = after(...short, ['s', 7]).loops(18_000, 0);
  assert.is(loop!.still, false);
  assert.is(after(...short, ['s', 7], ['k', 30], ['d', 31]).loops(32_000, 0)[0]!.still, false);
});

test('a container that restarted before the checks began is well when it has run since then', () => {
  const crashes = after(...short, ['s', 7]);
  assert.is(crashes.loops(9000, 8000)[0]!.still, false);
  assert.is(crashes.loops(9000, 5000)[0]!.still, true, 'it crashed after they had begun');
});

test('a container that is told to end, that ends well, or that crashes far apart is in no loop', () => {
  assert.equal(
    after(['s', 1], ['k', 2], ['d', 3], ['s', 4], ['k', 5], ['d', 6], ['s', 7], ['k', 8], ['d', 9]).loops(10_000, 0),
    [],
  );
  assert.equal(after(['s', 1], ['z', 2], ['s', 3], ['z', 4], ['s', 5], ['z', 6]).loops(7000, 0), []);
  assert.equal(after(['s', 1], ['d', 20], ['s', 21], ['d', 40], ['s', 41], ['d', 60]).loops(61_000, 0), []);
  assert.equal(after(['s', 1], ['d', 2], ['s', 3], ['d', 4]).loops(5000, 0), []);
});

test.run();
