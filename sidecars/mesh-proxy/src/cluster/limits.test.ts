import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Limits, type Place } from './circuit-breaker.ts';

const MANY = 80_000;
/** With a cost that grows with the queue it takes more. */
const MAX_CPU = 2_500_000;
const settings = { maxRequests: 10 * MANY, maxConnections: 1, maxPendingRequests: MANY };

const never = (): AbortSignal => {
  throw new Error('it has to wait');
};

/** One request under way, and others that wait. */
function crowd(count: number) {
  const limits = new Limits(settings, undefined);
  const first = limits.enter(true, never) as Place;
  const gone: AbortController[] = [];
  const served: number[] = [];
  const waiting = Array.from({ length: count }, async (_, index) => {
    const controller = new AbortController();
    gone.push(controller);
    const place = await limits.enter(true, () => controller.signal);
    if (place === undefined) return;
    served.push(index);
    place.leave();
  });
  return { limits, first, gone, served, waiting: Promise.all(waiting) };
}

test('who has waited longest is next, and those who went in between are passed over', async () => {
  const { limits, first, gone, served, waiting } = crowd(5);
  for (const index of [1, 4, 0]) gone[index]!.abort();
  assert.is(limits.pending, 2);
  first.leave();
  first.leave();
  await waiting;
  gone[2]!.abort();
  assert.equal(served, [2, 3]);
  assert.equal([limits.pending, limits.connections, limits.requests], [0, 0, 0]);
});

test('nobody waits for a cluster that is closed', async () => {
  const { limits, served, waiting } = crowd(3);
  limits.close();
  await waiting;
  assert.equal(served, []);
  assert.is(limits.pending, 0);
});

test('a place, and an end of waiting, cost the same however many wait', async () => {
  const { first, waiting } = crowd(MANY);
  const others = crowd(MANY);
  const before = process.cpuUsage();
  first.leave();
  await waiting;
  for (const controller of others.gone) controller.abort();
  await others.waiting;
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < MAX_CPU, `${(user + system) / 1000} ms`);
});

test.run();
