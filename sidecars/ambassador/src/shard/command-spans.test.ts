/** Commands of the shard mode as spans: what they tell, and what they never tell. */
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { RespClient } from '#kit/testing/resp-client.ts';
import type { SpanRecord } from '#kit/tracing/span.ts';
import { FakeValkey } from '../testing/valkey.ts';
import { CommandSpans } from './command-spans.ts';
import type { Pending } from './pending.ts';

const SERVER = { name: 'a', host: 'valkey-a', port: 6379 };
const GET = Buffer.from('*2\r\n$3\r\nget\r\n$6\r\nsecret\r\n');

/** A command's way, with what it told and what was exported. */
function follow(command = GET, sampled = true) {
  const told: string[] = [];
  const exported: SpanRecord[] = [];
  const pending: Pending = {
    onReply: (bytes, done) => void told.push(`${String(bytes)}${done ? '.' : ''}`),
    onFailure: (reason) => void told.push(reason),
    congested: (resume) => (resume(), true),
  };
  const spans = new CommandSpans({ sampler: () => sampled, export: (span) => void exported.push(span) });
  return { told, exported, pending, traced: spans.begin(SERVER, command, pending) };
}

test('a command that is not sampled goes its way as it is', () => {
  const { traced, pending } = follow(GET, false);
  assert.is(traced, pending);
});

test('a reply in parts is one span, and is passed on', () => {
  const { traced, told, exported } = follow();
  traced.onReply(Buffer.from('$2\r\n'), false);
  assert.is(exported.length, 0);
  traced.onReply(Buffer.from('-x\r\n'), true);
  assert.equal(told, ['$2\r\n', '-x\r\n.']);
  const [{ name, kind, attributes, error, start, end }] = exported as [SpanRecord];
  assert.equal([name, kind, error], ['GET valkey-a:6379', 'client', undefined]);
  assert.equal(attributes, {
    'db.system.name': 'redis',
    'db.operation.name': 'GET',
    'db.response.status_code': undefined,
    'server.address': 'valkey-a',
    'server.port': 6379,
    'error.type': undefined,
  });
  assert.ok(end >= start);
  let resumed = false;
  assert.is(
    traced.congested?.(() => (resumed = true)),
    true,
  );
  assert.ok(resumed);
});

test("a server's error and a failure are told by their kind alone", () => {
  const refused = follow();
  refused.traced.onReply(Buffer.from('-WRONGTYPE Operation against secret\r\n'), true);
  const failed = follow();
  failed.traced.onFailure('server a: ECONNREFUSED');
  const nameless = follow(Buffer.from('nonsense'));
  nameless.traced.onFailure('server a: it did not answer in time');
  assert.equal(
    [refused, failed, nameless].map(({ exported: [span] }) => [
      span!.attributes['db.operation.name'],
      span!.attributes['error.type'],
      span!.attributes['db.response.status_code'],
      span!.error,
    ]),
    [
      ['GET', 'WRONGTYPE', 'WRONGTYPE', 'the server answered WRONGTYPE'],
      ['GET', 'ECONNREFUSED', undefined, 'server a: ECONNREFUSED'],
      ['_OTHER', '_OTHER', undefined, 'server a: it did not answer in time'],
    ],
  );
  assert.equal(failed.told, ['server a: ECONNREFUSED']);
});

test('a collector gets commands of the application, without keys and values, and no probe', async () => {
  await using collector = await startCollector();
  const server = await new FakeValkey().start();
  const port = await freePort();
  const program = await startProgram([join(import.meta.dirname, '../main.ts')], {
    AMBASSADOR_PORT: String(port),
    SERVERS: `127.0.0.1:${server.port}:1 a`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  await program.answers('/readyz', 200);
  const client = await RespClient.to(port);
  assert.is(await client.ask('SET', 'secret-key', 'secret-value'), 'OK');
  assert.instance(await client.ask('PFADD', 'secret-key', 'secret-value'), ReplyError);
  await eventually('both spans have come', () => collector.spans.length >= 2, { within: 60_000 });
  assert.equal(
    collector.spans.map(({ name, kind, parentSpanId }) => [name, kind, parentSpanId]),
    [
      [`SET 127.0.0.1:${server.port}`, 'client', undefined],
      [`PFADD 127.0.0.1:${server.port}`, 'client', undefined],
    ],
  );
  assert.is(collector.spans[1]!.attributes['error.type'], 'ERR');
  assert.not.match(inspect(collector.spans, { depth: 9 }), 'secret');
  client.close();
  assert.is(await program.stop(), 0, program.output);
  await server.kill();
});

test.run();
