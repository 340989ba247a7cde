/** What an endpoint sends in small pieces is read in parts: all others have their turn between them. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { listening } from '#kit/testing/server.ts';
import { ChunkWalker } from '#proxy/http/chunks.ts';
import { UpstreamConnection, type UpstreamUser } from './connection.ts';

const CHUNK = '1\r\nx\r\n';

test('chunks of one byte: a turn of the event loop reads a part of them, and all of them come', async () => {
  const part = CHUNK.repeat(10_000);
  const all = 50 * part.length;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    for (let at = 0; at < all; at += part.length) socket.write(part, 'latin1');
  });
  const port = await listening(server);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const walker = new ChunkWalker(1024);
  let inTurn = 0;
  let most = 0;
  let count = 0;
  const user: UpstreamUser = {
    onUpstreamConnect() {},
    onUpstreamBytes({ bytes }, start, end) {
      if (inTurn === 0) setImmediate(() => (inTurn = 0));
      inTurn += end - start;
      most = Math.max(most, inTurn);
      count += walker.walk(bytes, start, end) - start;
      return true;
    },
    onUpstreamFinish() {},
    onUpstreamClose() {},
    onUpstreamDrain() {},
    onInternalError: (error) => assert.unreachable(String(error)),
  };
  const connection = new UpstreamConnection({ host: '127.0.0.1', port }, user, () => {});
  const [socket] = await accepted;
  await eventually('all has come', () => count === all);
  assert.ok(most <= 100_000, `${most} bytes of chunks in one turn`);
  connection.destroy();
  socket.destroy();
  server.close();
});

test('answers of hundreds of relays: a turn of the event loop reads a bounded amount together', async () => {
  const COUNT = 200;
  const SIZE = 1024 * 1024;
  const body = Buffer.alloc(SIZE);
  const server = createServer((socket) => socket.on('error', () => {}).write(body));
  const port = await listening(server);
  let inTurn = 0;
  let most = 0;
  let count = 0;
  let begun = 0;
  const user: UpstreamUser = {
    onUpstreamConnect() {},
    onUpstreamBytes(_buffer, start, end) {
      if (inTurn === 0) setImmediate(() => (inTurn = 0));
      inTurn += end - start;
      most = Math.max(most, inTurn);
      count += end - start;
      // Of all of them the rest is there before it is read.
      return ++begun > COUNT;
    },
    onUpstreamFinish() {},
    onUpstreamClose() {},
    onUpstreamDrain() {},
    onInternalError: (error) => assert.unreachable(String(error)),
  };
  const connections = Array.from(
    { length: COUNT },
    () => new UpstreamConnection({ host: '127.0.0.1', port }, user, () => {}),
  );
  await eventually('all have begun', () => begun === COUNT);
  for (const connection of connections) connection.resume();
  await eventually('all has come', () => count === COUNT * SIZE);
  // 8 MiB a turn, of which a look may see two; and a first small read each, which nobody knows of before.
  assert.ok(most <= 2 * 8 * 1024 * 1024 + COUNT * 8 * 1024, `${most} bytes in one turn`);
  for (const connection of connections) connection.destroy();
  server.close();
});

test.run();
