/** Killed again and again at random moments, also while it starts, with versions of every kind on their way. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig } from './testing/rig.ts';
import { eventually } from '#kit/testing/eventually.ts';

const ROUNDS = 16;
const TIMES = { CONFIG_VERIFY_TIMEOUT: '150ms', CONFIG_NOTIFY_TIMEOUT: '150ms' };

/** Uniform numbers below 1 that a seed repeats. Source: Marsaglia's xorshift32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

test('the application only ever keeps a whole, valid version, and ends on the last good one', async () => {
  const seed = (Date.now() % 1_000_000) + 1;
  const random = generator(seed);
  await using rig = await Rig.open();
  let sidecar = await rig.settled(TIMES);
  const valid = new Set(['release=1\n']);

  for (let round = 2; round <= ROUNDS; round++) {
    for (let burst = 0; burst < 1 + random() * 3; burst++) {
      const kind = random();
      const release = `release=${round}.${burst}\n`;
      const text = kind < 0.2 ? `${release}garbage\n` : kind < 0.4 ? `${release}choke=ignore\n` : release;
      if (!text.includes('garbage')) valid.add(text);

      rig.server.put('app', text);
    }
    const until = performance.now() + random() * (random() < 0.5 ? 80 : 600);
    await eventually('the moment has come', () => performance.now() >= until);
    await sidecar.stop('SIGKILL');
    assert.ok(valid.has(rig.read()), `seed ${seed}, round ${round}: ${JSON.stringify(rig.read())}`);
    sidecar = await rig.start(TIMES);
  }
  // What is good must not be taken for bad on a busy machine.
  await sidecar.stop('SIGKILL');
  sidecar = await rig.start({ CONFIG_VERIFY_TIMEOUT: '30s', CONFIG_NOTIFY_TIMEOUT: '30s' });
  const last = 'release=end\n';
  const version = rig.server.put('app', last);
  await rig.serves(last);
  await rig.report('applied', version);
  await rig.ready(sidecar, 200);
  assert.is(rig.read(), last, `seed ${seed}`);
});

test.run();
