/** Each request is a span, whether the store answers it or the application. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { startCache, TestApp } from './test-plane.ts';

test('hits and misses are spans; a fetch carries on the span of the request that began it', async () => {
  await using collector = await startCollector();
  await using app = await TestApp.start(() => ({ headers: { 'Cache-Control': 'max-age=60' } }));
  await using cache = await startCache(app.server.port, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  const parentOf = (digit: string): string => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
  await cache.get('/a', { traceparent: parentOf('1') });
  await cache.get('/a', { traceparent: parentOf('2') });
  await cache.get('/b');
  await eventually('three spans arrived', () => collector.spans.length === 3, { within: 60_000 });
  const [miss, hit, own] = collector.spans;
  assert.is(app.seen.length, 2, 'the second one was stored');
  assert.is(app.seen[0]?.headers['traceparent'], `00-${miss?.traceId}-${miss?.spanId}-01`);
  assert.is(app.seen[1]?.headers['traceparent'], `00-${own?.traceId}-${own?.spanId}-01`);
  assert.equal([miss?.parentSpanId, hit?.parentSpanId], ['1'.repeat(16), '2'.repeat(16)]);
  assert.match(String(miss?.attributes['cache.status']), /fwd=uri-miss/);
  assert.match(String(hit?.attributes['cache.status']), /; ?hit/);
});

test.run();
