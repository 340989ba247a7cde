/** Queueing, draining, and what a store is sent. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { recordsOf, startDelivery } from './test-delivery.ts';
import { listenTestStore } from '#kit/testing/bulk-store.ts';
import { deadLetters, withStore } from './test-stores.ts';

const test = suite('delivery');

test('offer waits while the queue is full', () =>
  withStore(
    async (store, { delivery, settled }) => {
      store.faults = [{ kind: 'status', status: 503 }];
      let taken = false;
      const offered = delivery.offer(recordsOf('a', 100)).then(() => (taken = true));
      await eventually('it was tried', () => store.counts.requests > 2);
      assert.is(taken, false);
      assert.is(delivery.pending.records, 30);
      store.faults = [];
      await offered;
      await eventually('all is told', () => settled.length === 100);
      assert.equal(
        store.documents.map(({ id }) => id),
        recordsOf('a', 100).map(({ id }) => id),
      );
    },
    { QUEUE_MAX_RECORDS: '30' },
  ));

test('a record larger than the whole queue goes through', () =>
  withStore(
    async (_store, { delivery, settled }) => {
      const body = JSON.stringify({ message: 'x'.repeat(5000) });
      await delivery.offer([...recordsOf('a', 3), { id: 'big', source: 'a', body, bytes: body.length }]);
      await eventually('all is told', () => settled.length === 4);
    },
    { QUEUE_MAX_BYTES: '1024' },
  ));

test('a line is sent at once when no request is under way; lines meanwhile share the next one', () =>
  withStore(
    async (store, { delivery, settled }) => {
      store.faults = [{ kind: 'slow', ms: 50, times: 1 }];
      for (const source of ['a', 'b', 'c']) await delivery.offer(recordsOf(source, 5));
      await eventually('all is told', () => settled.length === 15);
      assert.is(store.counts.requests, 2);
    },
    { BULK_DELAY: '1h' },
  ));

test('drain sends what waits at once, and gives up at the deadline', () =>
  withStore(
    async (store, { delivery, settled }) => {
      await delivery.offer(recordsOf('a', 5));
      // Its request is under way.
      await delivery.offer(recordsOf('b', 5));
      const started = performance.now();
      await delivery.drain(AbortSignal.timeout(60_000));
      assert.ok(performance.now() - started < 30_000);
      assert.is(settled.length, 10);
      assert.is(store.counts.created, 10);
    },
    { BULK_DELAY: '1h' },
  ));

test('drain ends at its deadline with a store that is down', () =>
  withStore(async (store, { delivery, settled }) => {
    store.faults = [{ kind: 'slow', ms: 20_000 }];
    await delivery.offer(recordsOf('a', 5));
    await delivery.drain(AbortSignal.timeout(100));
    assert.is(settled.length, 0);
    assert.is(delivery.pending.records, 5);
  }));

test('gzip, a query and a dated index go out as told', async () => {
  const seen: string[] = [];
  const { store, url, server, close } = await listenTestStore();
  server.on('request', (request) => void seen.push(`${request.url} ${request.headers['content-encoding']}`));
  const started = startDelivery([`${url}/prefix/`], {
    STORE_GZIP: 'true',
    STORE_QUERY: 'pipeline=p',
    STORE_INDEX: 'app-{date}',
  });
  try {
    await started.delivery.offer(recordsOf('a', 2));
    await eventually('all is told', () => started.settled.length === 2);
    assert.match(seen[0]!, /^\/prefix\/_bulk\?pipeline=p&filter_path=\S+ gzip$/);
    assert.is(store.documents[0]!.index, 'app-2026.11.21');
  } finally {
    started.close();
    await close();
  }
});

const faults = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('status' as const),
      status: fc.constantFrom(429, 503, 500, 401, 413, 404, 400),
      times: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ kind: fc.constant('cut' as const), after: fc.boolean(), times: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      kind: fc.constant('garbage' as const),
      text: fc.constantFrom('', '{', '{"items":[{}]}', 'null'),
      times: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({
      kind: fc.constant('item' as const),
      status: fc.constantFrom(429, 503, 400),
      every: fc.integer({ min: 2, max: 9 }),
      times: fc.integer({ min: 1, max: 20 }),
    }),
  ),
  { maxLength: 6 },
);

test('property: each record is reported once, in its source’s order, and is stored or dead', async () => {
  await fc.assert(
    fc.asyncProperty(
      faults,
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 40 })), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.record({
        BULK_MAX_RECORDS: fc.integer({ min: 1, max: 30 }),
        QUEUE_MAX_RECORDS: fc.integer({ min: 1, max: 60 }),
      }),
      async (wrong, offers, limits) => {
        await withStore(
          async (store, { delivery, settled, dir }) => {
            store.faults = wrong.map((fault) => ({ ...fault }));
            const next: Record<string, number> = {};
            const all = offers.map(([source, count]) => {
              const from = next[source] ?? 0;
              next[source] = from + count;
              return recordsOf(source, count, from);
            });
            for (const records of all) await delivery.offer(records);
            const total = all.flat().length;
            await eventually('all is told', () => settled.length >= total);
            assert.is(settled.length, total);
            for (const [source, count] of Object.entries(next)) {
              const told = settled.filter(({ record }) => record.source === source).map(({ record }) => record);
              assert.equal(told, recordsOf(source, count));
            }
            const dead = settled.filter(({ outcome }) => outcome === 'dead');
            const stored = new Set(store.documents.map(({ id }) => id));
            assert.is(stored.size, store.documents.length);
            for (const { record, outcome } of settled) if (outcome !== 'dead') assert.ok(stored.has(record.id));
            assert.is(dead.length === 0 ? 0 : deadLetters(dir).length, dead.length);
          },
          {
            BULK_CONCURRENCY: '3',
            STORE_RETRY_MAX: '10ms',
            ...Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, String(value)])),
          },
        );
      },
    ),
    { numRuns: 60 },
  );
});

test.run();
