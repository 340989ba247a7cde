/** A traced proxy makes one span of each request that is sampled, and tells why it failed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readParameters } from '#kit/contract/parameters.ts';
import { Counter } from '#kit/telemetry/series.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { CollectedSpan } from '#kit/testing/otlp.ts';
import { startCollector, type TestCollector } from '#kit/testing/otlp-collector.ts';
import { serve } from '#kit/testing/server.ts';
import { tracingParameters } from '#kit/tracing/parameters.ts';
import { startProxy, type TestProxy } from '#proxy/testing/proxy.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { startTracing, type Tracing } from './tracing.ts';

function tracingTo(collector: TestCollector | undefined, env: Record<string, string> = {}): Tracing {
  const to = collector === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const counter = (name: string): Counter => new Counter({ name, help: name });
  return startTracing({
    parameters: readParameters(tracingParameters, { env: { ...to, ...env } }).values,
    log: { warn: ignore, info: ignore },
    scope: { name: 'example', version: '1.0.0' },
    metrics: { exported: counter('exported'), dropped: counter('dropped') },
  });
}

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const get = (path: string, ...lines: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: shop.test:8080', 'Connection: close', ...lines, '', ''].join('\r\n');

async function spanOf(collector: TestCollector, index = 0): Promise<CollectedSpan> {
  await eventually('the span arrived', () => collector.spans.length > index, { within: 60_000 });
  return collector.spans[index]!;
}

test('a request is a server’s span by the conventions for HTTP, and carries it on', async () => {
  const seen: (string | undefined)[] = [];
  await using app = await serve((incoming, response) => {
    seen.push(incoming.headers['traceparent'] as string | undefined);
    response.end('hello');
  });
  await using collector = await startCollector();
  const tracing = tracingTo(collector);
  await using proxy = await startProxy(app.port, { filters: tracing.filters });
  const before = BigInt(Date.now()) * 1_000_000n;
  await exchange(proxy.port, get('/orders/17?token=secret', `traceparent: ${PARENT}`, 'User-Agent: test/1'));
  const span = await spanOf(collector);
  assert.is(span.traceId, '0af7651916cd43dd8448eb211c80319c');
  assert.is(span.parentSpanId, 'b7ad6b7169203331');
  assert.is(seen[0], `00-${span.traceId}-${span.spanId}-01`);
  assert.is(span.name, 'GET');
  assert.is(span.kind, 'server');
  assert.equal(span.attributes, {
    'http.request.method': 'GET',
    'url.path': '/orders/17',
    'url.scheme': 'http',
    'server.address': 'shop.test',
    'server.port': 8080,
    'user_agent.original': 'test/1',
    'http.response.status_code': 200,
    'network.peer.address': '127.0.0.1',
  });
  assert.equal(span.events, []);
  assert.is(span.error, undefined);
  assert.is(span.resource['service.name'], 'example');
  // Within a second of the wall clock, which may be set meanwhile.
  assert.ok(span.start > before - 1_000_000_000n && span.end >= span.start, `${before} ${span.start} ${span.end}`);
  await tracing.close();
});

test('a failure is an error with its reason as an event; a refusal by a filter is no error', async () => {
  await using app = await serve((incoming, response) => {
    if (incoming.url === '/bad') response.writeHead(503).end();
    else incoming.socket.destroy();
  });
  await using collector = await startCollector();
  const tracing = tracingTo(collector);
  const refusing = {
    onRequest(exchanged: { reason: string | undefined; request: { path: string } }) {
      if (exchanged.request.path !== '/refused') return undefined;
      exchanged.reason = 'forbidden';
      return { status: 403, fields: [] };
    },
  };
  await using proxy = await startProxy(app.port, { filters: [...tracing.filters, refusing] });
  const told: unknown[] = [];
  for (const [index, path] of ['/bad', '/closed', '/refused'].entries()) {
    await exchange(proxy.port, get(path));
    const { attributes, events, error } = await spanOf(collector, index);
    const [event] = events;
    told.push([
      attributes['http.response.status_code'],
      attributes['error.type'],
      event?.name,
      event?.attributes['exception.message'],
      error !== undefined,
    ]);
  }
  const closed = 'The application closed the connection before it answered';
  assert.equal(told[0], [503, '503', 'exception', 'The answer’s status is 503.', true]);
  assert.equal(told[2], [403, undefined, 'exception', 'The proxy answered by itself: forbidden.', false]);
  const [status, type, , message, error] = told[1] as [number, string, string, string, boolean];
  assert.equal([status, type, error], [502, 'closed', true]);
  assert.ok(message.startsWith(closed), message);
  await tracing.close();
});

test('methods without end make no names without end', async () => {
  await using app = await serve((_incoming, response) => void response.end());
  await using collector = await startCollector();
  const tracing = tracingTo(collector);
  await using proxy = await startProxy(app.port, { filters: tracing.filters });
  await exchange(proxy.port, get('/').replace('GET', 'PROPFIND'));
  const { name, attributes } = await spanOf(collector);
  assert.is(name, 'HTTP');
  assert.is(attributes['http.request.method'], '_OTHER');
  assert.is(attributes['http.request.method_original'], 'PROPFIND');
  await tracing.close();
});

test('a request that fits a pattern of the configuration has it in its span’s name', async () => {
  await using app = await serve((_incoming, response) => void response.end());
  await using collector = await startCollector();
  const tracing = tracingTo(collector);
  const matching = {
    onRequest(exchanged: { route: string | undefined }) {
      exchanged.route = '/orders/**';
    },
  };
  await using proxy = await startProxy(app.port, { filters: [...tracing.filters, matching] });
  await exchange(proxy.port, get('/orders/17'));
  const { name, attributes } = await spanOf(collector);
  assert.is(name, 'GET /orders/**');
  assert.is(attributes['http.route'], '/orders/**');
  await tracing.close();
});

test('the one before decides whether a trace is sampled; who is next is told', async () => {
  const seen: string[] = [];
  await using app = await serve((incoming, response) => {
    seen.push(incoming.headers['traceparent'] as string);
    response.end();
  });
  await using collector = await startCollector();
  const tracing = tracingTo(collector, { OTEL_TRACES_SAMPLER: 'parentbased_always_off' });
  await using proxy = await startProxy(app.port, { filters: tracing.filters });
  await exchange(proxy.port, get('/', `traceparent: ${PARENT.replace(/01$/, '00')}`));
  await exchange(proxy.port, get('/'));
  await exchange(proxy.port, get('/', `traceparent: ${PARENT}`));
  const span = await spanOf(collector);
  await tracing.close();
  assert.is(collector.spans.length, 1);
  assert.is(seen.length, 3);
  assert.match(seen[0]!, /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
  assert.match(seen[1]!, /-00$/);
  assert.is(seen[2], `00-${span.traceId}-${span.spanId}-01`);
});

test('without a collector there is no filter, and a request’s trace goes on as it is', async () => {
  const seen: (string | undefined)[] = [];
  await using app = await serve((incoming, response) => {
    seen.push(incoming.headers['traceparent'] as string | undefined);
    response.end();
  });
  const tracing = tracingTo(undefined);
  assert.equal(tracing.filters, []);
  await using proxy = await startProxy(app.port, { filters: tracing.filters });
  await exchange(proxy.port, get('/', `traceparent: ${PARENT}`));
  await exchange(proxy.port, get('/'));
  assert.equal(seen, [PARENT, undefined]);
  await tracing.close();
});

test('a collector that hangs holds up no request', async () => {
  await using app = await serve((_incoming, response) => void response.end('ok'));
  await using collector = await startCollector();
  let asked = 0;
  collector.answer = () => (asked++, true);
  const tracing = tracingTo(collector);
  await using proxy: TestProxy = await startProxy(app.port, { filters: tracing.filters });
  await exchange(proxy.port, get('/'));
  await eventually('the collector has it, and hangs', () => asked === 1, { within: 60_000 });
  for (let request = 0; request < 20; request++) assert.match(await exchange(proxy.port, get('/')), /^HTTP\/1.1 200/);
  assert.is(asked, 1);
  await tracing.close();
});

function ignore(): void {}

test.run();
