/** The engine beside node:http2, as its client and as its server: what one sends is what the other gets. */
import { once } from 'node:events';
import { connect, performServerHandshake, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { linkTo, TestConnection, type Message, type TestStream } from '#proxy/testing/http2.ts';

const LONGEST_BODY = 200_000;
/** Names that HTTP/2 or node:http2 treat specially are left to other tests. */
const name = fc.stringMatching(/^x-[a-z0-9_.-]{1,30}$/);
const value = fc.stringMatching(/^[!-~\x80-\xff]([ -~\x80-\xff]{0,100}[!-~\x80-\xff])?$/);
const fields = fc.uniqueArray(fc.tuple(name, value), { maxLength: 12, selector: ([each]) => each });
const message = fc.record({
  fields,
  trailers: fields,
  body: fc.array(fc.nat(LONGEST_BODY / 4), { maxLength: 4 }),
  path: fc.stringMatching(/^\/[a-z0-9/?=&%.-]{0,60}$/),
});
const exchanges = fc.array(fc.record({ request: message, response: message }), { minLength: 1, maxLength: 6 });
const cuts = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 5 });

type Told = typeof message extends fc.Arbitrary<infer T> ? T : never;

const bodyOf = ({ body }: Told): Buffer => Buffer.concat(body.map((size, index) => Buffer.alloc(size, 97 + index)));
const cycle = (sizes: readonly number[]): (() => number) => {
  let at = 0;
  return () => sizes[at++ % sizes.length]!;
};
const sorted = (lines: readonly string[]): string[] => lines.toSorted();
const asLines = (told: readonly (readonly [string, string])[]): string[] =>
  sorted(told.map(([each, text]) => `${each}: ${text}`));
/** What node:http2 got, without what it says of itself. */
const gotten = (headers: IncomingHttpHeaders): string[] =>
  sorted(
    Object.entries(headers)
      .filter(([each]) => each.startsWith('x-'))
      .map(([each, text]) => `${each}: ${String(text)}`),
  );
const customOf = (lines: readonly string[]): string[] => sorted(lines.filter((line) => line.startsWith('x-')));

/** Send a body with regard to `sendData`'s answer. */
function sendAll(side: TestConnection, stream: TestStream, told: Told): void {
  const body = bodyOf(told);
  let at = 0;
  const more = (): void => {
    while (at < body.length) {
      const next = Math.min(body.length, at + 30_000);
      const goOn = side.connection.sendData(stream, body, at, next);
      at = next;
      if (!goOn) return void waiting.set(stream, more);
    }
    side.connection.sendEnd(stream, told.trailers.map(([each, text]) => `${each}: ${text}\r\n`).join(''));
  };
  more();
}
const waiting = new Map<TestStream, () => void>();

function withDrains(side: TestConnection): void {
  side.onDrain = (stream) => {
    const more = waiting.get(stream);
    waiting.delete(stream);
    more?.();
  };
}

