/** A store, or what stands before it, that answers in every way that HTTP allows and some that it does not: nothing ends, nothing is lost, dead or twice. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestStore } from '#kit/testing/bulk-store.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { recordsOf, startDelivery } from './test-delivery.ts';

const COUNT = 12;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Bytes as they are, when the request was read or at once; then the end, or nothing more. */
const raw =
  (text: string, { early = false, open = false } = {}): Answer =>
  (request, response) => {
    const { socket } = response;
    const say = (): void => void (open ? socket?.write(text) : socket?.end(text));
    if (early) say();
    else request.resume().once('end', say);
  };
const whole = (body: string, head = 'HTTP/1.1 200 OK'): string =>
  `${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const items = (count: number, status: unknown): string =>
  JSON.stringify({ errors: false, items: Array.from({ length: count }, () => ({ create: { status } })) });

const answers: Readonly<Record<string, Answer>> = {
  'half an answer': raw(`HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"items":[`),
  'half a chunk': raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"items"'),
  'a head alone': raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n', { open: true }),
  'a body that never ends': raw('HTTP/1.1 200 OK\r\n\r\n{"items":[', { open: true }),
  'no HTTP': raw('SSH-2.0-OpenSSH_9.2\r\n'),
  'a switch of protocols': raw('HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'),
  'many early hints, and no answer': raw('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)),
  'a head of a megabyte': raw(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1_000_000)}\r\n\r\n`),
  'two answers': raw(whole('{}').repeat(2)),
  'too few items': raw(whole(items(COUNT - 1, 201))),
  'too many items': raw(whole(items(COUNT + 1, 201))),
  'status that is a text': raw(whole(items(COUNT, '201'))),
  'status 0': raw(whole(items(COUNT, 0))),
  'status 302 of each item': raw(whole(items(COUNT, 302))),
  'no content': raw('HTTP/1.1 204 No Content\r\n\r\n'),
  'an empty body': raw(whole('')),
  null: raw(whole('null')),
  'items that are none': raw(whole(`{"items":[${'null,'.repeat(COUNT - 1)}null]}`)),
  'a deep nest': raw(whole('['.repeat(60_000))),
  'a megabyte': raw(whole('x'.repeat(1_000_000))),
  'bytes that are no text': raw(whole('\ufffd\0'.repeat(100))),
  'a redirect to itself': raw(whole('', 'HTTP/1.1 307 Temporary Redirect\r\nlocation: /_bulk')),
  'a login in between': raw(whole('<html>', 'HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic')),
  'too large, before it was read': raw(whole('', 'HTTP/1.1 503 Busy\r\nconnection: close'), { early: true }),
  'not found, before it was read': raw(whole('{}', 'HTTP/1.1 404 Not Found'), { early: true, open: true }),
  'a wait of a year': raw(whole('', 'HTTP/1.1 429 Slow\r\nretry-after: 31536000')),
  'an error as deep as a message may be': raw(
    whole(`{"error":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`, 'HTTP/1.1 500 Error'),
  ),
};

test('property: whatever the store answers, each record is stored once, in order; none is dead', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...Object.keys(answers)), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (names, gzip) => {
        const store = new TestStore();
        const left = [...names];
        const server = await serve((request, response) => {
          const name = left.shift();
          if (name === undefined) void store.answer(request, response);
          else answers[name]!(request, response);
        });
        const { delivery, settled, close } = startDelivery([server.url], {
          STORE_TIMEOUT: '200ms',
          STORE_RETRY_MAX: '10ms',
          STORE_GZIP: String(gzip),
        });
        try {
          const records = recordsOf('a', COUNT);
          await delivery.offer(records);
          await eventually('all is told', () => settled.length === COUNT);
          assert.equal(
            settled.map(({ record, outcome }) => `${record.id} ${outcome === 'duplicate' ? 'stored' : outcome}`),
            records.map(({ id }) => `${id} stored`),
          );
          // Not in their order: a record whose request was halved down to it alone is sent again behind the others.
          assert.equal(
            new Map(store.documents.map(({ id, body }) => [id, body])),
            new Map(records.map(({ id, body }) => [id, body])),
          );
          assert.is(store.documents.length, COUNT);
        } finally {
          close();
          await server.close();
        }
      },
    ),
    {
      numRuns: Number(process.env['MODEL_RUNS'] ?? 40),
      includeErrorInReport: true,
      // Each of them once alone.
      examples: Object.keys(answers).map((name) => [[name, name], false]),
    },
  );
});

test.run();
