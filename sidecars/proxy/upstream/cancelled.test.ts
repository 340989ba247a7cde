/** A request that nobody waits for any more: its endpoint learns it, and its connection leaves nothing behind. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { listening } from '#kit/testing/server.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { connected } from '#proxy/testing/raw-client.ts';

test('a client that leaves in the middle of a request resets the connection to the endpoint', async () => {
  const server = createServer({ allowHalfOpen: true });
  const port = await listening(server);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  await using proxy = await startProxy(port);
  const talk = await connected(proxy.port);
  talk.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
  const [socket] = await accepted;
  let text = '';
  let error = '';
  socket.on('data', (bytes: Buffer) => void (text += bytes.toString()));
  socket.on('error', ({ code }: NodeJS.ErrnoException) => void (error = code ?? ''));
  await eventually('the request to come', () => text.endsWith('half'));
  talk.socket.destroy();
  await eventually('the end to come', () => error !== '' || socket.readableEnded);
  assert.is(error, 'ECONNRESET');
  server.close();
});

test.run();
