/** The etcd source beside a gateway that answers in recorded shapes; a real etcd is in stacks/config. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOf } from '../documents/document.ts';
import { Connection } from './connection.ts';
import { EtcdSource } from './etcd-source.ts';
import { SourceError, type Change } from './source.ts';

type Asked = Record<string, unknown> & { key?: string; keys_only?: boolean };
type Answer = (asked: string, response: ServerResponse, request: IncomingMessage) => void;

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const HEADER = { cluster_id: '1', member_id: '2', revision: '42', raft_term: '2' };
const { signal } = new AbortController();
const cleanups: (() => void)[] = [];
test.after.each(() => cleanups.splice(0).forEach((cleanup) => cleanup()));

async function gateway(
  paths: Record<string, Answer>,
  options: { user?: string; password?: string; maxSize?: number } = {},
): Promise<EtcdSource> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => paths[request.url!]!(Buffer.concat(chunks).toString('utf8'), response, request));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = new Connection({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    ca: undefined,
    timeout: 2000,
  });
  cleanups.push(() => {
    connection.close();
    server.close();
    server.closeAllConnections();
  });
  return new EtcdSource({ connection, maxSize: 1000, user: undefined, password: undefined, ...options });
}

/** A store of one key. */
const range =
  (value: string | undefined): Answer =>
  (asked, response) => {
    const { key, keys_only } = JSON.parse(asked) as Asked;
    const found = { key, create_revision: '2', mod_revision: '7', version: '3' };
    const kvs = [keys_only ? found : { ...found, value: base64(value ?? '') }];
    response.end(JSON.stringify(value === undefined ? { header: HEADER } : { header: HEADER, kvs, count: '1' }));
  };

test('a value is a document whose version is its revision', async () => {
  const source = await gateway({ '/v3/kv/range': range('hello') });
  const content = Buffer.from('hello');
  const id = { version: '7', digest: digestOf(content) };
  assert.equal(await source.read('a', undefined, signal), {
    kind: 'document',
    document: { ...id, key: 'a', content },
    revision: 7,
    resume: 42,
  });
  assert.equal(await source.read('a', id, signal), { kind: 'unchanged' });
  assert.is((await source.read('a', { ...id, version: '6' }, signal)).kind, 'document');
});

test('no value is absent, and what is too large is not taken', async () => {
  assert.equal(await (await gateway({ '/v3/kv/range': range(undefined) })).read('a', undefined, signal), {
    kind: 'absent',
    resume: 42,
  });
  for (const size of [1001, 100_000]) {
    const source = await gateway({ '/v3/kv/range': range('x'.repeat(size)) });
    const reading = await source.read('a', undefined, signal);
    assert.is(reading.kind, 'too-large');
    assert.is(reading.kind === 'too-large' && reading.id.version, '7');
  }
});

async function watching(
  frames: string[],
): Promise<{ changes: Change[]; opened: number; resets: number; error: Error; asked: string }> {
  let asked = '';
  const source = await gateway({
    '/v3/watch': (body, response) => {
      asked = body;
      for (const frame of frames) response.write(frame);
      response.end();
    },
  });
  const seen = { changes: [] as Change[], opened: 0, resets: 0 };
  const error = await source
    .watch({
      keys: ['a', 'b'],
      since: 41,
      onOpen: () => (seen.opened += 1),
      onChange: (change) => seen.changes.push(change),
      onReset: () => (seen.resets += 1),
      signal,
    })
    .catch((caught: Error) => caught);
  return { ...seen, error, asked };
}
const created = (id: string): string =>
  `${JSON.stringify({ result: { header: HEADER, watch_id: id, created: true } })}\n`;

test('one stream watches all keys from the next revision on, and is open when each watch is', async () => {
  const event = {
    kv: { key: base64('b'), create_revision: '2', mod_revision: '43', version: '1', value: base64('x') },
  };
  const gone = { type: 'DELETE', kv: { key: base64('a'), mod_revision: '44' } };
  const frame = `${JSON.stringify({ result: { header: HEADER, watch_id: '2', events: [event, gone] } })}\n`;
  const { changes, opened, error, asked } = await watching([
    created('1'),
    created('2'),
    frame.slice(0, 30),
    frame.slice(30),
  ]);
  assert.equal(
    asked.split('\n').map((line) => JSON.parse(line) as unknown),
    ['a', 'b'].map((key, index) => ({
      create_request: { key: base64(key), watch_id: String(index + 1), start_revision: '42' },
    })),
  );
  assert.is(opened, 1);
  assert.equal(changes, [
    { key: 'b', version: '43', revision: 43 },
    { key: 'a', version: '44', revision: 44 },
  ]);
  assert.instance(error, SourceError);
  assert.is((await watching([created('1')])).opened, 0, 'one of two is not open');
});

test('history that was compacted away is a reset', async () => {
  const canceled = { result: { header: HEADER, watch_id: '1', canceled: true, compact_revision: '50' } };
  const { resets, error } = await watching([created('1'), created('2'), `${JSON.stringify(canceled)}\n`]);
  assert.is(resets, 1);
  assert.match(error.message, /the history before revision 50 is gone/);
});

