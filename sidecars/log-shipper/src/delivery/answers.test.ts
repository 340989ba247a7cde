/** What delivery does with the answers of a store, and without one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Readiness } from '#kit/life/readiness.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { recordsOf, startDelivery } from './test-delivery.ts';
import { listenTestStore, type Fault } from '#kit/testing/bulk-store.ts';
import { deadLetters, ids, outcomes, withStore } from './test-stores.ts';

const test = suite('answers');

test('every record is stored once, in its order, and told', () =>
  withStore(
    async (store, { delivery, settled, metric }) => {
      const records = recordsOf('a', 1000);
      await delivery.offer(records);
      await eventually('all is told', () => settled.length === 1000);
      assert.equal(ids(settled), ids(records.map((record) => ({ record, outcome: 'stored' }))));
      assert.equal(
        store.documents.map(({ id }) => id),
        ids(settled),
      );
      assert.equal(outcomes(settled), ['stored']);
      assert.is(store.documents[0]!.index, 'logs-sidecar-default');
      assert.is(store.documents[7]!.body, records[7]!.body);
      assert.equal(delivery.pending, { records: 0, bytes: 0 });
      assert.is(await metric('shipper_acknowledged_total'), 1000);
      assert.ok(store.counts.requests >= 10, 'at most 100 records in a request');
    },
    { BULK_MAX_RECORDS: '100' },
  ));

test('an item that is put off is sent again alone, and later ones of its source wait for it', () =>
  withStore(
    async (store, { delivery, settled, metric }) => {
      store.faults = [{ kind: 'item', status: 429, pattern: '"seq":13}', times: 5 }];
      await delivery.offer([...recordsOf('a', 60), ...recordsOf('b', 5)]);
      await eventually('all is told', () => settled.length === 65);
      const a = settled.filter(({ record }) => record.source === 'a');
      assert.equal(ids(a), ids(recordsOf('a', 60).map((record) => ({ record, outcome: 'stored' }))));
      assert.is(store.counts.created, 65);
      assert.is(store.counts.conflicts, 0, 'what was stored is not sent again');
      assert.is(await metric('shipper_retried_total'), 5);
      const order = store.documents.map(({ id }) => id);
      assert.ok(order.indexOf('a-13') < order.indexOf('a-20'), 'nothing that was not in its request overtakes it');
    },
    { BULK_MAX_RECORDS: '20', BULK_CONCURRENCY: '4' },
  ));

test('a refused item goes to the dead letters with the reason; the others are stored', () =>
  withStore(async (store, { delivery, settled, dir, metric }) => {
    store.faults = [{ kind: 'item', status: 400, pattern: '"seq":(3|7)}' }];
    await delivery.offer(recordsOf('a', 10));
    await eventually('all is told', () => settled.length === 10);
    assert.equal(ids(settled.filter(({ outcome }) => outcome === 'dead')), ['a-3', 'a-7']);
    const [first, second] = deadLetters(dir);
    assert.is(first!.status, 400);
    assert.match(first!.reason, /document_parsing_exception: .*failed to parse field/);
    assert.is(second!.body, recordsOf('a', 10)[7]!.body);
    assert.is(store.counts.created, 8);
    assert.is(await metric('shipper_dead_total'), 2);
  }));

test('a dead-letter file that cannot be written keeps the record until it can', () =>
  withStore(async (store, { delivery, settled, dir }) => {
    store.faults = [{ kind: 'item', status: 400, pattern: '"seq":3}' }];
    rmSync(join(dir, 'dead'), { recursive: true });
    await delivery.offer(recordsOf('a', 5));
    await eventually('it was tried a few times', () => store.counts.requests > 3);
    assert.equal(ids(settled), ['a-0', 'a-1', 'a-2'], 'what comes before it is told, what comes behind is not');
    mkdirSync(join(dir, 'dead'));
    await eventually('all is told', () => settled.length === 5);
    assert.is(deadLetters(dir).length, 1);
  }));

for (const fault of [
  { kind: 'status', status: 503, times: 3 },
  { kind: 'status', status: 429, times: 3 },
  { kind: 'status', status: 500, times: 3 },
  { kind: 'cut', after: false, times: 3 },
] as const satisfies Fault[]) {
  test(`a request that fails as a whole is sent again: ${JSON.stringify(fault)}`, () =>
    withStore(async (store, { delivery, settled }) => {
      store.faults = [{ ...fault }];
      await delivery.offer(recordsOf('a', 100));
      await eventually('all is told', () => settled.length === 100);
      assert.is(store.counts.faults, 3);
      assert.is(store.counts.created, 100);
      assert.equal(outcomes(settled), ['stored']);
    }));
}

test('an answer that is lost after the store has committed leaves nothing twice', () =>
  withStore(async (store, { delivery, settled, metric }) => {
    store.faults = [{ kind: 'cut', after: true, times: 2 }];
    await delivery.offer(recordsOf('a', 100));
    await eventually('all is told', () => settled.length === 100);
    assert.is(store.counts.created, 100);
    assert.equal(outcomes(settled), ['duplicate']);
    assert.is(await metric('shipper_duplicates_total'), 100);
    assert.is(await metric('shipper_acknowledged_total'), 100);
  }));

test('a store that does not answer in time is asked again', () =>
  withStore(
    async (store, { delivery, settled }) => {
      store.faults = [{ kind: 'slow', ms: 10_000, times: 1 }];
      await delivery.offer(recordsOf('a', 10));
      await eventually('all is told', () => settled.length === 10);
      assert.equal(outcomes(settled), ['duplicate'], 'the first request was stored all the same');
    },
    { STORE_TIMEOUT: '150ms' },
  ));

test('Retry-After is honoured, up to the longest wait', () =>
  withStore(
    async (store, { delivery, settled }) => {
      store.faults = [{ kind: 'status', status: 429, retryAfter: 60, times: 1 }];
      const started = performance.now();
      await delivery.offer(recordsOf('a', 10));
      await eventually('all is told', () => settled.length === 10, { within: 50_000 });
      const took = performance.now() - started;
      assert.ok(took >= 390 && took < 30_000, `${took} ms`);
    },
    { STORE_RETRY_MAX: '400ms' },
  ));

test('a request that is too large is split; a record that is too large alone is dead', () =>
  withStore(
    async (store, { delivery, settled, dir }) => {
      const records = recordsOf('a', 200);
      const large = { id: 'a-large', source: 'a', body: JSON.stringify({ message: 'x'.repeat(9000) }), bytes: 9014 };
      await delivery.offer([...records.slice(0, 50), large, ...records.slice(50)]);
      await eventually('all is told', () => settled.length === 201);
      assert.equal(
        store.documents.map(({ id }) => id),
        records.map(({ id }) => id),
      );
      assert.is(deadLetters(dir)[0]!.id, 'a-large');
      assert.is(deadLetters(dir)[0]!.status, 413);
      const before = store.counts.requests;
      await delivery.offer(recordsOf('a', 50, 200));
      await eventually('all is told', () => settled.length === 251);
      assert.ok(store.counts.requests - before <= 4, 'the size is remembered');
    },
    {},
    { maxBody: 8000 },
  ));

test('a record that is too large is dead also when it is alone', () =>
  withStore(
    async (_store, { delivery, settled }) => {
      const body = JSON.stringify({ message: 'x'.repeat(9000) });
      await delivery.offer([{ id: 'large', source: 'a', body, bytes: body.length }]);
      await eventually('it is told', () => settled.length === 1);
      assert.equal(outcomes(settled), ['dead']);
    },
    {},
    { maxBody: 8000 },
  ));

test('wrong credentials make nothing dead, only unready; a corrected file is used at once', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'delivery-key-'));
  const key = join(dir, 'key');
  writeFileSync(key, 'bad-key\n');
  await withStore(
    async (store, { delivery, settled, readiness }) => {
      await delivery.offer(recordsOf('a', 10));
      await eventually('it was refused', () => store.counts.requests > 1);
      assert.is(settled.length, 0);
      const { ready, checks } = readiness.report();
      assert.not(ready);
      assert.match(checks['store']!.reason!, /credentials with 401/);
      writeFileSync(key, 'good-key\n');
      await eventually('all is told', () => settled.length === 10);
      assert.ok(readiness.report().ready);
      assert.equal(outcomes(settled), ['stored']);
    },
    { STORE_API_KEY_FILE: key },
    { authorization: 'ApiKey good-key' },
  );
  rmSync(dir, { recursive: true });
});

for (const age of [100, 1000])
  test(`nothing waits: ready at every look, also when acknowledgements may be no older than ${age} ms`, () => {
    let now = 0;
    mock.timers.enable({ apis: ['setInterval'] });
    const readiness = new Readiness(() => now);
    const { close } = startDelivery(['http://127.0.0.1:1'], { STORE_ACK_MAX_AGE: `${age}ms` }, undefined, readiness);
    try {
      // Timers are that late.
      const late = 30;
      for (now = late; now < 5000; now += late) {
        assert.equal(readiness.report().checks['store']?.reason, undefined, `after ${now} ms`);
        mock.timers.tick(late);
      }
    } finally {
      close();
      mock.timers.reset();
    }
  });

test('an answer that is none of a bulk request stores nothing and loses nothing', () =>
  withStore(async (store, { delivery, settled }) => {
    store.faults = [
      { kind: 'garbage', text: '<html>Sign in</html>', times: 3 },
      { kind: 'garbage', text: '{"items":[]}', times: 3 },
      { kind: 'garbage', text: 'x'.repeat(1_000_000), times: 1 },
    ];
    await delivery.offer(recordsOf('a', 40));
    await eventually('all is told', () => settled.length === 40);
    assert.is(store.counts.created, 40);
    assert.ok(!outcomes(settled).includes('dead'));
  }));

test('a reason that has all of a long value in it is read, and holds nothing up', () =>
  withStore(async (store, { delivery, settled, dir }) => {
    const [before, long, after] = recordsOf('a', 3);
    const value = 'é'.repeat(60_000);
    const body = JSON.stringify({ seq: 'long', value });
    const reason = `failed to parse field [value] of type [date]. Preview of field's value: '${value}'`;
    store.faults = [
      { kind: 'item', status: 400, pattern: '"long"', error: { type: 'document_parsing_exception', reason } },
    ];
    await delivery.offer([before!, { ...long!, body, bytes: Buffer.byteLength(body) }, after!]);
    await eventually('all is told', () => settled.length === 3);
    assert.equal(
      settled.map(({ outcome }) => outcome),
      ['stored', 'dead', 'stored'],
    );
    assert.ok(deadLetters(dir)[0]!.reason.length <= 500);
  }));

for (const count of [1, 2, 40]) {
  test(`a configuration that the store refuses makes no record dead, of ${count}`, () =>
    withStore(async (store, { delivery, settled }) => {
      store.faults = [{ kind: 'status', status: 404 }];
      await delivery.offer(recordsOf('a', count));
      await eventually('it was tried a few times', () => store.counts.requests > 50);
      assert.is(settled.length, 0);
      store.faults = [];
      await eventually('all is told', () => settled.length === count);
      assert.equal(outcomes(settled), ['stored']);
    }));
}

test('a record for which the store refuses a whole request is found, and the others are stored', () =>
  withStore(async (store, { delivery, settled, dir }) => {
    store.poison = '"seq":13}';
    await delivery.offer(recordsOf('a', 60));
    await eventually('all is told', () => settled.length === 60);
    assert.equal(
      deadLetters(dir).map(({ id, status }) => ({ id, status })),
      [{ id: 'a-13', status: 400 }],
    );
    assert.is(store.counts.created, 59);
  }));

test('several hosts are used in turn, and one that is gone is left alone', async () => {
  const [one, two, gone] = [await listenTestStore(), await listenTestStore(), await listenTestStore()];
  await gone.close();
  const { delivery, settled, close } = startDelivery([one.url, gone.url, two.url], {
    BULK_MAX_RECORDS: '10',
    STORE_RETRY_MAX: '10s',
  });
  try {
    await delivery.offer(recordsOf('a', 200));
    await eventually('all is told', () => settled.length === 200);
    assert.is(one.store.counts.created + two.store.counts.created, 200);
    assert.ok(Math.abs(one.store.counts.created - two.store.counts.created) <= 20, 'evenly');
  } finally {
    close();
    await one.close();
    await two.close();
  }
});

test.run();
