/** Debian's Prometheus takes native histograms of a running sidecar, beside the classic ones. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { MACHINE, Prometheus } from './server.ts';

const SIDECAR = join(import.meta.dirname, '../../sidecars/tls/src/main.ts');
const REQUESTS = 60;
const METRIC = 'tls_request_duration_seconds';

test('a scraper that asks for native histograms has them, of two workers, beside classic ones', async () => {
  await using app = await serve((_request, response) => void response.end('ok'));
  const port = await freePort();
  const program = await startProgram([SIDECAR], {
    PROXY_PORT: String(app.port),
    TLS_LISTEN_ADDRESS: '127.0.0.1',
    TLS_LISTEN_PORT: String(port),
    TLS_STATE_DIR: temporaryDirectory('native'),
    WORKERS: '2',
    // The container comes from outside.
    ADMIN_ADDRESS: '0.0.0.0',
  });
  await program.up();
  await using prometheus = await Prometheus.start(
    {
      global: { scrape_interval: '1s' },
      scrape_configs: [
        {
          job_name: 'sidecars',
          scrape_classic_histograms: true,
          static_configs: [{ targets: [`${MACHINE}:${program.env['ADMIN_PORT']}`] }],
        },
      ],
    },
    { flags: ['--enable-feature=native-histograms'] },
  );
  for (let count = 0; count < REQUESTS; count += 1) {
    const { status } = await request(`https://127.0.0.1:${port}/`, { insecure: true, timeout: 30_000 });
    assert.is(status, 200);
  }
  const valueOf = async (expression: string): Promise<number> =>
    Number((await prometheus.query(expression))[0]?.value?.[1]);
  await eventually(
    'all requests are in the native histogram',
    async () => (await valueOf(`sum(histogram_count(${METRIC}))`)) === REQUESTS,
    { within: 60_000 },
  );
  assert.is(await valueOf(`sum(${METRIC}_count)`), REQUESTS, 'the classic one');
  // Nobody chose bounds, and the median is between those of the classic buckets around it.
  const median = await valueOf(`histogram_quantile(0.5, sum(${METRIC}))`);
  assert.ok(median > 0, String(median));
  const below = await valueOf(`histogram_fraction(0, ${median}, sum(${METRIC}))`);
  assert.ok(Math.abs(below - 0.5) < 0.01, String(below));
  assert.is(await valueOf('tls_build_info'), 1, 'what is no histogram');
  assert.is(await program.stop(), 0, program.output);
});

test.run();
