/** An administrator's act at the store is not the fault of lines: they wait, and `/readyz` says for what. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { listenTestStore, type TestStore } from '#kit/testing/bulk-store.ts';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { recordsOf, startDelivery } from './test-delivery.ts';

const test = suite('an administrator at the store');

/** What Elasticsearch 8 and OpenSearch 2 answer for each item. */
const ACTS = [
  [403, 'cluster_block_exception', 'index [logs] blocked by: [FORBIDDEN/8/index write (api)];'],
  [403, 'cluster_block_exception', 'index [logs] blocked by: [FORBIDDEN/5/index read-only (api)];'],
  [
    429,
    'cluster_block_exception',
    'index [logs] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark];',
  ],
  [400, 'index_closed_exception', 'closed'],
  [404, 'index_not_found_exception', 'no such index [logs] and [action.auto_create_index] is [false]'],
  [
    400,
    'validation_exception',
    'Validation Failed: 1: this action would add [2] shards, but this cluster currently has [1000]/[1000] maximum normal shards open;',
  ],
  [
    400,
    'illegal_argument_exception',
    'Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open;',
  ],
  [403, 'security_exception', 'action [indices:data/write/bulk[s]] is unauthorized for user [shipper]'],
  [400, 'an_exception_of_tomorrow', 'the index [logs-000017] is not for you'],
] as const;

function refusing(store: TestStore, status: number, type: string, reason: string, pattern = ''): void {
  store.faults = [{ kind: 'item', status, error: { type, reason }, pattern }];
}

for (const [status, type, reason] of ACTS) {
  test(`${status} ${type}: lines wait, and arrive after the cure`, async () => {
    const { store, url, close } = await listenTestStore();
    const { delivery, settled, readiness, dir, metric, close: end } = startDelivery([url]);
    refusing(store, status, type, reason);
    await delivery.offer(recordsOf('a', 50));
    const { checks } = await eventually('it is unready', () => {
      const report = readiness.report();
      return !report.ready && store.counts.requests > 3 && report;
    });
    assert.ok(checks['store']!.reason!.includes(reason), checks['store']!.reason!);
    assert.is(settled.length, 0);
    store.faults = [];
    await eventually('all is stored', () => store.counts.created === 50 && settled.length === 50);
    assert.ok(readiness.report().ready);
    assert.is(await metric('shipper_dead_total'), 0);
    assert.not(existsSync(join(dir, 'dead/dead-letters.ndjson')));
    end();
    await close();
  });
}

test('what is the fault of lines stalls nothing, also when every line of a request has it', async () => {
  const { store, url, close } = await listenTestStore();
  const { delivery, settled, readiness, metric, close: end } = startDelivery([url]);
  refusing(
    store,
    400,
    'document_parsing_exception',
    "[1:2] failed to parse field [n] of type [long] in document with id 'x'",
  );
  await delivery.offer(recordsOf('a', 50));
  await eventually('all is told', () => settled.length === 50);
  assert.is(await metric('shipper_dead_total'), 50);
  assert.ok(readiness.report().ready);
  // One line of a request, for a reason that nobody knows: the line's.
  refusing(store, 400, 'an_exception_of_tomorrow', 'no', '"seq":60}');
  await delivery.offer(recordsOf('a', 20, 50));
  await eventually('all is told', () => settled.length === 70);
  assert.is(await metric('shipper_dead_total'), 51);
  end();
  await close();
});

test('an index that is blocked holds up its own lines and no others', async () => {
  const { store, url, close } = await listenTestStore();
  const { delivery, settled, close: end } = startDelivery([url]);
  refusing(store, 403, 'cluster_block_exception', 'blocked', '"source":"a"');
  await delivery.offer([...recordsOf('a', 20), ...recordsOf('b', 20)]);
  await eventually('the others are stored', () => settled.length === 20);
  assert.ok(settled.every(({ record }) => record.source === 'b'));
  store.faults = [];
  await eventually('all is stored', () => settled.length === 40);
  end();
  await close();
});

test('after a 429 to a whole request the next is smaller', async () => {
  const { store, url, close } = await listenTestStore();
  const sizes: number[] = [];
  const answer = store.answer.bind(store);
  store.answer = (request, response) => {
    sizes.push(Number(request.headers['content-length']));
    return answer(request, response);
  };
  store.faults = [{ kind: 'status', status: 429, times: 2 }];
  const { delivery, settled, close: end } = startDelivery([url], { BULK_MAX_BYTES: '1MiB', BULK_CONCURRENCY: '1' });
  await delivery.offer(recordsOf('a', 8000));
  await eventually('all is stored', () => settled.length === 8000);
  assert.ok(sizes[1]! < sizes[0]! * 0.6, `${sizes[1]} after ${sizes[0]}`);
  assert.ok(sizes[2]! < sizes[1]! * 0.6, `${sizes[2]} after ${sizes[1]}`);
  end();
  await close();
});

test('a store with an untrusted certificate is named in /readyz, and so is one that is absent', async () => {
  const { key, cert } = await certify({ names: ['localhost'] });
  const server = createServer({ key, cert }, (_request, response) => void response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  for (const [url, words] of [
    [`https://127.0.0.1:${port}`, /certificate/],
    ['http://127.0.0.1:1', /ECONNREFUSED/],
  ] as const) {
    const { delivery, readiness, close: end } = startDelivery([url], { STORE_ACK_MAX_AGE: '1500ms' });
    await delivery.offer(recordsOf('a', 1));
    await eventually(`it says why ${url} has nothing`, () =>
      words.test(readiness.report().checks['store']!.reason ?? ''),
    );
    end();
  }
  server.close();
});

test.run();
