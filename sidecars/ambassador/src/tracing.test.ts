/** The modes that speak HTTP make a span of each request, measure how long it took, and write a line about it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { LogLines } from '#kit/testing/log-lines.ts';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { contract } from './contract.ts';

for (const mode of ['broker', 'split'])
  test(`${mode}: a request’s span goes on to the server`, async () => {
    await using collector = await startCollector();
    const seen: (string | undefined)[] = [];
    await using server = await serve((incoming, response) => {
      seen.push(incoming.headers['traceparent'] as string | undefined);
      response.end('served');
    });
    const port = await freePort();
    const path = join(temporaryDirectory('broker'), 'servers.yaml');
    const at = `127.0.0.1:${server.port}`;
    writeFileSync(path, `services: {shop: {port: ${port}, protocol: http, servers: ["${at}"]}}`);
    const program = await startProgram([join(import.meta.dirname, 'main.ts')], {
      AMBASSADOR_MODE: mode,
      AMBASSADOR_PORT: String(port),
      ...(mode === 'broker' ? { BROKER_FILE: path } : { SPLIT_OLD: at, SPLIT_NEW: at }),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      ACCESS_LOG: 'true',
      LOG_FORMAT: 'ecs',
    });
    await program.up();
    const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    const { body } = await request(`http://127.0.0.1:${port}/a`, { headers, timeout: 60_000 });
    assert.is(String(body), 'served');
    await eventually('the span arrived', () => collector.spans.length > 0, { within: 60_000 });
    const [span] = collector.spans;
    assert.is(span?.parentSpanId, 'b7ad6b7169203331');
    assert.is(span?.resource['service.name'], 'ambassador');
    assert.is(seen[0], `00-0af7651916cd43dd8448eb211c80319c-${span?.spanId}-01`);
    await program.answers('/metrics', 200, /^ambassador_request_duration_seconds_count\{method="GET",code="2xx"\} 1$/m);
    assert.is(await program.stop(), 0, program.output);
    const lines = new LogLines(contract.logs, 'ecs');
    lines.checkAll(program.output);
    assert.is(lines.counts.access, 1);
    assert.match(program.output, `"trace.id":"0af7651916cd43dd8448eb211c80319c"`);
  });

test.run();
