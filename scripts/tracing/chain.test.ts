/** One request through tls, auth and cache is found by its trace id: in spans, in log lines, and in metrics. */
import { hashSync } from 'bcryptjs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { LogLines } from '#kit/testing/log-lines.ts';
import type { CollectedSpan } from '#kit/testing/otlp.ts';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { contract as auth } from '../../sidecars/auth/src/contract.ts';
import { contract as cache } from '../../sidecars/cache/src/contract.ts';
import { contract as tls } from '../../sidecars/tls/src/contract.ts';

const ROOT = join(import.meta.dirname, '../..');
const WAIT = { within: 120_000 };

const seen: (string | undefined)[] = [];
const app = await serve((incoming, response) => {
  seen.push(incoming.headers['traceparent'] as string | undefined);
  response.setHeader('cache-control', 'max-age=60').end('hello');
});
const collector = await startCollector();
const directory = temporaryDirectory('chain');
const ports = { tls: await freePort(), auth: await freePort(), cache: await freePort() };

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function start(name: keyof typeof ports, appPort: number, env: Record<string, string>): Promise<Program> {
  const prefix = name.toUpperCase();
  return startProgram([join(ROOT, 'sidecars', name, 'src/main.ts')], {
    PROXY_PORT: String(appPort),
    [`${prefix}_LISTEN_ADDRESS`]: '127.0.0.1',
    [`${prefix}_LISTEN_PORT`]: String(ports[name]),
    LOG_LEVEL: 'warn',
    ACCESS_LOG: 'true',
    LOG_FORMAT: 'ecs',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    ...env,
  });
}

const programs = {
  cache: await start('cache', app.port, {}),
  auth: await start('auth', ports.cache, {
    AUTH_METHODS: 'basic',
    AUTH_HTPASSWD_FILE: file('users', `ann:${hashSync('a password', 4)}\n`),
    AUTH_RULES: file('rules', '- { path: /public/**, access: public }\n'),
    AUTH_STATE_DIR: directory,
    AUTH_TRUSTED_PROXIES: '127.0.0.1',
  }),
  tls: await start('tls', ports.auth, { TLS_STATE_DIR: directory }),
};
const names = ['tls', 'auth', 'cache'] as const;

async function ask(path: string): Promise<number> {
  const { status } = await request(`https://127.0.0.1:${ports.tls}${path}`, { insecure: true, timeout: 30_000 });
  return status;
}

const spanOf = (name: string, path: string, after: readonly CollectedSpan[] = []): CollectedSpan | undefined =>
  collector.spans.find(
    (span) => span.resource['service.name'] === name && span.attributes['url.path'] === path && !after.includes(span),
  );

test.before(async () => {
  for (const name of names) await programs[name].up();
  for (const name of names) await programs[name].answers('/readyz', 200);
});

test.after(async () => {
  for (const name of names) assert.is(await programs[name].stop(), 0, programs[name].output.slice(-2000));
});

test('its spans are one trace, each within the one before, and the application has its end', async () => {
  assert.is(await ask('/public/a'), 200);
  await eventually('each has told', () => names.every((name) => spanOf(name, '/public/a') !== undefined), WAIT);
  const [tls, auth, cache] = names.map((name) => spanOf(name, '/public/a')!) as [
    CollectedSpan,
    CollectedSpan,
    CollectedSpan,
  ];
  assert.is(tls.parentSpanId || undefined, undefined);
  assert.is(auth.parentSpanId, tls.spanId);
  assert.is(cache.parentSpanId, auth.spanId);
  assert.is(seen[0], `00-${tls.traceId}-${cache.spanId}-01`);
  assert.equal([tls.name, auth.name, cache.name], ['GET', 'GET /public/**', 'GET']);
  assert.equal([auth.traceId, cache.traceId], [tls.traceId, tls.traceId]);
  assert.equal(
    [tls, auth, cache].map(({ attributes }) => attributes['url.scheme']),
    ['https', 'https', 'https'],
    'also behind TLS',
  );
});

test('its log lines and the exemplars of its durations have the trace’s id', async () => {
  const { traceId } = spanOf('tls', '/public/a')!;
  for (const name of names) {
    const lines = await eventually(
      `${name} has written its line`,
      () => {
        const whole = programs[name].output.split('\n').slice(0, -1);
        const found = whole.filter((line) => line.includes(traceId));
        return found.length > 0 && found;
      },
      WAIT,
    );
    assert.is(lines.length, 1, lines.join('\n'));
    const line = JSON.parse(lines[0]!) as Record<string, unknown>;
    assert.equal(
      [line['service.name'], line['trace.id'], line['url.path'], line['http.response.status_code']],
      [name, traceId, '/public/a', 200],
    );
    const { body } = await request(`http://127.0.0.1:${programs[name].env['ADMIN_PORT']}/metrics`, {
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    });
    assert.match(
      String(body),
      new RegExp(`^${name}_request_duration_seconds_bucket.*# \\{trace_id="${traceId}"\\}`, 'm'),
    );
  }
});

test('a request that auth refuses ends there, with its reason', async () => {
  assert.is(await ask('/private'), 401);
  await eventually('tls and auth have told', () => ['tls', 'auth'].every((name) => spanOf(name, '/private')), WAIT);
  assert.is(spanOf('auth', '/private')?.events[0]?.attributes['exception.type'], 'unauthenticated');
  assert.is(spanOf('cache', '/private'), undefined);
  assert.is(seen.length, 1);
});

test('what each has written is as its contract says, access lines too', () => {
  for (const [name, { logs }] of Object.entries({ tls, auth, cache })) {
    const lines = new LogLines(logs, 'ecs');
    lines.checkAll(programs[name as keyof typeof programs].output);
    assert.ok(lines.counts.access > 0, name);
  }
});

test.run();
