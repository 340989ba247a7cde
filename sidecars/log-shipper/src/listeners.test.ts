/** Syslog and OTLP through the whole program: what was answered is in the store once, also after a kill. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '#kit/testing/ports.ts';
import { requestOf } from './otlp/test-schema.ts';
import { clear, program, state, store } from './test-program.ts';

test.before.each(clear);

const COUNT = 2000;
const messages = (): string[] =>
  store.documents.map(({ body }) => (JSON.parse(body) as { message: string }).message).toSorted();
const numbered = (what: string): string[] => Array.from({ length: COUNT }, (_, at) => `${what} ${at}`);

test('records that were answered outlive a kill, and a request that is sent again is stored once', async () => {
  const [otlp, syslog] = [await freePort(), await freePort()];
  const env = {
    FILE_PATHS: '',
    OTLP_PORT: String(otlp),
    OTLP_TOKEN: 'secret',
    SYSLOG_PORT: String(syslog),
    STORE_RETRY_MAX: '100ms',
  };
  store.faults = [{ kind: 'status', status: 503 }];
  const first = await program(env);
  await first.up();
  const body = requestOf(
    numbered('record').map((text) => ({ timeUnixNano: '1764043200000000000', body: { stringValue: text } })),
  ).protobuf;
  const post = (): Promise<Response> =>
    fetch(`http://127.0.0.1:${otlp}/v1/logs`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-protobuf', authorization: 'Bearer secret' },
    });
  assert.is((await post()).status, 200);
  const socket = connect(syslog, '127.0.0.1');
  await once(socket, 'connect');
  socket.end(
    numbered('line')
      .map((text) => `<14>1 - - - - - - ${text}\n`)
      .join(''),
  );
  await first.eventually(
    'it is read',
    async () => (await first.metric('shipper_read_total{input="syslog"}')) === COUNT,
  );
  await first.eventually('it is written', async () => (await first.metric('shipper_syslog_connections')) === 0);
  assert.is(store.documents.length, 0);
  await first.stop('SIGKILL');
  store.faults = [];
  const second = await program(env);
  await second.up();
  assert.is((await post()).status, 200);
  const expected = [...numbered('line'), ...numbered('record')].toSorted();
  await second.eventually('all is there', async () => (await second.metric('shipper_spool_records')) === 0);
  assert.equal(messages(), expected);
  assert.is(await second.metric('shipper_otlp_requests_total{status="200"}'), 1);
  await second.stop();
});

test('TLS without a key, and a port that is taken, end the start with a sentence', async () => {
  const port = await freePort();
  const holder = await program({ FILE_PATHS: '', SYSLOG_UDP_PORT: String(port), SPOOL_DIR: join(state, 'other') });
  await holder.up();
  for (const [env, message] of [
    [{ OTLP_PORT: '1', OTLP_TLS_CERT_FILE: '/x' }, /OTLP_TLS_CERT_FILE is set without OTLP_TLS_KEY_FILE/],
    [{ SYSLOG_PORT: '1', SYSLOG_TLS_KEY_FILE: '/x' }, /SYSLOG_TLS_KEY_FILE is set without SYSLOG_TLS_CERT_FILE/],
    [{ SYSLOG_UDP_PORT: String(port) }, /SYSLOG_UDP_PORT: 0\.0\.0\.0:\d+ cannot be bound \(EADDRINUSE\); accepted is/],
  ] as const) {
    const refused = await program(env as unknown as Record<string, string>);
    assert.is(await refused.ended(), 64, refused.output);
    assert.match(refused.output, message);
  }
  await holder.stop();
});

test.run();
