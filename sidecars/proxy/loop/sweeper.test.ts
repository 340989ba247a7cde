/** A proxy that does not run for a while: what has come meanwhile counts, not the time. */
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Worker } from 'node:worker_threads';
import { certify } from '#kit/testing/certify.ts';
import type { Filter } from '#proxy/filters/filter.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { connected } from '#proxy/testing/raw-client.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** An application that goes on while this thread stands still. */
const APP = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { createServer } = require(workerData ? 'node:https' : 'node:http');
  const server = createServer(workerData ?? {}, (_request, response) => response.end('hello'));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

async function startApp(pair?: { readonly cert: string; readonly key: string }) {
  const worker = new Worker(APP, { eval: true, workerData: pair });
  const [port] = (await once(worker, 'message')) as [number];
  return { port, [Symbol.asyncDispose]: async () => void (await worker.terminate()) };
}

/** Filter: the process stands still as soon as a request is on its way. */
const standStill = (milliseconds: number): Filter => ({
  onRequest() {
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds));
    return undefined;
  },
});

test('connections and answers that came while the process stood still are not timed out', async () => {
  await using app = await startApp();
  await using proxy = await startProxy(app.port, {
    filters: [standStill(1000)],
    settings: { connectTimeout: 100, responseTimeout: 100 },
  });
  const talk = await connected(proxy.port);
  // The first waits for its connection, the second for its answer.
  for (const count of [1, 2]) {
    talk.send(GET);
    await talk.until(({ text }) => text.split('HTTP/1.1 ').length > count);
  }
  assert.equal(proxy.stats.statuses, [200, 200]);
  assert.equal(proxy.stats.failures, []);
  talk.socket.destroy();
});

test('a handshake that takes further turns is given its time after the process stood still', async () => {
  const pair = await certify({ names: ['localhost'] });
  await using app = await startApp(pair);
  await using proxy = await startProxy(app.port, {
    filters: [standStill(8000)],
    settings: { connectTimeout: 5000 },
    tls: { ca: pair.cert, servername: 'localhost' },
  });
  const talk = await connected(proxy.port);
  talk.send(GET);
  await talk.until(({ text }) => text.includes('HTTP/1.1 '));
  assert.equal([proxy.stats.statuses, proxy.stats.failures], [[200], []]);
  talk.socket.destroy();
});

test.run();
