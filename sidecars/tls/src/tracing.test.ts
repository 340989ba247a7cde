/** What a client asks by HTTPS is a span, and goes on as one. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { exchange, withApp } from './test-plane.ts';

const GET = 'GET /a?b=c HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n';

test('a request by HTTPS is a span, which the application’s hang on and the histogram shows', async () => {
  await using collector = await startCollector();
  const seen: (string | undefined)[] = [];
  await withApp(
    (request, response) => {
      seen.push(request.headers['traceparent'] as string | undefined);
      response.end();
    },
    async ({ port, metrics }) => {
      await exchange(port, GET);
      await eventually('the span arrived', () => collector.spans.length === 1, { within: 60_000 });
      const [span] = collector.spans;
      assert.is(seen[0], `00-${span?.traceId}-${span?.spanId}-01`);
      assert.is(span?.attributes['url.scheme'], 'https');
      assert.is(span?.attributes['url.path'], '/a');
      assert.is(span?.resource['service.name'], 'front');
      await eventually('it is counted', async () => /^tls_spans_exported_total 1$/m.test(await metrics()), {
        within: 60_000,
      });
    },
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'front' },
  );
});

test.run();
