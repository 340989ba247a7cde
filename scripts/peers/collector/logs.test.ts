/** The OpenTelemetry Collector's exporter sends log records to the log shipper: both encodings, three compressions, each record once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { TestStore } from '#kit/testing/bulk-store.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { skipped } from '#kit/testing/skipped.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { findPeer, notBuilt } from '../../lib/go-program.ts';
import { startPeer } from '../start-peer.ts';

const COUNT = 500;
const ENCODINGS = ['proto', 'json'] as const;
const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;
const SHIPPER = join(import.meta.dirname, '../../../sidecars/log-shipper/src/main.ts');

const path = await findPeer('collector');
const NAME = `${COUNT} records through a collector to the log shipper, by each of its ways to send`;
if (path === undefined) skipped(NAME, notBuilt('collector'));
else
  test(NAME, async () => {
    const store = new TestStore();
    await using server = await serve((incoming, response) => void store.answer(incoming, response));
    const dir = temporaryDirectory('collector-logs');
    const port = await freePort();
    const shipper = await startProgram([SHIPPER], {
      OTLP_PORT: String(port),
      OTLP_ADDRESS: '127.0.0.1',
      OTLP_TOKEN: 'secret',
      STORE_URL: server.url,
      STATE_DIR: join(dir, 'state'),
      SPOOL_DIR: join(dir, 'spool'),
      DEAD_LETTER_DIR: join(dir, 'dead'),
    });
    await shipper.up();
    for (const encoding of ENCODINGS)
      for (const compression of COMPRESSIONS) {
        const what = `${encoding}, ${compression}`;
        store.clear();
        const endpoint = `127.0.0.1:${await freePort()}`;
        const log = join(dir, `${encoding}-${compression}.log`);
        writeFileSync(log, Array.from({ length: COUNT }, (_, at) => `record ${at} of é "${what}"\n`).join(''));
        const file = join(dir, 'collector.yaml');
        const exporter = {
          endpoint: `http://127.0.0.1:${port}`,
          headers: { authorization: 'Bearer secret' },
          encoding,
          compression,
        };
        const configuration = {
          receivers: {
            otlp: { protocols: { http: { endpoint } } },
            filelog: { include: [log], start_at: 'beginning', resource: { 'service.name': 'checkout' } },
          },
          exporters: { otlp_http: exporter },
          service: {
            pipelines: { logs: { receivers: ['otlp', 'filelog'], exporters: ['otlp_http'] } },
            telemetry: { metrics: { level: 'none' } },
          },
        };
        writeFileSync(file, JSON.stringify(configuration));
        const peer = await startPeer(path, ['--config', file], async () => {
          const headers = { 'content-type': 'application/json' };
          const { status } = await request(`http://${endpoint}/v1/logs`, { method: 'POST', headers, body: '{}' });
          return status === 200;
        });
        try {
          await shipper.eventually(`all are there: ${what}`, () => store.counts.created >= COUNT);
        } finally {
          await peer.stop();
        }
        const documents = store.documents.map(({ body }) => JSON.parse(body) as Readonly<Record<string, unknown>>);
        assert.equal(
          documents.map(({ message }) => message),
          Array.from({ length: COUNT }, (_, at) => `record ${at} of é "${what}"`),
        );
        assert.is(documents[0]!['service.name'], 'checkout');
        assert.is(documents[0]!['log.file.name'], `${encoding}-${compression}.log`);
      }
    assert.is(await shipper.metric('shipper_otlp_rejected_total'), 0);
    await shipper.stop();
  });

test.run();
