import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RequestHead } from './request-head.ts';
import { BAD, DONE, INCOMPLETE, scanFields, scanRequest, scanResponse } from './scan-head.ts';

const head = new RequestHead();

/** What becomes of a request's head: 'incomplete', 'ok', or why it is refused. */
function verdict(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const scanned = scanRequest(head, bytes, 0, bytes.length);
  if (scanned === INCOMPLETE) return 'incomplete';
  return scanned === BAD ? head.reason : (head.interpret(bytes) ?? 'ok');
}

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  request_line: [
    'GET  / HTTP/1.1\r\n\r\n',
    ' GET / HTTP/1.1\r\n\r\n',
    'GET /\r\n\r\n',
    'GET / HTTP/1.1 \r\n\r\n',
    'GET / http/1.1\r\n\r\n',
    'G\0T / HTTP/1.1\r\n\r\n',
    'GET /a b HTTP/1.1\r\n\r\n',
    'GET /\x01 HTTP/1.1\r\n\r\n',
    'GET /#a HTTP/1.1\r\n\r\n',
    'GET\t/ HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\rHost: a\r\n\r\n',
  ],
  version: ['PRI * HTTP/2.0\r\n\r\n', 'GET / HTTP/3.1\r\nHost: a\r\n\r\n'],
  line_end: [
    'GET / HTTP/1.1\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\n',
    'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\rX',
  ],
  fold: ['GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n', 'GET / HTTP/1.1\r\n\tHost: a\r\n\r\n'],
  field: [
    'GET / HTTP/1.1\r\nHost : a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost\r\n\r\n',
    'GET / HTTP/1.1\r\n: a\r\n\r\n',
    'GET / HTTP/1.1\r\nA\0: a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n',
    'GET / HTTP/1.1\r\nH(st: a\r\n\r\n',
  ],
  host: ['GET / HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
  framing: [
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
    'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  ],
  coding: ['chunked, chunked', 'gzip, chunked', 'identity', 'xchunked', 'chunked;a=b', '"chunked"', 'chunked,', ''].map(
    (coding) => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\n\r\n`,
  ),
  expect: ['POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n'],
};

for (const [reason, heads] of Object.entries(REFUSED)) {
  test(`a head that two parsers could read in two ways is refused: ${reason}`, () => {
    for (const text of heads) assert.is(verdict(text), reason, JSON.stringify(text));
  });
}

test('a plain head is accepted', () => {
  for (const text of [
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nhost:a:80\r\n\r\n',
    'POST /\xe4?b HTTP/1.1\r\nHost: \t a \t\r\nTransfer-Encoding: Chunked\r\n\r\n',
    "M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1\r\nHost: a\r\nX: \xff\t\r\n\r\n",
  ]) {
    assert.is(verdict(text), 'ok', JSON.stringify(text));
  }
});

const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/);
const value = fc.stringMatching(/^[\t -~]{0,20}$/);
const messy = fc.constantFrom(
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  ':',
  '\0',
  'Host: a\r\n',
  'Content-Length: 1\r\n',
  'Transfer-Encoding: chunked\r\n',
);
const anyHead = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'X'),
    fc.constantFrom('/', '*', 'http://a/'),
    fc.array(
      fc.oneof(
        fc.tuple(token, value).map(([n, v]) => `${n}: ${v}\r\n`),
        messy,
      ),
      { maxLength: 8 },
    ),
  )
  .map(([method, target, lines]) => `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);

test('a head means the same however its bytes arrive', () => {
  fc.assert(
    fc.property(anyHead, (text) => {
      const bytes = Buffer.from(text, 'latin1');
      let first: number = INCOMPLETE;
      let size = 0;
      while (first === INCOMPLETE && size < bytes.length) first = scanRequest(head, bytes, 0, ++size);
      const whole = scanRequest(head, bytes, 0, bytes.length);
      // Whatever is decided early is decided for good, and the end is where the whole has it.
      assert.is(first, whole, JSON.stringify(text));
      if (whole === DONE) assert.is(head.end, size);
    }),
    { numRuns: 2000 },
  );
});

test('every part of a head is where its offsets say', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(token, value), { maxLength: 20 }), fc.string({ maxLength: 5 }), (fields, before) => {
      const text = `GET /p HTTP/1.1\r\n${fields.map(([n, v]) => `${n}:${v}\r\n`).join('')}\r\n`;
      const bytes = Buffer.from(`${before}${text}rest`, 'latin1');
      const start = Buffer.byteLength(before, 'latin1');
      assert.is(scanRequest(head, bytes, start, bytes.length), DONE);
      const found = Array.from({ length: head.count }, (_, index) =>
        [0, 2].map((at) => bytes.toString('latin1', head.fields[index * 4 + at], head.fields[index * 4 + at + 1])),
      );
      assert.equal(
        found,
        fields.map(([n, v]) => [n, v.replace(/^[\t ]+|[\t ]+$/g, '')]),
      );
      assert.is(bytes.toString('latin1', head.end), 'rest');
    }),
  );
});

test('what is accepted here, node:http accepts and reads alike', async () => {
  const server = createServer((request, response) =>
    response.end(JSON.stringify([request.method, request.url, request.rawHeaders])),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = async (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.end(text, 'latin1');
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  };
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            token.filter((name) => !/^(te|host|connection|expect|upgrade|trailer)$/i.test(name)),
            value,
          ),
          { maxLength: 6 },
        ),
        async (fields) => {
          const text = `GET /p HTTP/1.1\r\nHost: a\r\n${fields.map(([n, v]) => `${n}: ${v}\r\n`).join('')}Connection: close\r\n\r\n`;
          assert.is(verdict(text), 'ok', JSON.stringify(text));
          const answer = await ask(text);
          assert.match(answer, 'HTTP/1.1 200', JSON.stringify(text));
          assert.match(
            answer,
            JSON.stringify([
              'GET',
              '/p',
              [
                'Host',
                'a',
                ...fields.flatMap(([n, v]) => [n, v.replace(/^[\t ]+|[\t ]+$/g, '')]),
                'Connection',
                'close',
              ],
            ]),
          );
        },
      ),
      { numRuns: 60 },
    );
  } finally {
    server.close();
  }
});

test('a response head may end its lines in bare LFs, a trailer section may not', () => {
  const bytes = Buffer.from('HTTP/1.0 200 OK\r\nServer: a\r\nContent-Type: text/plain\n\nbody');
  assert.is(scanResponse(head, bytes, 0, bytes.length), DONE);
  assert.is(head.bareLf, true);
  assert.is(bytes.toString('latin1', head.end), 'body');
  const trailers = Buffer.from('a: b\n\n');
  assert.is(scanFields(head, trailers, 0, trailers.length, false), BAD);
});

test('a malformed status line is refused', () => {
  for (const line of [
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/2.0 200 OK',
    'http/1.1 200 OK',
    '<html>  hello  ',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 099 OK',
    'ICY 200 OK     ',
  ]) {
    const bytes = Buffer.from(`${line}\r\n\r\n`);
    assert.is(scanResponse(head, bytes, 0, bytes.length), BAD, line);
  }
});

test.run();
