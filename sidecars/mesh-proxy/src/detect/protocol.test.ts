/** What is spoken, by the first bytes, however they are cut. */
import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serve } from '#kit/testing/server.ts';
import { readClientHello } from './client-hello.ts';
import { detectProtocol } from './protocol.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** A hello as node:tls sends it. */
async function helloOf(serverName: string, alpn: readonly string[]): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  await using server = await serve(createServer((socket) => socket.on('data', resolve)));
  const client = connectTls({
    socket: connect(server.port, '127.0.0.1'),
    servername: serverName,
    ALPNProtocols: [...alpn],
  });
  client.on('error', () => {});
  const hello = await promise;
  client.destroy();
  return hello;
}

test('requests of HTTP/1, HTTP/2, and what is neither', () => {
  for (const [first, protocol] of [
    ['GET / HTTP/1.1\r\n', 'http/1.1'],
    ['\r\nPOST /x', 'http/1.1'],
    ['OPTIONS *', 'http/1.1'],
    ['\r\n\r\nGET /', 'http/1.1'],
    ['\nGET /', 'http/1.1'],
    ['\r\n'.repeat(100), 'http/1.1'],
    [' GET /', 'http/1.1'],
    ['GET\t/', 'http/1.1'],
    ['GET  /', 'http/1.1'],
    ['GET ?a HTTP/1.1\r\n', 'http/1.1'],
    ['GET ftp://a/ HTTP/1.1\r\n', 'http/1.1'],
    [`\r\n${PREFACE}`, 'http/1.1'],
    ['SET key value\r\n', 'tcp'],
    [`SET key ${'v'.repeat(5000)}`, 'tcp'],
    ['GET http://a/', 'http/1.1'],
    ['PROPFIND /', 'http/1.1'],
    [PREFACE, 'h2'],
    ['CONNECT a:443 HTTP/1.1\r\n', 'tcp'],
    ['EHLO mail.example\r\n', 'tcp'],
    ['SSH-2.0-OpenSSH\r\n', 'tcp'],
    ['*1\r\n$4\r\nPING\r\n', 'tcp'],
    ['\u0000\u0000\u0000\u0008\u0004\u00d2\u0016\u002f', 'tcp'],
    ['PRI * HTTP/2.0\r\nX', 'http/1.1'],
    ['\u0016\u0001\u0000', 'tcp'],
  ] as const)
    assert.is(detectProtocol(bytes(first))?.protocol, protocol, JSON.stringify(first));
});

test('a hello of TLS says its server name and protocols', async () => {
  const hello = await helloOf('shop.test', ['mesh-h2', 'h2']);
  assert.equal(detectProtocol(hello), { protocol: 'tls', serverName: 'shop.test', alpn: ['mesh-h2', 'h2'] });
});

test('however the bytes are cut, more are read until the protocol is clear; the result is equal', async () => {
  const hello = await helloOf('shop.test', ['h2']);
  for (const whole of [bytes('GET / HTTP/1.1\r\n'), bytes(PREFACE), hello]) {
    const found = detectProtocol(whole);
    let known = false;
    for (let length = 1; length <= whole.length; length++) {
      const spoken = detectProtocol(whole.subarray(0, length));
      if (spoken === undefined) assert.not.ok(known, `${length} bytes`);
      else assert.equal(spoken, found, `${length} bytes`);
      known ||= spoken !== undefined;
    }
  }
});

test('a hello cut into records is one all the same', async () => {
  const hello = await helloOf('shop.test', ['h2']);
  const message = hello.subarray(5);
  const middle = message.length >> 1;
  const record = (part: Buffer): Buffer =>
    Buffer.concat([Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part]);
  const cut = Buffer.concat([record(message.subarray(0, middle)), record(message.subarray(middle))]);
  assert.equal(readClientHello(cut), { serverName: 'shop.test', alpn: ['h2'] });
});

test('no bytes end the process, or are read for ever', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
      detectProtocol(Buffer.from(noise));
      detectProtocol(Buffer.concat([Buffer.from([22, 3, 1, 1, 0, 1]), Buffer.from(noise)]));
    }),
    { numRuns: 500 },
  );
  // As many as are kept at most: it is clear by then.
  assert.is(detectProtocol(Buffer.alloc(64 * 1024, 'A'))?.protocol, 'tcp');
  const tiny = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([22, 3, 1, 0, 1, 1])));
  assert.ok(detectProtocol(tiny) !== undefined);
});

test('a hello with bytes changed is read, or is none', async () => {
  const hello = await helloOf('shop.test', ['h2']);
  fc.assert(
    fc.property(fc.nat(hello.length - 1), fc.nat(255), (at, value) => {
      const changed = Buffer.from(hello);
      changed[at] = value;
      detectProtocol(changed);
    }),
    { numRuns: 2000 },
  );
});

test.run();
