/** What the program counts, in numbers: every line that came is stored, skipped, dead or lost, and the metrics tell of each. */
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '#kit/testing/ports.ts';
import type { Program } from '#kit/testing/program.ts';
import { encode } from './forward/test-encode.ts';
import { clear, lines, logs, program, store } from './test-program.ts';

test.before.each(clear);

async function counts(running: Program, ...names: string[]): Promise<number[]> {
  return await Promise.all(names.map((name) => running.metric(name)));
}

test('lines of files and senders: read, skipped, cut, sent, acknowledged, repeated, refused', async () => {
  const port = await freePort();
  store.faults = [
    { kind: 'item', status: 400, pattern: 'refused', times: 1 },
    { kind: 'item', status: 429, pattern: 'later', times: 1 },
  ];
  const running = await program({
    FORWARD_PORT: String(port),
    FORWARD_ADDRESS: '127.0.0.1',
    LINE_DROP: '^DEBUG',
    LINE_MAX_BYTES: '1024',
  });
  await running.up();
  const text = `one\n\n\nDEBUG two\n${'x'.repeat(3000)}\nrefused\nlater\nDEBUG three\n`;
  appendFileSync(join(logs, 'app.log'), text);
  await running.eventually('the file is in', () => store.counts.created === 3);
  const entries = ['a', '', 'DEBUG b', 'c'].map((log) => [1, new Map(Object.entries({ container_id: 'c', log }))]);
  const message = encode(['t', entries as never]);
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(message);
  await running.eventually('the message is in', () => store.counts.created === 5);
  await running.eventually('all is acknowledged', async () => (await running.metric('shipper_queue_records')) === 0);
  assert.equal(
    await counts(
      running,
      'shipper_read_bytes_total{input="file"}',
      'shipper_read_bytes_total{input="forward"}',
      'shipper_read_total{input="forward"}',
      'shipper_forward_connections',
      'shipper_skipped_total{reason="empty"}',
      'shipper_skipped_total{reason="rule"}',
      'shipper_cut_total',
      'shipper_acknowledged_total',
      'shipper_dead_total',
      'shipper_retried_total{reason="item"}',
    ),
    [text.length, message.length, 4, 1, 3, 3, 1, 5, 1, 1],
  );
  const [sent, requests, bytes, dead] = await counts(
    running,
    'shipper_sent_total',
    'shipper_requests_total{result="answered"}',
    'shipper_sent_bytes_total',
    'shipper_dead_letter_bytes',
  );
  assert.is(sent, 7, 'five that are stored, one that is dead, one twice');
  assert.is(requests, store.counts.requests);
  assert.ok(bytes! > 5 * 50 && dead! > 50);
  socket.destroy();
  assert.is(await running.stop(), 0);
});

test('bytes that are lost before the store had them are counted, and logged with their file', async () => {
  store.faults = [{ kind: 'status', status: 503 }];
  const running = await program({ QUEUE_MAX_RECORDS: '100', STORE_RETRY_MAX: '100ms' });
  await running.up();
  const path = join(logs, 'app.log');
  // More than is read at once, so that some of it is not.
  const all = lines(0, 20_000);
  writeFileSync(path, all);
  await running.eventually('it was seen', async () => {
    const lag = await running.metric('shipper_file_lag_bytes');
    return lag === all.length && (await running.metric('shipper_queue_records')) > 0;
  });
  truncateSync(path, 0);
  await running.eventually(
    'it is counted',
    async () => (await running.metric('shipper_lost_bytes_total{reason="truncated"}')) > 0,
  );
  const lost = await running.metric('shipper_lost_bytes_total{reason="truncated"}');
  store.faults = [];
  appendFileSync(path, 'after\n');
  await running.eventually('what is left', () => store.documents.at(-1)?.body.includes('"after"'));
  const kept = store.documents.length - 1;
  const bytes = lines(0, kept).length;
  assert.ok(kept > 0 && kept < 20_000, `${kept} lines are stored`);
  assert.is(bytes + lost, all.length);
  assert.match(running.output, new RegExp(`"path":"${path}","bytes":${lost},"reason":"truncated"`));
  assert.is(await running.stop(), 0);
});

test.run();
