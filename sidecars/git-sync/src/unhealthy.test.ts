/** Healthy is who stays it: one good answer may come from the process of the version before. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProbeResult } from '#kit/net/probes.ts';
import { verify } from './application-probe.ts';

const GOOD: ProbeResult = { ok: true, ms: 1 };
const BAD: ProbeResult = { ok: false, ms: 1, reason: 'answered 500' };
const never = new AbortController().signal;

/** A probe with these answers, the last one for ever. */
function answers(...list: ProbeResult[]): { probe: () => Promise<ProbeResult>; count: () => number } {
  let count = 0;
  return { probe: async () => list[Math.min(count++, list.length - 1)]!, count: () => count };
}

const times = { url: 'http://app.test/', timeout: 30_000, stable: 100, every: 20 };

test('healthy without a break for long enough', async () => {
  const { probe, count } = answers(GOOD);
  const begun = performance.now();
  assert.is(await verify({ ...times, probe }, never), undefined);
  assert.ok(performance.now() - begun >= 100);
  assert.ok(count() > 2);
});

test('good answers of the old process do not count for the new one', async () => {
  const { probe } = answers(GOOD, GOOD, BAD);
  assert.is(await verify({ ...times, stable: 1500, timeout: 2000, probe }, never), 'answered 500');
});

test('slow to start is not unhealthy', async () => {
  const { probe } = answers(BAD, BAD, BAD, BAD, GOOD);
  assert.is(await verify({ ...times, probe }, never), undefined);
});

test('now well, now not, is not healthy; the end comes in time', async () => {
  let count = 0;
  const begun = performance.now();
  const wrong = await verify(
    { ...times, stable: 1000, timeout: 2000, probe: async () => (count++ % 3 === 2 ? BAD : GOOD) },
    never,
  );
  assert.is(wrong, 'answered 500');
  assert.ok(performance.now() - begun < 30_000);
});

test('it can be cut short', async () => {
  const stop = new AbortController();
  const running = verify({ ...times, probe: answers(GOOD).probe }, stop.signal);
  stop.abort(new Error('a newer version'));
  await running.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'a newer version'),
  );
});

test.run();
