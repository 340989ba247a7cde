/** Heads of HTTP/1 that come again, and heads that nearly are the same: each is what it is when it comes alone. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Filter } from '#proxy/filters/filter.ts';
import { rawApp } from '#proxy/testing/apps.ts';
import { startProxy, type TestProxy } from '#proxy/testing/proxy.ts';
import { exchange } from '#proxy/testing/raw-client.ts';

/** Most of the same length, as heads of one client are that differ in a number. */
const REQUESTS = [
  'GET /1 HTTP/1.1\r\nHost: a\r\nX-Real-Ip: 1.1.1.1\r\n',
  'GET /2 HTTP/1.1\r\nHost: a\r\nX-Real-Ip: 1.1.1.1\r\n',
  'GET /1 HTTP/1.0\r\nHost: a\r\nX-Real-Ip: 1.1.1.1\r\n',
  'GET /1 HTTP/1.1\r\nHost: b\r\nX-Real-Ip: 1.1.1.1\r\n',
  'GET /1 HTTP/1.1\r\nHost: a\r\nX-Other-A: 1.1.1.1\r\n',
  'HEAD / HTTP/1.1\r\nHost: a\r\nX-Real-Ip: 1.1.1.1\r\n',
  'GET http://c/ HTTP/1.1\r\nHost: a\r\nX-Real: 1.1\r\n',
  'GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 01\r\n',
  'GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 00\r\n',
  'GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1,\r\n',
  'GET /1 HTTP/1.1\r\nHost: a\r\nContent_Length: 01\r\n',
  'GET /1 HTTP/2.0\r\nHost: a\r\nX-Real-Ip: 1.1.1.1\r\n',
];
const RESPONSES = [
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Secret: 1\r\n\r\nab',
  'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Secret: 1\r\n\r\na',
  'HTTP/1.0 200 OK\r\nContent-Length: 2\r\nX-Secret: 1\r\n\r\nab',
  'HTTP/1.1 204 OK\r\nContent-Length: 2\r\nX-Secret: 1\r\n\r\n',
  'HTTP/1.1 304 OK\r\nContent-Length: 2\r\nX-Secret: 1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: x\r\nX-Secret: 1\r\n\r\nab',
  'HTTP/1.1 200 OK\nContent-Length: 2\nX-Secret: 1234\n\nab',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n',
  'HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab',
];

const steps = fc.array(
  fc.record({
    request: fc.nat(REQUESTS.length - 1),
    response: fc.nat(RESPONSES.length - 1),
    // A filter takes a field out of this one's answer.
    edits: fc.boolean(),
    // How often, and where the answer is cut in two each time; 0 for nowhere.
    cuts: fc.array(fc.oneof(fc.constant(0), fc.nat(60)), { minLength: 1, maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 8 },
);

/** Heads of a length that none before had: after these nothing is remembered of those. */
let length = 0;
const other = (): string => `X-Other: ${'o'.repeat(50 + (length = (length + 1) % 500))}\r\n`;

interface Lab extends AsyncDisposable {
  readonly proxy: TestProxy;
  /** What the application answers next, where it cuts that, and what it was asked. */
  answer: string;
  cut: number;
  asked: string;
  edits: boolean;
}

async function startLab(trustsForwarded: boolean): Promise<Lab> {
  const app = await rawApp((socket) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (!text.includes('\r\n\r\n')) return;
      lab.asked = text;
      const { answer, cut } = lab;
      if (cut === 0) socket.end(answer, 'latin1');
      else {
        socket.setNoDelay().write(answer.slice(0, cut), 'latin1');
        setImmediate(() => setImmediate(() => socket.end(answer.slice(cut), 'latin1')));
      }
    });
  });
  const editing: Filter = {
    onResponse(_exchange, response) {
      if (lab.edits) response.delete('X-Secret');
    },
  };
  const proxy = await startProxy(app.port, {
    filters: [editing],
    settings: { trustsForwarded, retryAfter: 0 },
    idleTimeout: 0,
  });
  const lab: Lab = {
    proxy,
    answer: '',
    cut: 0,
    asked: '',
    edits: false,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      app.close();
    },
  };
  return lab;
}

/** @returns what the application was asked, and what the client was answered */
async function ask(lab: Lab, request: string, answer: string, edits: boolean, cut = 0): Promise<string> {
  Object.assign(lab, { answer, asked: '', edits, cut });
  const answered = await exchange(lab.proxy.port, `${request}Connection: close\r\n\r\nb`);
  // The proxy's own answers say when they were made.
  return `${lab.asked}\n----\n${answered.replace(/^Date: .*\r\n/m, '')}`;
}

test('a head means the same, whatever came before it', async () => {
  await using trusting = await startLab(true);
  await using doubting = await startLab(false);
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      for (const { request, response, edits, cuts } of all)
        for (const lab of [trusting, doubting]) {
          const [asks, answers] = [REQUESTS[request]!, RESPONSES[response]!];
          const seen: string[] = [];
          for (const cut of cuts) seen.push(await ask(lab, asks, answers, edits, cut));
          await ask(lab, `GET / HTTP/1.1\r\nHost: other\r\n${other()}`, `HTTP/1.1 204 No\r\n${other()}\r\n`, false);
          const alone = await ask(lab, asks, answers, edits);
          assert.equal(
            seen,
            seen.map(() => alone),
          );
          // And the next one comes after this again.
          await ask(lab, asks, answers, !edits);
        }
    }),
    { numRuns: 40 },
  );
  assert.equal([trusting.proxy.errors, doubting.proxy.errors].flat(), []);
});

test.run();
