/** Counts become metrics when they are read. */
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Request } from './http/request.ts';
import { ProxyCounts } from './stats.ts';

test('every status is counted, above 599 as 5xx; each count once', () => {
  const registry = new Registry();
  const { requests, errors, flying } = createMetrics(
    {
      requests: { type: 'counter', help: 'x', labels: ['code'] },
      errors: { type: 'counter', help: 'x' },
      flying: { type: 'gauge', help: 'x' },
    },
    registry,
  );
  const counts = new ProxyCounts();
  counts.publish({ requests, internalErrors: errors, requestsInFlight: flying });
  for (const status of [101, 200, 304, 404, 500, 599, 600, 999]) counts.responded(status);
  counts.internalError();
  counts.requestStarted();
  for (let round = 0; round < 2; round++) {
    const text = registry.metrics();
    for (const line of [
      'requests{code="1xx"} 1',
      'requests{code="3xx"} 1',
      'requests{code="5xx"} 4',
      'errors 1',
      'flying 1',
    ])
      assert.match(text, line);
  }
});

test('durations of requests with routes are told by route, of routes without end together', () => {
  const registry = new Registry();
  const { took } = createMetrics(
    { took: { type: 'histogram', help: 'x', labels: ['method', 'code', 'route'] } },
    registry,
  );
  const counts = new ProxyCounts();
  counts.publish({ requestDuration: took });
  const request = new Request({ method: 'GET', target: '/', authority: 'a' });
  const end = (route: string | undefined): void =>
    counts.requestEnded({ request, status: 200, route, span: undefined, startedAt: performance.now() });
  end(undefined);
  for (let index = 0; index < 1000; index++) end(`/${index}/**`);
  end('/7/**');
  const text = registry.metrics('prometheus');
  assert.match(text, 'took_count{method="GET",code="2xx"} 1\n');
  assert.match(text, 'took_count{method="GET",code="2xx",route="/7/**"} 2\n');
  assert.is([...text.matchAll(/^took_count/gm)].length, 101);
  assert.match(text, /^took_count\{method="GET",code="2xx",route="others"\} 901$/m);
});

test('durations are told by method and status class, with the trace that a client sampled', () => {
  const registry = new Registry();
  const { took } = createMetrics({ took: { type: 'histogram', help: 'x', labels: ['method', 'code'] } }, registry);
  const counts = new ProxyCounts();
  counts.publish({ requestDuration: took });
  const end = (method: string, status: number, flags = ''): void => {
    const lines = flags === '' ? '' : `traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}\r\n`;
    const request = new Request({ method, target: '/', authority: 'a', lines });
    counts.requestEnded({ request, status, route: undefined, span: undefined, startedAt: performance.now() });
  };
  end('GET', 204, '00');
  end('GET', 999);
  end('GET', 0);
  end('POST', 201, '01');
  for (let index = 0; index < 1000; index++) end(`X${index}`, 200);
  const text = registry.metrics('openmetrics');
  for (const [method, code, count] of [
    ['GET', '2xx', 1],
    ['GET', '5xx', 1],
    ['GET', 'none', 1],
    ['POST', '2xx', 1],
    ['_OTHER', '2xx', 1000],
  ] as const)
    assert.match(text, `took_count{method="${method}",code="${code}"} ${count}\n`);
  assert.is(text.split('# {trace_id="0af7651916cd43dd8448eb211c80319c"}').length, 2, 'of the sampled one alone');
  assert.is(text.split('took_count').length, 6, 'methods that a client invents make no series');
});

test.run();
