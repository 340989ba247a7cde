import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bulkBody } from './body.ts';
import { bulkUrl } from './hosts.ts';
import { readBulkResponse } from './response.ts';
import { recordsOf } from './test-delivery.ts';
import { readRetryAfter } from './transport.ts';

const test = suite('bulk requests and responses');

const read = (value: unknown, count: number): ReturnType<typeof readBulkResponse> =>
  readBulkResponse(Buffer.from(JSON.stringify(value)), count);

test('every item is judged by its own status, whatever `errors` says', () => {
  const items = [201, 200, 409, 429, 503, 400, 404].map((status) => ({
    create: { status, error: { type: 't', reason: 'r' } },
  }));
  const exceptions = read({ errors: false, items }, items.length)!;
  assert.equal(
    [...exceptions].map(([index, { kind }]) => [index, kind]),
    [
      [2, 'duplicate'],
      [3, 'again'],
      [4, 'again'],
      [5, 'refused'],
      [6, 'refused'],
    ],
  );
  assert.equal(exceptions.get(5), { kind: 'refused', status: 400, reason: 't: r' });
});

test('what VictoriaLogs answers is read', () => {
  const body = '{"took":4,"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}';
  assert.is(readBulkResponse(Buffer.from(body), 2)!.size, 0);
  assert.is(readBulkResponse(Buffer.from(''), 2), undefined, 'its answer to what it cannot parse');
});

test('an answer for another number of items is none', () => {
  assert.is(read({ errors: false, items: [{ create: { status: 201 } }] }, 2), undefined);
  assert.is(read({ errors: false, items: [] }, 1), undefined);
  const two = [{ create: { status: 201 } }, { create: { status: 201 } }];
  assert.is(read({ errors: false, items: two }, 1), undefined);
  assert.is(read({ errors: false }, 1), undefined);
});

test('whatever comes back, nothing counts as stored that has no 2xx of its own', () => {
  fc.assert(
    fc.property(fc.json(), fc.integer({ min: 1, max: 3 }), (text, count) => {
      assert.is(readBulkResponse(Buffer.from(text), count), undefined);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer(), fc.string(), fc.constant(undefined)), { minLength: 1 }), (statuses) => {
      const exceptions = read({ items: statuses.map((status) => ({ create: { status } })) }, statuses.length);
      const good = (status: unknown): boolean => typeof status === 'number' && status >= 200 && status < 300;
      if (exceptions === undefined) assert.not(statuses.every(good));
      else for (const [index, status] of statuses.entries()) assert.is(!exceptions.has(index), good(status));
    }),
  );
});

test('as many values as a store may need are read, unfiltered ones too; more are no answer', () => {
  const error = {
    root_cause: [{ type: 'a', reason: 'b', index: 'c' }],
    type: 'document_parsing_exception',
    reason: '[1:2] {[,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,]} \\"'.repeat(40),
    caused_by: { type: 'd', reason: 'e', caused_by: { type: 'f', reason: 'g' } },
  };
  const _shards = { total: 2, successful: 1, failed: 0 };
  const create = { _index: 'i', _id: 'j', _version: 1, result: 'created', _shards, _seq_no: 1, _primary_term: 1 };
  const items = Array.from({ length: 5000 }, (_, index) => ({
    create: index % 2 === 0 ? { ...create, status: 201 } : { ...create, status: 400, error },
  }));
  assert.is(read({ items }, 5000)?.size, 2500);
  const spoilt = items.map((item) => ({ ...item, more: Array.from({ length: 60 }, () => []) }));
  assert.is(read({ items: spoilt }, 5000), undefined);
});

test('a body is an action and a document for each record, whatever is in them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ id: fc.string(), value: fc.string({ unit: 'binary' }), index: fc.option(fc.string()) })),
      fc.nat({ max: 500 }),
      (given, size) => {
        const records = given.map(({ id, value, index }) => {
          const body = JSON.stringify({ value });
          return { id, source: 's', body, bytes: Buffer.byteLength(body), ...(index !== null && { index }) };
        });
        const lines = bulkBody(records, 'logs', Buffer.alloc(size)).toString().split('\n');
        assert.is(lines.pop(), '');
        assert.is(lines.length, records.length * 2);
        for (const [at, { id, body, index = 'logs' }] of records.entries()) {
          assert.equal(JSON.parse(lines[2 * at]!), {
            create: { _index: index.replaceAll('{date}', 'undated'), _id: id },
          });
          assert.is(lines[2 * at + 1], Buffer.from(body).toString());
        }
      },
    ),
  );
});

test('a dated index takes the day of each line', () => {
  const [one, two] = recordsOf('a', 2) as [ReturnType<typeof recordsOf>[0], ReturnType<typeof recordsOf>[0]];
  const late = { ...two, body: two.body.replace('2026-11-21', '2026-11-22') };
  const days = bulkBody([one, late], 'app-{date}', Buffer.alloc(1000))
    .toString()
    .match(/app-[\d.]+/g);
  assert.equal(days, ['app-2026.11.21', 'app-2026.11.22']);
});

test('a base URL may have a path, and gets the query', () => {
  assert.match(
    bulkUrl('http://store:9428/insert/elasticsearch/', '_time_field=@timestamp').href,
    /^http:\/\/store:9428\/insert\/elasticsearch\/_bulk\?_time_field=@timestamp&filter_path=/,
  );
  assert.match(bulkUrl('http://store:9200').href, /^http:\/\/store:9200\/_bulk\?filter_path=/);
});

test('Retry-After is seconds or a date', () => {
  assert.is(readRetryAfter('7'), 7000);
  assert.is(readRetryAfter('Sat, 21 Nov 2026 10:00:05 GMT', Date.UTC(2026, 10, 21, 10, 0, 0)), 5000);
  assert.is(readRetryAfter('Sat, 21 Nov 2026 10:00:05 GMT', Date.UTC(2026, 10, 21, 11, 0, 0)), 0);
  assert.is(readRetryAfter('soon'), undefined);
  assert.is(readRetryAfter(undefined), undefined);
});

test.run();
