/** A request's trace is read, continued or begun. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createSampler } from '#kit/tracing/sampler.ts';
import { http2Request } from '#proxy/downstream/http2-request.ts';
import { RequestHead } from '#proxy/http/request-head.ts';
import { Request } from '#proxy/http/request.ts';
import { readRequest } from '#proxy/http/rewrite.ts';
import { scanRequest } from '#proxy/http/scan-head.ts';
import { FieldBlock } from '#proxy/http2/field-block.ts';
import { HpackDecoder } from '#proxy/http2/hpack-decoder.ts';
import { beginSpan } from './context.ts';

const always = createSampler('parentbased_always_on', 1);

const requestWith = (...lines: string[]): Request =>
  new Request({ method: 'GET', target: '/', authority: 'shop', lines: lines.map((line) => `${line}\r\n`).join('') });

/** Requests with a field as each protocol reads them. */
const READ = {
  'HTTP/1': (name: string, value: string): Request => {
    const head = new RequestHead();
    const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: shop\r\n${name}: ${value}\r\n\r\n`);
    scanRequest(head, bytes, 0, bytes.length);
    assert.is(head.interpret(bytes), undefined);
    const { init, wire } = readRequest(head, bytes) as Exclude<ReturnType<typeof readRequest>, string>;
    return new Request(init, wire);
  },
  'HTTP/2': (name: string, value: string): Request => {
    const literal = (text: string): Buffer => Buffer.from(`${String.fromCharCode(text.length)}${text}`);
    const field = (key: string, text: string): Buffer => Buffer.concat([Buffer.from([0]), literal(key), literal(text)]);
    const bytes = Buffer.concat([
      Buffer.from([0x82, 0x84]),
      field(':authority', 'shop'),
      field(name.toLowerCase(), value),
    ]);
    const block = new FieldBlock(4096, 4096);
    assert.ok(new HpackDecoder().decode(block, bytes, 0, bytes.length));
    return http2Request(block, true, false) as Request;
  },
};

for (const [protocol, read] of Object.entries(READ))
  test(`${protocol}: a trace of either format is continued, in any spelling, and leaves no other beside it`, () => {
    const ids = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
    for (const [name, value, continued] of [
      ['TraceParent', `00-${ids}-01`, true],
      ['B3', `${ids}-1`, true],
      ['X-B3-TraceId', ids.slice(0, 32), false],
      ['TraceState', 'vendor=1', false],
      ['X-Other', `00-${ids}-01`, false],
    ] as const) {
      const request = read(name, value);
      const span = beginSpan(request, always);
      assert.is(span.traceId === ids.slice(0, 32), continued, name);
      assert.is([...request].filter(([each]) => /^(traceparent|b3|tracestate)$/i.test(each)).length, 1, name);
    }
  });

test('B3 goes on as B3, and what cannot be read begins a new trace', () => {
  const single = requestWith('b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0');
  const span = beginSpan(single, always);
  assert.is(span.traceId, '80f198ee56343ba864fe8b2a57d3eff7');
  assert.is(span.sampled, false, 'the one before has decided');
  assert.is(single.get('b3'), `80f198ee56343ba864fe8b2a57d3eff7-${span.spanId}-0-e457b5a2e4d86bd1`);
  assert.not.ok(single.has('traceparent'));
  const many = requestWith('X-B3-TraceId: 64fe8b2a57d3eff7', 'X-B3-SpanId: e457b5a2e4d86bd1', 'X-B3-Sampled: 1');
  assert.is(beginSpan(many, createSampler('parentbased_always_off', 1)).traceId, '000000000000000064fe8b2a57d3eff7');
  assert.is(many.get('x-b3-parentspanid'), 'e457b5a2e4d86bd1');
  for (const bad of [
    'traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01',
    'traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more',
    'traceparent: nonsense',
    'b3: 0',
  ]) {
    const request = requestWith(bad);
    assert.is(beginSpan(request, always).parentId, undefined, bad);
    assert.is(request.getAll('traceparent').length, 1, bad);
  }
});

test('a tracestate goes on with its traceparent, and ends where that cannot be read', () => {
  const parent = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const good = requestWith(parent, 'tracestate: vendor=1');
  beginSpan(good, always);
  assert.is(good.get('tracestate'), 'vendor=1');
  const bad = requestWith('traceparent: nonsense', 'tracestate: vendor=1');
  beginSpan(bad, always);
  assert.not.ok(bad.has('tracestate'));
});

test('samplers decide as their names say, and all alike of one trace', () => {
  const low = `${'0'.repeat(18)}${'0'.repeat(14)}`;
  const high = `${'0'.repeat(18)}${'f'.repeat(14)}`;
  for (const [name, ratio, trace, parent, sampled] of [
    ['parentbased_always_on', 1, low, undefined, true],
    ['parentbased_always_on', 1, low, false, false],
    ['parentbased_always_off', 1, high, undefined, false],
    ['parentbased_always_off', 1, low, true, true],
    ['parentbased_traceidratio', 0.01, high, undefined, true],
    ['parentbased_traceidratio', 0.01, low, undefined, false],
    ['parentbased_traceidratio', 0.01, low, true, true],
    ['always_on', 0, low, false, true],
    ['always_off', 1, high, true, false],
    ['traceidratio', 0.99, low, true, false],
    ['traceidratio', 1, low, false, true],
    ['traceidratio', 0, high, true, false],
  ] as const)
    assert.is(createSampler(name, ratio)(trace, parent), sampled, `${name} ${ratio} ${parent}`);
  const tenth = createSampler('traceidratio', 0.1);
  let count = 0;
  for (let index = 0; index < 10_000; index++)
    if (tenth(beginSpan(requestWith(), always).traceId, undefined)) count += 1;
  // Nine standard deviations.
  assert.ok(count > 730 && count < 1270, String(count));
});

test('whatever a request says of its trace, it leaves with one that can be read', () => {
  const value = fc.oneof(
    fc.string({ maxLength: 70 }).map((text) => text.replace(/[^ -~]/g, '')),
    fc.constant('0'),
  );
  fc.assert(
    fc.property(fc.constantFrom('traceparent', 'b3', 'x-b3-traceid', 'x-b3-spanid'), value, (name, text) => {
      const { traceId, spanId } = beginSpan(requestWith(`${name}: ${text}`), always);
      assert.match(traceId, /^[0-9a-f]{32}$/);
      assert.match(spanId, /^[0-9a-f]{16}$/);
    }),
  );
});

test.run();
