/** Records of OTLP: the same from both encodings, within their bounds, and bytes that are none. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MalformedError } from '../senders/malformed.ts';
import { readJson } from './json.ts';
import { Rejected, toEvent, type Received } from './log-record.ts';
import { readProtobuf } from './protobuf.ts';
import { encode, requestOf, type Wire } from './test-schema.ts';

const VALUES = 1_000_000;
const both = (request: { json: Buffer; protobuf: Buffer }): Received[][] => [
  [...readJson(request.json, VALUES)],
  [...readProtobuf(request.protobuf)],
];
const documentOf = (received: Received, limit = 100_000): Record<string, unknown> => {
  assert.not.instance(received, Rejected);
  const { text } = toEvent(received as Exclude<Received, Rejected>, { serviceName: 'shop', limit });
  return JSON.parse(text) as Record<string, unknown>;
};

const value: fc.Arbitrary<Wire> = fc.letrec<{ value: Wire }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme' }).map((stringValue) => ({ stringValue })),
    fc.boolean().map((boolValue) => ({ boolValue })),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((whole) => ({ intValue: String(whole) })),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((doubleValue) => ({ doubleValue })),
    fc.uint8Array().map((bytes) => ({ bytesValue: Buffer.from(bytes).toString('base64') })),
    fc.array(tie('value'), { maxLength: 3 }).map((values) => ({ arrayValue: { values } })),
    fc
      .array(fc.record({ key: fc.string(), value: tie('value') }), { maxLength: 3 })
      .map((values) => ({ kvlistValue: { values } })),
  ),
})).value;
const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((id) => Buffer.from(id).toString('hex'));
const attributes = fc.array(fc.record({ key: fc.string(), value }), { maxLength: 4 });
const time = fc.bigInt(0n, 2n ** 64n - 1n).map(String);
const record = fc.record(
  {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: fc.nat({ max: 24 }),
    severityText: fc.string(),
    body: value,
    attributes,
    traceId: hex(16),
    spanId: hex(8),
    eventName: fc.string(),
  },
  { requiredKeys: [] },
);
const request = fc.array(
  fc.record({
    resource: fc.record({ attributes }),
    scopeLogs: fc.array(fc.record({ scope: fc.record({ name: fc.string() }), logRecords: fc.array(record) })),
  }),
  { maxLength: 3 },
);

test('any request says the same in both encodings', () => {
  fc.assert(
    fc.property(request, (resourceLogs) => {
      const [json, protobuf] = both(encode({ resourceLogs }));
      assert.is(
        json!.length,
        resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap((each) => each.logRecords)).length,
      );
      // Minus zero is zero in JSON.
      const show = (received: Received[]): string[] => received.map((each) => JSON.stringify(documentOf(each)));
      assert.equal(show(protobuf!), show(json!));
    }),
    { numRuns: 60 },
  );
});

test('what a record says is named as the schema does', () => {
  const wire = {
    timeUnixNano: '1764043200123456789',
    severityNumber: 17,
    body: { stringValue: 'no such order' },
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    eventName: 'order.missing',
    attributes: [
      { key: 'order', value: { intValue: '9007199254740993' } },
      { key: 'exception.type', value: { stringValue: 'KeyError' } },
      { key: 'time', value: { stringValue: '2020-01-01T00:00:00Z' } },
      { key: 'tags', value: { arrayValue: { values: [{ stringValue: 'a' }, { doubleValue: 'NaN' }] } } },
    ],
  };
  for (const [received] of both(requestOf([wire]))) {
    const document = documentOf(received!);
    const { order, ...rest } = document;
    assert.equal(rest, {
      'service.name': 'checkout',
      'error.type': 'KeyError',
      time: '2020-01-01T00:00:00Z',
      tags: ['a', 'NaN'],
      'log.level': 'error',
      'event.action': 'order.missing',
      'log.logger': 'library',
      'trace.id': '5b8efff798038103d269b633813fc60c',
      'span.id': 'eee19b7ec3c1b174',
      message: 'no such order',
      '@timestamp': '2025-11-25T04:00:00.123456789Z',
    });
    const { text } = toEvent(received as Exclude<Received, Rejected>, { serviceName: undefined, limit: 100_000 });
    assert.match(text, /"order":9007199254740993,/, `all digits: ${String(order)}`);
  }
});

test('bodies: an object gives its members, others are text; no service is the parameter', () => {
  const bodies: readonly (readonly [Wire, Record<string, unknown>])[] = [
    [{ kvlistValue: { values: [{ key: 'user', value: { stringValue: 'é' } }] } }, { user: 'é' }],
    [{ arrayValue: { values: [{ boolValue: true }] } }, { message: '[true]' }],
    [{ intValue: '-7' }, { message: '-7' }],
    [{}, {}],
  ];
  for (const [body, fields] of bodies)
    for (const [received] of both(requestOf([{ body }], { 'service.name': 'unknown_service:node' })))
      assert.equal(documentOf(received!), { 'service.name': 'shop', 'log.logger': 'library', ...fields });
});

test('a record with too much is rejected, and the others are taken', () => {
  const deep = (depth: number): Wire =>
    depth === 0 ? { boolValue: true } : { arrayValue: { values: [deep(depth - 1)] } };
  const wide = { arrayValue: { values: Array.from({ length: 20_000 }, () => ({ boolValue: true })) } };
  for (const received of both(requestOf([{ body: deep(40) }, { body: { stringValue: 'good' } }, { body: wide }]))) {
    const [first, second, third] = received;
    assert.match((first as Rejected).reason, /deep/);
    assert.match((third as Rejected).reason, /values/);
    assert.is(documentOf(second!)['message'], 'good');
  }
});

test('a longer record keeps its ids, level and the beginning of its text', () => {
  const wire = { severityText: 'WARN', traceId: 'ab'.repeat(16), body: { stringValue: 'x'.repeat(5000) } };
  for (const [received] of both(requestOf([{ ...wire, attributes: [{ key: 'a', value: { intValue: 1 } }] }]))) {
    const event = toEvent(received as Exclude<Received, Rejected>, { serviceName: undefined, limit: 1000 });
    assert.equal([event.cut, event.text], [true, wire.body.stringValue]);
    const members = JSON.parse(`{${event.members.slice(0, -1)}}`) as unknown;
    assert.equal(members, {
      'log.level': 'warn',
      'log.logger': 'library',
      'trace.id': wire.traceId,
      'service.name': 'checkout',
    });
  }
});

/** Read it to its end, or until it is refused as what it is. */
function readAll(read: () => Iterable<Received>): void {
  try {
    for (const received of read()) if (!(received instanceof Rejected)) documentOf(received);
  } catch (error) {
    assert.instance(error, MalformedError);
  }
}

