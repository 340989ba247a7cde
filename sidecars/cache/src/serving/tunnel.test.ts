/** WebSocket passes through the cache. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import { serve } from '#kit/testing/server.ts';
import { startCache } from '../test-plane.ts';

test('RFC 6455: a WebSocket is opened through it, and speaks both ways', async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${String(data as Buffer)}`)));
  await using app = await serve(server);
  await using cache = await startCache(app.port);
  const client = new WebSocket(`ws://127.0.0.1:${cache.port}/chat`);
  await once(client, 'open');
  for (const text of ['one', 'x'.repeat(100_000)]) {
    client.send(text);
    const [answer] = (await once(client, 'message')) as [Buffer];
    assert.is(answer.toString(), `echo ${text}`);
  }
  assert.match(await cache.metrics(), /result="pass"\} 1\n/);
  client.close();
  await once(client, 'close');
});

test.run();
