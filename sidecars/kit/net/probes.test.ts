import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { httpProbe, tcpProbe } from './probes.ts';
import { serve } from '../testing/server.ts';

test('200 to 399 is well, anything else is not, and the reason names the status but no password', async () => {
  await using server = await serve((request, response) => response.writeHead(Number(request.url!.slice(1))).end());
  const { port } = server;
  const probe = (status: number): ReturnType<typeof httpProbe> =>
    httpProbe({ url: `http://user:secret@127.0.0.1:${port}/${status}`, timeout: 5000 });
  for (const status of [200, 204, 301, 399]) assert.ok((await probe(status)).ok, String(status));
  for (const status of [400, 401, 404, 500, 503]) {
    const result = await probe(status);
    assert.not(result.ok, String(status));
    assert.is(!result.ok && result.reason, `http://127.0.0.1:${port}/${status} answered ${status}`);
  }
});

test('an application that accepts and does not answer is not well', async () => {
  await using server = await serve(() => {});
  const result = await httpProbe({ url: server.url, timeout: 50 });
  assert.match(result.ok ? '' : result.reason, /did not answer within 50 ms/);
});

test('a port that is open, and one that is not', async () => {
  const { port, close } = await serve(createServer());
  const open = await tcpProbe({ host: '127.0.0.1', port, timeout: 5000 });
  assert.ok(open.ok && open.ms < 5000);
  await close();
  const closed = await tcpProbe({ host: '127.0.0.1', port, timeout: 5000 });
  assert.is(closed.ok ? '' : closed.reason, `127.0.0.1:${port} cannot be reached: ECONNREFUSED`);
});

test('a probe can be given up', async () => {
  const signal = AbortSignal.abort();
  await using server = await serve((_request, response) => response.end());
  const { port } = server;
  assert.not((await tcpProbe({ host: '127.0.0.1', port, timeout: 5000, signal })).ok);
  assert.not((await httpProbe({ url: `http://127.0.0.1:${port}/`, timeout: 5000, signal })).ok);
});

test.run();