test('a client of node:http2 and our server understand each other', async () => {
  await fc.assert(
    fc.asyncProperty(exchanges, cuts, async (all, sizes) => {
      const server = new TestConnection('server');
      withDrains(server);
      server.onMessage = (stream, got) => {
        const path = got.lines.find((line) => line.startsWith(':path: '))!;
        const { response } = all[Number(/n=(\d+)$/.exec(path)![1])]!;
        server.head(stream, [[':status', '200'], ...response.fields], false);
        sendAll(server, stream, response);
      };
      const session = connect('http://localhost', { createConnection: () => linkTo(server, cycle(sizes)) });
      try {
        await Promise.all(
          all.map(async ({ request, response }, index) => {
            const stream: ClientHttp2Stream = session.request(
              { ':method': 'POST', ':path': `${request.path}n=${index}`, ...Object.fromEntries(request.fields) },
              { waitForTrailers: true },
            );
            stream.on('wantTrailers', () => stream.sendTrailers(Object.fromEntries(request.trailers)));
            stream.end(bodyOf(request));
            let headers: IncomingHttpHeaders = {};
            let trailers: IncomingHttpHeaders = {};
            const body: Buffer[] = [];
            stream.on('response', (got: IncomingHttpHeaders) => (headers = got));
            stream.on('trailers', (got: IncomingHttpHeaders) => (trailers = got));
            stream.on('data', (chunk: Buffer) => body.push(chunk));
            await once(stream, 'close');
            assert.equal(gotten(headers), asLines(response.fields));
            assert.equal(gotten(trailers), asLines(response.trailers));
            assert.ok(Buffer.concat(body).equals(bodyOf(response)));
            const seen = server.messages.find(({ lines }) => lines.includes(`:path: ${request.path}n=${index}`))!;
            assert.equal(customOf(seen.lines), asLines(request.fields));
            assert.equal(customOf(seen.trailers), asLines(request.trailers));
            assert.ok(Buffer.concat(seen.body).equals(bodyOf(request)));
          }),
        );
        await eventually('every stream is closed', () => server.connection.size === 0);
        assert.equal([server.memory.used, server.error], [0, undefined]);
      } finally {
        session.destroy();
      }
    }),
    { numRuns: 40 },
  );
});

test('our client and a server of node:http2 understand each other', async () => {
  await fc.assert(
    fc.asyncProperty(exchanges, cuts, async (all, sizes) => {
      const client = new TestConnection('client');
      withDrains(client);
      const session = performServerHandshake(linkTo(client, cycle(sizes)));
      const seen = new Map<string, { headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders; body: Buffer[] }>();
      session.on('error', () => {});
      session.on('stream', (stream, headers) => {
        const got = { headers, trailers: {}, body: [] as Buffer[] };
        const path = headers[':path']!;
        seen.set(path, got);
        stream.on('error', () => {});
        stream.on('trailers', (trailers: IncomingHttpHeaders) => (got.trailers = trailers));
        stream.on('data', (chunk: Buffer) => got.body.push(chunk));
        stream.on('end', () => {
          const { response } = all[Number(/n=(\d+)$/.exec(path)![1])]!;
          stream.additionalHeaders({ ':status': 103, 'x-hint': '1' });
          stream.respond({ ':status': 200, ...Object.fromEntries(response.fields) }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers(Object.fromEntries(response.trailers)));
          stream.end(bodyOf(response));
        });
      });
      try {
        const told: { message: Message; index: number }[] = [];
        await eventually('the server has introduced itself', () => client.connection.settled);
        for (const [index, { request }] of all.entries()) {
          const head = [
            [':method', 'POST'],
            [':scheme', 'http'],
            [':authority', 'localhost'],
            [':path', `${request.path}n=${index}`],
            ...request.fields,
          ] as const;
          const stream = client.request(head, false);
          told.push({ message: stream.user!, index });
          sendAll(client, stream, request);
        }
        await eventually('all answers', () => told.every(({ message: { ended } }) => ended));
        for (const { message: got, index } of told) {
          const { request, response } = all[index]!;
          assert.equal(got.interim[0], [':status: 103', 'x-hint: 1']);
          assert.equal(customOf(got.lines), asLines(response.fields));
          assert.equal(customOf(got.trailers), asLines(response.trailers));
          assert.ok(Buffer.concat(got.body).equals(bodyOf(response)));
          const at = seen.get(`${request.path}n=${index}`)!;
          assert.equal(gotten(at.headers), asLines(request.fields));
          assert.equal(gotten(at.trailers), asLines(request.trailers));
          assert.ok(Buffer.concat(at.body).equals(bodyOf(request)));
        }
        assert.equal([client.connection.size, client.memory.used, client.error], [0, 0, undefined]);
      } finally {
        session.destroy();
      }
    }),
    { numRuns: 40 },
  );
});

test.run();
