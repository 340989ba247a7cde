/** Bodies in pieces: real requests by hand. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { limitConnections } from './connection-limit.ts';

/** @returns what the server answers to a chunked body of `count` pieces, each of `size` bytes; empty: it closes */
async function answerTo(count: number, size: number): Promise<string> {
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on('data', (piece: Buffer) => (bytes += piece.length));
    request.on('end', () => response.end(String(bytes)));
    request.on('error', () => {});
  });
  limitConnections(server, 4);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  const piece = `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
  socket.end(
    `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${piece.repeat(count)}0\r\n\r\n`,
  );
  const answer = await text(socket).catch(() => '');
  server.close();
  return answer === '' ? '' : answer.split('\r\n\r\n', 2)[1]!.replace(/^\w+\r\n|\r\n0$/g, '');
}

test('a body in pieces of a byte ends its connection, however it is read', async () => {
  assert.is(await answerTo(20_000, 1), '');
});

test('pieces that somebody has a reason for pass', async () => {
  assert.is(await answerTo(1000, 1), '1000');
  assert.is(await answerTo(20_000, 64), '1280000');
});

test.run();
