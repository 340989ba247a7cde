/** What the admin port tells of requests, and to whom. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AccessEntry } from '../telemetry/access-log.ts';
import { requestReport } from './reports.ts';

const entryOf = (path: string): AccessEntry => ({
  time: '2026-11-23T00:00:00.000Z',
  direction: 'inbound',
  source: 'front',
  destination: 'shop',
  mtls: true,
  protocol: 'HTTP/1.1',
  path,
  flags: '-',
  durationMs: 1,
  requestBytes: 0,
  responseBytes: 0,
  originalDestination: '10.0.0.2:8080',
  client: '10.0.0.1:1',
});

test('queries of paths are shown to the pod itself alone', () => {
  const entries = [entryOf('/reset?token=secret?x'), entryOf('/plain')];
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
    assert.equal(requestReport(entries, address), entries);
  for (const address of ['10.0.0.9', '::ffff:10.0.0.9', 'fd00::1', undefined])
    assert.equal(
      requestReport(entries, address).map(({ path }) => path),
      ['/reset?...', '/plain'],
      String(address),
    );
});

test.run();
