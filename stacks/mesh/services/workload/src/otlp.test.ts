/** What the collector reads of an export as protobuf. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { protobuf } from '#kit/tracing/protobuf.ts';
import { asJson } from './otlp.ts';

test('an export as protobuf is read as one in JSON, with identifiers in hex', () => {
  const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true };
  const span = {
    name: 'GET',
    kind: 'client',
    start: 1,
    end: 2,
    attributes: { a: 1 },
    events: [],
    error: 'no',
  } as const;
  const spans = ['00f067aa0ba902b7', undefined].map((parentId) =>
    protobuf.span({ ...span, context: { ...context, parentId } }),
  );
  const message = protobuf.batch({ 'service.name': 'front', other: 'x' }, { name: 'x', version: '1' }, spans);
  const { traceId, spanId } = context;
  assert.equal(JSON.parse(asJson(message)), {
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: 'service.name', value: { stringValue: 'front' } },
            { key: 'other', value: { stringValue: 'x' } },
          ],
        },
        scopeSpans: [
          {
            spans: [
              { traceId, spanId, parentSpanId: '00f067aa0ba902b7', name: 'GET', kind: 3 },
              { traceId, spanId, name: 'GET', kind: 3 },
            ],
          },
        ],
      },
    ],
  });
});

test.run();
