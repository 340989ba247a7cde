import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { refused, serve } from './server.ts';

test('an HTTP application answers until it is closed, and can come back on its port', async () => {
  const app = await serve((asked, response) => response.end(`you asked for ${asked.url}`));
  const ask = async (): Promise<string> => String((await request(`${app.url}/x`, { timeout: 5000 })).body);
  assert.is(await ask(), 'you asked for /x');
  assert.is(app.connections(), 1);
  await app.close();
  assert.ok(await refused(app.port));
  await app.close();
  await using again = await serve((_asked, response) => response.end('again'), app.port);
  assert.is(again.port, app.port);
  assert.is(await ask(), 'again');
});

test('closing cuts connections that are open', async () => {
  const held = await serve(createServer((socket) => socket.resume()));
  const asked = request(held.url, { timeout: 5000 }).then(
    () => '',
    (error: Error) => error.message,
  );
  while (held.connections() === 0) await new Promise(setImmediate);
  await held.close();
  assert.match(await asked, /./);
  assert.ok(await refused(held.port));
});

test.run();
