/** The OTLP input as senders see it, over real sockets; the collector of the OpenTelemetry project is one of them. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request as ask } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { collect, type Collected } from '../senders/test-rig.ts';
import { startOtlp, type OtlpOptions } from './input.ts';
import { decode, requestOf, type Wire } from './test-schema.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

interface Rig extends Collected, AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly answered: number[];
  /** Records that were rejected. */
  readonly rejected: () => number;
  readonly post: (body: Buffer, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  readonly close: () => Promise<void>;
}

async function start(more: Partial<OtlpOptions> & { readonly drop?: string } = {}): Promise<Rig> {
  const { options, collected } = collect(more);
  const answered: number[] = [];
  let rejected = 0;
  const input = await startOtlp({
    ...options,
    maxRequest: 64 * 1024,
    token: undefined,
    patience: 100,
    onAnswered: (status) => answered.push(status),
    onRejected: (records) => (rejected += records),
    ...more,
  });
  const url = `http://127.0.0.1:${input.port}/v1/logs`;
  const close = (): Promise<void> => input.close(AbortSignal.timeout(10_000));
  return Object.assign(collected, {
    url,
    port: input.port,
    answered,
    rejected: () => rejected,
    post: (body: Buffer, headers: Readonly<Record<string, string>> = {}) =>
      fetch(url, { method: 'POST', body, headers: { 'content-type': PROTOBUF, ...headers } }),
    close,
    [Symbol.asyncDispose]: async () => {
      collected.room = true;
      await close().catch(() => {});
    },
  });
}

const record = (message: string, more: Wire = {}): Wire => ({
  timeUnixNano: '1764043200000000000',
  body: { stringValue: message },
  ...more,
});
const messages = (rig: Rig): unknown[] => rig.documents().map(({ message }) => message);

test('both encodings, packed and not, are answered in kind once the records are safe', async () => {
  await using rig = await start();
  const { json, protobuf } = requestOf([record('hello')]);
  for (const [body, headers] of [
    [protobuf, {}],
    [gzipSync(protobuf), { 'content-encoding': 'gzip' }],
    [zstdCompressSync(protobuf), { 'content-encoding': 'zstd' }],
    [json, { 'content-type': JSON_TYPE }],
    [gzipSync(json), { 'content-type': `${JSON_TYPE}; charset=utf-8`, 'content-encoding': 'gzip' }],
  ] as const) {
    const answer = await rig.post(body, headers);
    const type = headers as { 'content-type'?: string };
    assert.is(answer.status, 200);
    assert.is(answer.headers.get('content-type'), type['content-type'] === undefined ? PROTOBUF : JSON_TYPE);
    assert.is(await answer.text(), type['content-type'] === undefined ? '' : '{}');
  }
  assert.equal(
    messages(rig),
    Array.from({ length: 5 }, () => 'hello'),
  );
  const ids = rig.records.map(({ id }) => id);
  assert.equal([new Set(ids.slice(0, 3)).size, new Set(ids.slice(3)).size], [1, 1], 'sent again under the same ids');
  rig.room = false;
  const waiting = rig.post(requestOf([record('later')]).protobuf);
  await eventually('it was sent', () => rig.reading() === 5);
  const first = await Promise.race([waiting, rig.post(requestOf([record('other')]).protobuf)]);
  assert.is(first.status, 503, 'the other one waits for the spool');
  assert.is(first.headers.get('retry-after'), '5');
  rig.room = true;
  assert.is((await waiting).status, 200);
});

test('records without a time may be alike and not the same: each has an id of its own', async () => {
  await using rig = await start();
  const { protobuf } = requestOf([{ body: { stringValue: 'tick' } }]);
  await rig.post(protobuf);
  await rig.post(protobuf);
  assert.is(new Set(rig.records.map(({ id }) => id)).size, 2);
});

test('partial success says how many were rejected, and why; rules and empty requests reject none', async () => {
  await using rig = await start({ drop: '^DEBUG' });
  const wide = { arrayValue: { values: Array.from({ length: 17_000 }, () => ({})) } };
  const { protobuf } = requestOf([record('good'), record('', { body: wide }), record('DEBUG x')]);
  const partial = decode('ExportLogsServiceResponse', await (await rig.post(protobuf)).bytes());
  const partialSuccess = { rejectedLogRecords: '1', errorMessage: 'more than 16384 values' };
  assert.equal(partial, { partialSuccess });
  const many = requestOf(
    Array.from({ length: 2 }, () =>
      record('', { body: { arrayValue: { values: Array.from({ length: 16_400 }, () => ({})) } } }),
    ),
  );
  await using roomy = await start({ maxRequest: 2 * 1024 * 1024 });
  assert.equal(await (await roomy.post(many.json, { 'content-type': JSON_TYPE })).json(), {
    partialSuccess: { ...partialSuccess, rejectedLogRecords: '2' },
  });
  assert.equal([rig.rejected(), roomy.rejected()], [1, 2]);
  assert.equal([messages(rig), rig.skipped], [['good'], ['rule']]);
  assert.is(await (await rig.post(Buffer.alloc(0))).text(), '');
  assert.is(await (await rig.post(Buffer.from('{}'), { 'content-type': JSON_TYPE })).text(), '{}');
});

