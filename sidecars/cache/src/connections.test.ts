/** More connections than CACHE_MAX_CONNECTIONS. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { connected, exchange } from '#proxy/testing/raw-client.ts';
import { ask, startCache, TestApp } from './test-plane.ts';

test('a connection above the limit is closed and counted, and the ones below it are served', async () => {
  await using app = await TestApp.start(() => ({ body: 'hello' }));
  await using cache = await startCache(app.server.port, { CACHE_MAX_CONNECTIONS: '1' });
  const first = await connected(cache.port);
  await eventually('the first is there', async () => /^cache_connections_open 1$/m.test(await cache.metrics()));
  assert.is(await exchange(cache.port, 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n').catch(() => ''), '');
  assert.match(await cache.metrics(), 'cache_connections_refused_total{reason="max_connections"} 1\n');
  first.send('GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
  assert.match(await first.until(({ closed }) => closed), 'hello');
  first.socket.destroy();
  await eventually('it is gone', async () => /^cache_connections_open 0$/m.test(await cache.metrics()));
  assert.is((await ask(cache.port, '/')).text, 'hello');
  assert.match(await cache.metrics(), 'cache_connections_refused_total{reason="max_connections"} 1\n');
});

test.run();
