/** The index template, at a store that keeps templates as the stores' documentation says. */
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestStore } from '#kit/testing/bulk-store.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { recordsOf, startDelivery } from './test-delivery.ts';

const test = suite('template');

const store = new TestStore();
const templates = new Map<string, string>();
/** Requests in their order. */
let log: string[] = [];
let refusal: string | undefined;
const server = await serve((request, response) => {
  const { pathname } = new URL(request.url!, 'http://localhost');
  log.push(`${request.method} ${pathname}`);
  if (pathname === '/base/_bulk') return void store.answer(request, response);
  const name = /^\/base\/_index_template\/([^/]+)$/.exec(pathname)?.[1];
  response.setHeader('content-type', 'application/json');
  if (name === undefined) return void response.writeHead(400).end('{}');
  if (request.method === 'GET') return void response.writeHead(templates.has(name) ? 200 : 404).end('{}');
  if (refusal !== undefined)
    return void response
      .writeHead(400)
      .end(JSON.stringify({ error: { type: 'illegal_argument_exception', reason: refusal } }));
  void text(request).then((body) => {
    templates.set(name, body);
    response.end('{"acknowledged":true}');
  });
});
const url = `${server.url}/base`;
const reset = (): void => {
  store.clear();
  templates.clear();
  log = [];
  refusal = undefined;
};

test('is made before the first line comes, once, and left alone when it is there', async () => {
  reset();
  const env = { STORE_TEMPLATE: 'create', STORE_INDEX: 'logs-shop-default', BULK_MAX_RECORDS: '2' };
  const first = startDelivery([url], env);
  await first.delivery.offer([...recordsOf('a', 6), ...recordsOf('b', 6)]);
  await eventually('all is stored', () => first.settled.length === 12);
  assert.equal(log.slice(0, 2), [
    'GET /base/_index_template/log-shipper-logs-shop-default',
    'PUT /base/_index_template/log-shipper-logs-shop-default',
  ]);
  assert.is(log.filter((each) => each.startsWith('PUT')).length, 1);
  const made = JSON.parse(templates.get('log-shipper-logs-shop-default')!) as Record<string, any>;
  assert.equal(made['index_patterns'], ['logs-shop-default']);
  assert.equal(made['data_stream'], {});
  assert.is(made['template'].mappings.properties['@timestamp'].type, 'date_nanos');
  first.close();
  log = [];
  templates.set('log-shipper-logs-shop-default', 'by hand');
  const second = startDelivery([url], env);
  await second.delivery.offer(recordsOf('c', 2));
  await eventually('all is stored', () => second.settled.length === 2);
  assert.is(templates.get('log-shipper-logs-shop-default'), 'by hand');
  second.close();
});

test('of indices by the day is for all days, and for no data stream', async () => {
  reset();
  const { delivery, settled, close } = startDelivery([url], { STORE_TEMPLATE: 'create', STORE_INDEX: 'shop-{date}' });
  await delivery.offer(recordsOf('a', 2));
  await eventually('all is stored', () => settled.length === 2);
  const made = JSON.parse(templates.get('log-shipper-shop-date')!) as Record<string, unknown>;
  assert.equal(made['index_patterns'], ['shop-*']);
  assert.is(made['data_stream'], undefined);
  close();
});

test('is made for each index that lines go to', async () => {
  reset();
  const indices = ['shop-{date}', 'shop-web-{date}'];
  const { delivery, settled, close } = startDelivery([url], { STORE_TEMPLATE: 'create' }, indices);
  await delivery.offer(recordsOf('a', 2));
  await eventually('all is stored', () => settled.length === 2);
  const [all, web] = ['log-shipper-shop-date', 'log-shipper-shop-web-date'].map(
    (name) => JSON.parse(templates.get(name)!) as { priority: number },
  );
  // Stores refuse two of one priority whose patterns name the same index.
  assert.ok(web!.priority > all!.priority);
  close();
});

test('that the store refuses keeps lines waiting, unready with the reason, until it can be made', async () => {
  reset();
  refusal = 'matching patterns from existing templates';
  const { delivery, settled, readiness, close } = startDelivery([url], { STORE_TEMPLATE: 'create' });
  await delivery.offer(recordsOf('a', 3));
  await eventually('it is unready, and says why', () =>
    /index template cannot be made: .*existing templates/.test(readiness.report().checks['store']!.reason ?? ''),
  );
  assert.is(store.counts.requests, 0, 'no line is sent');
  refusal = undefined;
  await eventually('all is stored', () => settled.length === 3);
  assert.ok(readiness.report().ready);
  close();
});

test('is not asked for unless told to', async () => {
  reset();
  const { delivery, settled, close } = startDelivery([url]);
  await delivery.offer(recordsOf('a', 3));
  await eventually('all is stored', () => settled.length === 3);
  assert.ok(log.every((each) => each === 'POST /base/_bulk'));
  close();
});

test.after(() => server.close());

test.run();
