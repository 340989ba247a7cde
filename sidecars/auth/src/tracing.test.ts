/** Who is let in or not is told in the request's span, and nothing of their credentials. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
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

test('the path of the rule that a request fits is its span’s route, and its duration’s', async () => {
  await using collector = await startCollector();
  const rules = join(temporaryDirectory('rules'), 'rules.yaml');
  writeFileSync(rules, '- { path: /orders/**, access: public }\n- { path: /admin/*, access: deny }\n');
  await withAuth(
    async ({ url, metrics }, _provided, browser) => {
      for (const path of ['/orders/17', '/ORDERS/17', '/admin/users', '/']) await browser.get(`${url}${path}`);
      await eventually('the spans arrived', () => collector.spans.length === 4, { within: 60_000 });
      assert.equal(
        collector.spans.map(({ name, attributes }) => [name, attributes['http.route']]),
        [
          ['GET /orders/**', '/orders/**'],
          ['GET', undefined],
          ['GET /admin/*', '/admin/*'],
          ['GET', undefined],
        ],
      );
      const text = await metrics();
      assert.match(text, 'auth_request_duration_seconds_count{method="GET",code="2xx",route="/orders/**"} 1\n');
      assert.match(text, 'auth_request_duration_seconds_count{method="GET",code="4xx",route="/admin/*"} 1\n');
    },
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, AUTH_RULES: rules },
  );
});

test.run();
