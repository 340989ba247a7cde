/** Framing that is legal and spelt unusually goes on as everybody writes it, both ways. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rawApp } from '#proxy/testing/apps.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { exchange } from '#proxy/testing/raw-client.ts';

const CASES: readonly (readonly [sent: string, body: string, passed: string])[] = [
  ['Content-Length: 05', 'hello', 'Content-Length: 5'],
  ['content-length:5', 'hello', 'Content-Length: 5'],
  ['Content-Length: \t5 ', 'hello', 'Content-Length: 5'],
  ['Content-Length: 00', '', 'Content-Length: 0'],
  ['Content-Length: 0', '', 'Content-Length: 0'],
  ['Transfer-Encoding:\tchunked', '5\r\nhello\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'],
  ['transfer-encoding:  CHUNKED\t', '5\r\nhello\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'],
];
const FRAMING = /^(?:content-length|transfer-encoding):.*$/gim;

for (const [sent, body, passed] of CASES) {
  test(`a request's ${JSON.stringify(sent)} goes on as ${passed}`, async () => {
    let seen = '';
    const app = await rawApp((socket) => {
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.toString('latin1');
        if (seen.endsWith(body)) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      });
    });
    await using proxy = await startProxy(app.port);
    await exchange(proxy.port, `POST / HTTP/1.1\r\nHost: x\r\n${sent}\r\nX: y\r\nConnection: close\r\n\r\n${body}`);
    assert.equal(seen.match(FRAMING), [passed]);
    assert.match(seen, /\r\nX: y\r\n/);
    app.close();
  });

  test(`a response's ${JSON.stringify(sent)} goes on as ${passed}`, async () => {
    const app = await rawApp((socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nX: y\r\n${sent}\r\nA: b\r\n\r\n${body}`));
    });
    await using proxy = await startProxy(app.port);
    const answer = await exchange(proxy.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.equal(answer.match(FRAMING), [passed]);
    assert.ok(answer.endsWith(`\r\n\r\n${body}`), answer);
    assert.match(answer, /\r\nX: y\r\nA: b\r\n|\r\nX: y\r\n[^]*A: b\r\n/);
    app.close();
  });
}

test('endless interim responses are given up, and those before count as no more than a head', async () => {
  const app = await rawApp((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n'.repeat(1000);
      const go = (): void => {
        while (!socket.destroyed && socket.write(hints));
      };
      socket.on('drain', go);
      go();
    });
  });
  await using proxy = await startProxy(app.port);
  const answer = await exchange(proxy.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.ok(answer.length < 64 * 1024, `${answer.length} bytes`);
  assert.match(answer, /HTTP\/1\.1 502 Bad Gateway/);
  app.close();
});

test.run();
