/** Requests that came together and are answered at once: a turn of the event loop answers a part of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startProxy } from '#proxy/testing/proxy.ts';
import { connected } from '#proxy/testing/raw-client.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const COUNT = 1500;
const CLIENTS = 20;

test('many requests of many clients: each is answered in order, some hundred in a turn', async () => {
  let inTurn = 0;
  let most = 0;
  await using proxy = await startProxy(1, {
    filters: [
      {
        onRequest({ request }) {
          if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
          most = Math.max(most, inTurn);
          return { status: 200, fields: [['x-path', request.path]], body: 'hi' };
        },
      },
    ],
  });
  const talks = await Promise.all(Array.from({ length: CLIENTS }, async () => connected(proxy.port)));
  const text = Array.from({ length: COUNT }, (_, at) => REQUEST.replace('/', `/${at}`)).join('');
  for (const talk of talks) talk.send(text);
  for (const talk of talks) {
    await talk.until(() => talk.text.split('x-path').length > COUNT);
    const paths = [...talk.text.matchAll(/x-path: (.*)\r\n/g)].map(([, path]) => path);
    assert.equal(
      paths,
      Array.from({ length: COUNT }, (_, at) => `/${at}`),
    );
    talk.socket.destroy();
  }
  assert.equal([proxy.stats.statuses.length, proxy.errors], [CLIENTS * COUNT, []]);
  // Two pieces each, of the 1,024 that all connections have in a turn.
  assert.ok(most <= 2 * (1024 / 2) + CLIENTS * 4, `${most} requests in one turn`);
});

test.run();
