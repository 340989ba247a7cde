/** The config server over TLS, and answers that it should not give. */
import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { Connection } from './connection.ts';
import { HttpSource } from './http-source.ts';
import type { Change, SourceError } from './source.ts';

const authority = await certify({ subject: 'CN=authority', ca: true });
const leaf = await certify({ subject: 'CN=localhost', names: ['localhost'], issuer: authority });
const { signal } = new AbortController();
const cleanups: (() => void)[] = [];
test.after.each(() => cleanups.splice(0).forEach((cleanup) => cleanup()));

async function source(answer: RequestListener, ca: string | undefined): Promise<HttpSource> {
  const server: Server = createServer({ cert: leaf.cert, key: leaf.key }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const connection = new Connection({ url, ca: ca === undefined ? undefined : Buffer.from(ca), timeout: 2000 });
  cleanups.push(() => {
    connection.close();
    server.close();
    server.closeAllConnections();
  });
  return new HttpSource({ connection, token: () => 'secret', sidecar: 'test', maxSize: 1000, heartbeat: 1000 });
}

const failure = async (work: Promise<unknown>): Promise<SourceError> => {
  const error = await work.then(
    () => assert.unreachable('it should fail'),
    (caught: SourceError) => caught,
  );
  return error as SourceError;
};

test('a server whose authority is given is asked, with the token; another one never sees it', async () => {
  const tokens: unknown[] = [];
  const answer: RequestListener = (request, response) => {
    tokens.push(request.headers.authorization);
    response.setHeader('etag', '"7"').end('hello');
  };
  const reading = await (await source(answer, authority.cert)).read('a', undefined, signal);
  assert.is(reading.kind === 'document' && reading.document.version, '7');
  assert.equal(tokens, ['Bearer secret']);
  const stranger = await certify({ subject: 'CN=stranger', ca: true });
  for (const ca of [stranger.cert, undefined]) {
    const error = await failure((await source(answer, ca)).read('a', undefined, signal));
    assert.is(error.reason, 'tls');
    assert.not.match(error.message, /secret/);
  }
  assert.is(tokens.length, 1);
});

test('answers that are none of the contract are errors with a reason', async () => {
  for (const [answer, reason] of [
    [(_request, response) => void response.end('no etag'), 'malformed'],
    [(_request, response) => void response.writeHead(500).end(), 'status'],
    [(_request, response) => void response.writeHead(403).end(), 'forbidden'],
    [(_request, response) => void response.writeHead(302, { location: '/' }).end(), 'status'],
  ] as const satisfies readonly (readonly [RequestListener, string])[]) {
    const error = await failure((await source(answer, authority.cert)).read('a', undefined, signal));
    assert.is(error.reason, reason);
  }
});

test('a stream that tells nonsense, or ends, is an error', async () => {
  const watch = async (text: string): Promise<string> => {
    const served = await source((_request, response) => void response.end(text), authority.cert);
    const nothing = (): void => {};
    const options = { keys: ['a'], since: undefined, onOpen: nothing, onChange: nothing, onReset: nothing, signal };
    return (await failure(served.watch(options))).reason;
  };
  assert.is(await watch('event: change\ndata: {\n\n'), 'malformed');
  assert.is(await watch('event: change\ndata: {"key":"a"}\n\n'), 'malformed');
  assert.is(await watch(`data: ${'x'.repeat(100_000)}`), 'too-large');
  assert.is(await watch(': nothing\n\n'), 'network');
});

test('whatever a stream tells of, it is a change or malformed', async () => {
  let told = '';
  const served = await source((_request, response) => void response.end(told), authority.cert);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.jsonValue(),
        fc.record({ key: fc.jsonValue(), version: fc.jsonValue(), revision: fc.jsonValue() }),
        fc.record({ key: fc.string(), version: fc.nat(), revision: fc.nat() }),
      ),
      async (value) => {
        told = `event: change\ndata: ${JSON.stringify(value)}\n\n`;
        const changes: Change[] = [];
        const nothing = (): void => {};
        const error = await failure(
          served.watch({
            keys: ['a'],
            since: undefined,
            onOpen: nothing,
            onChange: (change) => changes.push(change),
            onReset: nothing,
            signal,
          }),
        );
        assert.is(error.reason, changes.length === 1 ? 'network' : 'malformed');
        for (const { key, version, revision } of changes) {
          assert.type(key, 'string');
          assert.match(version, /^/);
          assert.ok(Number.isSafeInteger(revision));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('the more are told of a change, the longer their reports are spread', async () => {
  let told = '';
  const served = await source((_request, response) => void response.end(told), authority.cert);
  const nothing = (): void => {};
  for (const [watchers, spread] of [
    [1, 0],
    [200, 995],
    [100_000, 5000],
    ['many', 5000],
    [-1, 5000],
  ] as const) {
    told = `event: change\ndata: ${JSON.stringify({ key: 'a', version: 1, revision: 1, watchers })}\n\n`;
    const options = { keys: ['a'], since: undefined, onOpen: nothing, onChange: nothing, onReset: nothing, signal };
    await failure(served.watch(options));
    assert.is(served.reportSpread(), spread, String(watchers));
  }
});

test('a report that will never be taken is told from one that may be', async () => {
  const entry = { key: 'a', version: '1', state: 'applied' } as const;
  for (const [status, taken] of [
    [201, true],
    [400, false],
    [404, false],
  ] as const) {
    const served = await source((_request, response) => void response.writeHead(status).end(), authority.cert);
    assert.is(await served.report(entry, signal), taken);
  }
  const busy = await source((_request, response) => void response.writeHead(503).end(), authority.cert);
  assert.is((await failure(busy.report(entry, signal))).reason, 'status');
});

test.run();