test('bytes that are no request are refused as such', () => {
  const good = fc.oneof(
    request.map((resourceLogs) => encode({ resourceLogs }).protobuf),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  const hostile = fc
    .tuple(good, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 5 }))
    .map(([bytes, edits]) => {
      const changed = Buffer.from(bytes);
      for (const [at, byte] of edits) if (changed.length > 0) changed[at % changed.length] = byte;
      return changed;
    });
  fc.assert(
    fc.property(hostile, (bytes) => readAll(() => readProtobuf(bytes))),
    { numRuns: 200 },
  );
  const names = fc.constantFrom(
    'resourceLogs',
    'scopeLogs',
    'logRecords',
    'body',
    'attributes',
    'key',
    'value',
    'intValue',
    'arrayValue',
    'values',
    'resource',
    'timeUnixNano',
    'traceId',
  );
  const json = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 8 },
      fc.constant(null),
      fc.string(),
      fc.integer(),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(names, tie('any'), { maxKeys: 4 }),
    ),
  })).any;
  fc.assert(
    fc.property(json, (anything) => readAll(() => readJson(Buffer.from(JSON.stringify(anything)), VALUES))),
    { numRuns: 200 },
  );
  for (const text of ['', '{', '[]', '1', '{"resourceLogs":7}', '{"resourceLogs":[1]}'])
    assert.throws(
      () => [...readJson(Buffer.from(text), VALUES)],
      (error: unknown) => error instanceof MalformedError,
      text,
    );
  assert.throws(() => readJson(Buffer.from(`[${'[],'.repeat(600)}0]`), 1000), /more than 1000 values/);
});

test.run();