test('a stream that errs, lies or never ends a line is an error', async () => {
  for (const [frames, reason, resets] of [
    [[`${JSON.stringify({ error: { message: 'etcdserver: no leader' } })}\n`], 'status', 0],
    [['nonsense\n'], 'malformed', 0],
    [['x'.repeat(200_000)], 'too-large', 1],
    [[], 'network', 0],
  ] as const) {
    const seen = await watching([...frames]);
    assert.instance(seen.error, SourceError);
    assert.is((seen.error as SourceError).reason, reason);
    assert.is(seen.resets, resets);
  }
});

test('a token is had once, and again when etcd has forgotten it', async () => {
  let tokens = 0;
  let valid = '';
  const source = await gateway(
    {
      '/v3/auth/authenticate': (asked, response) => {
        assert.equal(JSON.parse(asked), { name: 'me', password: 'secret' });
        valid = `token${++tokens}`;
        response.end(JSON.stringify({ header: HEADER, token: valid }));
      },
      '/v3/kv/range': (asked, response, request) => {
        if (request.headers.authorization === valid) return range('x')(asked, response, request);
        response.writeHead(401).end(
          JSON.stringify({
            error: 'etcdserver: invalid auth token',
            code: 16,
            message: 'etcdserver: invalid auth token',
          }),
        );
      },
    },
    { user: 'me', password: 'secret' },
  );
  await source.read('a', undefined, signal);
  await source.read('a', undefined, signal);
  assert.is(tokens, 1);
  valid = 'etcd was restarted';
  await source.read('a', undefined, signal);
  assert.is(tokens, 2);
});

test('refusals have their reasons', async () => {
  const refusing = (status: number, code: number): Record<string, Answer> => ({
    '/v3/kv/range': (_asked, response) =>
      void response.writeHead(status).end(JSON.stringify({ code, message: 'etcdserver: no' })),
  });
  for (const [status, code, reason] of [
    [400, 3, 'status'],
    [401, 16, 'unauthorized'],
    [403, 7, 'forbidden'],
  ] as const) {
    const source = await gateway(refusing(status, code));
    const error = await source.read('a', undefined, signal).catch((caught: SourceError) => caught);
    assert.is((error as SourceError).reason, reason);
  }
});

/** JSON that is etcd's, or nearly: a part of a true answer is replaced by anything. */
const nearly = (answer: object): fc.Arbitrary<unknown> => {
  const paths: (readonly string[])[] = [[]];
  const collect = (value: unknown, path: readonly string[]): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, part] of Object.entries(value)) {
      paths.push([...path, name]);
      collect(part, [...path, name]);
    }
  };
  collect(answer, []);
  const replaced = (value: unknown, [name, ...rest]: readonly string[], by: unknown): unknown => {
    if (name === undefined) return by;
    const copy = structuredClone(value) as Record<string, unknown>;
    copy[name] = replaced(copy[name], rest, by);
    return copy;
  };
  return fc
    .tuple(fc.constantFrom(...paths), fc.oneof(fc.jsonValue(), fc.constantFrom(null, {}, [], '', '7', -1, 1e300)))
    .map(([path, by]) => replaced(answer, path, by));
};

test('whatever answers at the address of etcd, it is a reading or a SourceError', async () => {
  let answer = '';
  let status = 200;
  const source = await gateway({
    '/v3/kv/range': (_asked, response) => void response.writeHead(status).end(answer),
    '/v3/auth/authenticate': (_asked, response) => void response.writeHead(status).end(answer),
  });
  const kv = { key: base64('a'), create_revision: '2', mod_revision: '7', version: '3', value: base64('x') };
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.constantFrom('', 'null', '{}', '[]', '0'),
        nearly({ header: HEADER, kvs: [kv], count: '1' }).map((value) => JSON.stringify(value)),
      ),
      fc.constantFrom(200, 200, 200, 400, 401, 500),
      async (text, code) => {
        [answer, status] = [text, code];
        const seen = await source.read('a', undefined, signal).catch((error: unknown) => error);
        if (seen instanceof SourceError) return;
        assert.ok(['document', 'absent', 'too-large'].includes((seen as { kind: string }).kind), String(seen));
        assert.is(code, 200);
      },
    ),
  );
});

test('whatever a watch tells, it is changes or a SourceError', async () => {
  const event = { kv: { key: base64('a'), mod_revision: '43', value: base64('x') } };
  const frame = { result: { header: HEADER, watch_id: '2', created: true, canceled: false, events: [event] } };
  const gone = { result: { header: HEADER, canceled: true, compact_revision: '50', cancel_reason: 'compacted' } };
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(nearly(frame), nearly(gone), nearly({ error: { code: 1, message: 'no' } })),
      async (value) => {
        const { changes, error } = await watching([`${JSON.stringify(value)}\n`]);
        assert.instance(error, SourceError);
        for (const { key, version, revision } of changes) {
          assert.type(key, 'string');
          assert.is(version, String(revision));
          assert.ok(Number.isSafeInteger(revision));
        }
      },
    ),
  );
});

test.run();