test('what is no request is answered with its status, and nothing of it is taken', async () => {
  await using rig = await start();
  const good = requestOf([record('x')]).protobuf;
  const bomb = Buffer.alloc(10_000_000);
  // A large resource, with as many records as there is room for: each would be stored with it.
  const { protobuf: expanding } = requestOf(
    Array.from({ length: 1000 }, () => ({})),
    { a: 'x'.repeat(30_000) },
  );
  for (const [status, body, headers] of [
    [400, Buffer.concat([good, Buffer.of(0x0a, 0x7f)]), {}],
    [400, good, { 'content-type': JSON_TYPE }],
    [400, good, { 'content-encoding': 'gzip' }],
    [400, Buffer.concat([gzipSync(good), good]), { 'content-encoding': 'gzip' }],
    [413, Buffer.alloc(64 * 1024 + 1), {}],
    [413, gzipSync(bomb), { 'content-encoding': 'gzip' }],
    [413, zstdCompressSync(bomb), { 'content-encoding': 'zstd' }],
    [413, expanding, {}],
    [413, Buffer.from(`[${'1,'.repeat(10_000)}1]`), { 'content-type': JSON_TYPE }],
    [415, good, { 'content-type': 'text/plain' }],
    [415, good, { 'content-encoding': 'br' }],
  ] as const) {
    const answer = await rig.post(body, headers);
    const bytes = await answer.bytes();
    assert.is(answer.status, status, String(Buffer.from(bytes)));
    const said =
      answer.headers.get('content-type') === JSON_TYPE
        ? JSON.parse(String(Buffer.from(bytes)))
        : decode('Status', bytes);
    assert.ok((said as { message: string }).message.length > 5);
  }
  assert.is((await fetch(rig.url)).status, 405);
  assert.is((await fetch(rig.url.replace('logs', 'traces'), { method: 'POST' })).status, 404);
  assert.is(rig.records.length, 0);
  assert.is(rig.answered.length, 13);
});

test('a token is asked for before anything is read', async () => {
  await using rig = await start({ token: 'secret' });
  const { protobuf } = requestOf([record('x')]);
  for (const headers of [{}, { authorization: 'Bearer other' }, { authorization: 'Basic secret' }]) {
    const answer = await rig.post(protobuf, headers as Record<string, string>);
    assert.equal([answer.status, answer.headers.get('www-authenticate')], [401, 'Bearer']);
  }
  assert.is((await rig.post(protobuf, { authorization: 'bearer secret' })).status, 200);
  assert.is(rig.records.length, 1);
  const socket = connect(rig.port, '127.0.0.1').on('error', () => {});
  socket.write('POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-length: 50000\r\n\r\n');
  const closed = new Promise<void>((done) => socket.once('close', () => done()));
  assert.match(await text(socket), /^HTTP\/1.1 401 /, 'answered, and closed, without the body');
  await closed;
});

test('all places taken by one address: a newcomer has one', async () => {
  await using rig = await start();
  const held = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const socket = connect(rig.port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      socket.write('POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n');
      return socket;
    }),
  );
  const { json } = requestOf([record('x')]);
  assert.is((await rig.post(json, { 'content-type': JSON_TYPE })).status, 200);
  for (const socket of held) socket.destroy();
});

test('a request that is under way at the end is taken in and answered', async () => {
  await using rig = await start();
  rig.room = false;
  const waiting = rig.post(requestOf([record('x')]).protobuf);
  await eventually('it came', () => rig.reading() === 0 && rig.answered.length === 0);
  const next = rig.post(requestOf([record('y')]).protobuf);
  assert.is((await next).status, 503);
  const closing = rig.close();
  rig.room = true;
  assert.is((await waiting).status, 200);
  await closing;
  assert.is(rig.records.length, 1);
});

test('by HTTPS with a client certificate alone, where it is asked for', async () => {
  const authority = await certify({ subject: 'CN=an authority', ca: true });
  const own = await certify({ names: ['localhost'], issuer: authority });
  const client = await certify({ subject: 'CN=client', issuer: authority });
  const dir = temporaryDirectory('otlp');
  const files = { certFile: join(dir, 'crt'), keyFile: join(dir, 'key'), clientCaFile: join(dir, 'ca') };
  writeFileSync(files.certFile, own.cert);
  writeFileSync(files.keyFile, own.key);
  writeFileSync(files.clientCaFile, authority.cert);
  await using rig = await start({ encryption: { prefix: 'OTLP', ...files, timeout: 10_000 } });
  const send = async (more: Readonly<Record<string, string>>): Promise<number> => {
    const headers = { 'content-type': JSON_TYPE };
    const settings = { port: rig.port, path: '/v1/logs', method: 'POST', headers, ca: authority.cert, agent: false };
    const sent = ask({ ...settings, ...more }).end(requestOf([record('encrypted')]).json);
    const [answer] = (await once(sent, 'response')) as [{ statusCode: number; resume: () => void }];
    answer.resume();
    return answer.statusCode;
  };
  await send({}).then(
    () => assert.unreachable(),
    () => {},
  );
  assert.is(await send({ cert: client.cert, key: client.key }), 200);
  assert.equal(messages(rig), ['encrypted']);
  assert.match(rig.logged.join(), /certificate/);
});

test.run();
