/** Who is let in or not is told in the request's span, and nothing of their credentials. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { echoed, withAuth } from './test-auth.ts';

test('a refusal’s reason is an event of its span, and a request that passes carries its span on', async () => {
  await using collector = await startCollector();
  await withAuth(
    async ({ url }, _provided, browser) => {
      await browser.get(`${url}/orders`, { authorization: 'Bearer secret' });
      await browser.follow(`${url}/`);
      const page = await browser.get(`${url}/orders`);
      assert.is(page.status, 200);
      const [, traceId, spanId] = String(echoed(page).headers['traceparent']).split('-');
      await eventually('its span arrived', () => collector.spans.some((span) => span.spanId === spanId), {
        within: 60_000,
      });
      assert.is(collector.spans.find((span) => span.spanId === spanId)?.traceId, traceId);
      const [refused] = collector.spans;
      assert.is(refused?.events[0]?.attributes['exception.type'], 'unauthenticated');
      assert.is(refused?.error, undefined, 'a client without a session is no failure');
      const told = JSON.stringify(collector.spans, (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      );
      assert.not.match(told, /secret|cookie|code=/i);
    },
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  );
});

test.run();
