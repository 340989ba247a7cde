import { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { echo } from '#proxy/testing/apps.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { connected } from '#proxy/testing/raw-client.ts';

test('a connection is ended once: Node makes an error, with its stack, of a second time', async () => {
  await using app = await serve(echo);
  await using proxy = await startProxy(app.port);
  const talk = await connected(proxy.port);
  const end = Reflect.get(Socket.prototype, 'end') as (this: Socket, ...args: unknown[]) => Socket;
  let again = 0;
  Socket.prototype.end = function (this: Socket, ...args: unknown[]) {
    if (this.writableEnded) again++;
    return end.apply(this, args);
  };
  try {
    talk.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.match(await talk.until(({ closed }) => closed), / 200 OK/);
    talk.socket.end();
    await eventually('the connection is gone', () => proxy.stats.open === 0);
  } finally {
    Socket.prototype.end = end;
    talk.socket.destroy();
  }
  assert.is(again, 0);
});

test.run();
