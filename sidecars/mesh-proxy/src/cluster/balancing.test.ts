/** Who gets the next request, and who gets none for a while. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Sweeper } from '#proxy/loop/sweeper.ts';
import type { OutlierDetection } from '#mesh/model/cluster.ts';
import { LeastRequest, RoundRobin } from './balancers.ts';
import { Host } from './host.ts';
import { Limits, type Place } from './circuit-breaker.ts';
import { Outliers } from './outliers.ts';
import { PeakEwma } from './peak-ewma.ts';
import { hashOf, Ring } from './ring.ts';

const options = { sweeper: new Sweeper(1000), maxHeaderSize: 1024, idleTimeout: 1000, tls: undefined };
const host = (port: number, weight = 1): Host =>
  new Host({ address: '127.0.0.1', port, meshed: false, weight }, options);
const hosts = (count: number): Host[] => Array.from({ length: count }, (_, index) => host(index + 1));
const ignore = (): AbortSignal => new AbortController().signal;

test('peak EWMA rises at once and falls in time', () => {
  const ewma = new PeakEwma();
  assert.is(ewma.load(0, 0), 0, 'who was never asked is asked');
  assert.ok(ewma.load(1, 0) > 30, 'and only once');
  ewma.observe(10, 0);
  assert.is(ewma.load(0, 0), 10);
  assert.is(ewma.load(2, 0), 30);
  ewma.observe(100, 1);
  assert.is(ewma.load(0, 1), 100);
  ewma.observe(10, 2);
  assert.ok(ewma.load(0, 2) > 99);
  assert.ok(ewma.load(0, 30_000) < 6);
});

test('the better of two: a slow endpoint gets less', () => {
  let now = 0;
  const [slow, quick] = [host(1), host(2)];
  const balancer = new LeastRequest(() => now);
  let toSlow = 0;
  for (let request = 0; request < 1000; request++) {
    now += 1;
    const chosen = balancer.pick([slow, quick]);
    chosen.latency.observe(chosen === slow ? 200 : 1, now);
    if (chosen === slow) toSlow++;
  }
  assert.ok(toSlow >= 1 && toSlow < 50, String(toSlow));
});

test('round robin is even, and by weight', () => {
  const balancer = new RoundRobin();
  const three = hosts(3);
  assert.equal(
    Array.from({ length: 6 }, () => balancer.pick(three).model.port),
    [1, 2, 3, 1, 2, 3],
  );
  const weighted = [host(1, 3), host(2, 1)];
  const ports = Array.from({ length: 8 }, () => balancer.pick(weighted).model.port);
  assert.is(ports.filter((port) => port === 1).length, 6);
  assert.not.match(ports.join(''), '1111');
});

test('a ring moves few keys when an endpoint goes', () => {
  const ten = hosts(10);
  const before = new Ring(ten);
  const after = new Ring(ten.slice(1));
  let moved = 0;
  for (let key = 0; key < 2000; key++) {
    const hash = hashOf(`key-${key}`);
    const was = before.find(hash);
    if (was !== ten[0] && after.find(hash) !== was) moved++;
  }
  assert.ok(moved < 200, String(moved));
});

test('any hash has a host', () => {
  const ring = new Ring(hosts(3));
  fc.assert(fc.property(fc.nat(0xffffffff), (hash) => ring.find(hash) !== undefined));
});

function detector(all: readonly Host[], settings: OutlierDetection) {
  const state = { now: 1, ejected: [] as number[] };
  const outliers = new Outliers(
    () => all,
    ({ model }) => state.ejected.push(model.port),
    () => state.now,
  );
  outliers.update(settings);
  return { state, outliers };
}

test('five failures in a row, not five in all; longer each time; up to a limit', () => {
  const all = hosts(4);
  const { state, outliers } = detector(all, { baseEjectionTime: 1000, maxEjectionPercent: 25, interval: 1e9 });
  const fail = (one: Host, times: number): void => {
    for (let time = 0; time < times; time++) outliers.observe(one, 500);
  };
  fail(all[0]!, 4);
  outliers.observe(all[0]!, 200);
  fail(all[0]!, 4);
  assert.not.ok(outliers.ejected(all[0]!));
  fail(all[0]!, 1);
  assert.ok(outliers.ejected(all[0]!));
  fail(all[1]!, 5);
  assert.not.ok(outliers.ejected(all[1]!), 'a quarter of four is one');
  state.now += 1000;
  assert.not.ok(outliers.ejected(all[0]!));
  fail(all[0]!, 5);
  state.now += 1500;
  assert.ok(outliers.ejected(all[0]!), 'twice as long');
  state.now += 500;
  assert.not.ok(outliers.ejected(all[0]!));
  assert.equal(state.ejected, [1, 1]);
});

test('one of two may be left out at 10 %, and connections that fail count', () => {
  const all = hosts(2);
  const { outliers } = detector(all, {});
  for (let time = 0; time < 5; time++) outliers.observe(all[1]!, undefined);
  assert.ok(outliers.ejected(all[1]!));
});

test('who fails far more often than the others is left out by its rate', () => {
  const all = hosts(6);
  const { state, outliers } = detector(all, {
    consecutive5xx: 0,
    interval: 100,
    maxEjectionPercent: 50,
    successRate: { requestVolume: 10 },
  });
  outliers.observe(all[0]!, 200);
  for (const [index, one] of all.entries())
    for (let request = 0; request < 20; request++) outliers.observe(one, index === 3 && request % 2 === 0 ? 503 : 200);
  state.now += 200;
  outliers.observe(all[0]!, 200);
  assert.equal(state.ejected, [4]);
});

test('limits: each place comes back, whichever request ends, and as often', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 60 }), async (steps) => {
      const limits = new Limits({ maxConnections: 3, maxPendingRequests: 4, maxRequests: 6 }, undefined);
      const taken: Place[] = [];
      for (const step of steps) {
        if (step > 1) {
          const entered = limits.enter(true, ignore);
          if (entered instanceof Promise) void entered.then((place) => place && taken.push(place));
          else if (entered) taken.push(entered);
        } else {
          const place = taken.pop();
          place?.leave();
          place?.leave();
        }
        await Promise.resolve();
        assert.ok(limits.connections <= 3 && limits.pending <= 4 && limits.requests <= 6);
      }
      while (taken.length > 0 || limits.pending > 0) {
        taken.pop()?.leave();
        await Promise.resolve();
      }
      assert.equal([limits.connections, limits.requests, limits.pending], [0, 0, 0]);
    }),
  );
});

test('the retry budget is a share of what is under way', () => {
  const limits = new Limits({}, { percent: 20, minimum: 1 });
  assert.ok(limits.retries.begin(limits.requests));
  assert.not.ok(limits.retries.begin(limits.requests));
  for (let request = 0; request < 10; request++) void limits.enter(false, ignore);
  assert.ok(limits.retries.begin(limits.requests));
  assert.not.ok(limits.retries.begin(limits.requests));
});

test.run();
