/** An application that is down, dies, sleeps or comes back. */
import { createServer, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { dial, exchange, rawApp, start, RawClient } from './test-plane.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const LAST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('while the app is down, clients get 503 with Retry-After; then it is found by itself', async () => {
  const port = await freePort();
  const running = await start(port, { TLS_RETRY_AFTER: '7s' });
  const talk = new RawClient(await dial(running.port));
  talk.send(GET);
  assert.match(
    await talk.until(({ text }) => text.includes('again soon')),
    /^HTTP\/1\.1 503 Service Unavailable\r\n(?:.*\r\n)*Retry-After: 7\r\n/,
  );
  await eventually('unreadiness', () => /ECONNREFUSED/.test(running.app.reason));
  assert.match(await running.metrics(), 'tls_app_up 0');

  const server = createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write(OK)));
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  await eventually('readiness without any traffic', () => running.app.passed);
  talk.send(LAST);
  assert.match(await talk.until(({ closed }) => closed), /ok$/);
  assert.match(await running.metrics(), 'tls_app_up 1');
  await running.stop();
  server.close();
});

test('an application that closes without an answer is answered for with 502', async () => {
  const app = await rawApp((socket) => socket.once('data', () => socket.destroy()));
  const running = await start(app.port);
  assert.is((await exchange(running.port, LAST)).slice(9, 12), '502');
  assert.is(app.connections() <= 2, true);
  await running.stop();
  app.close();
});

test('an application that does not answer in time is answered for with 504', async () => {
  const app = await rawApp((socket) => socket.resume());
  const running = await start(app.port, { TLS_RESPONSE_TIMEOUT: '200ms' });
  assert.is((await exchange(running.port, LAST)).slice(9, 12), '504');
  await running.stop();
  app.close();
});

/** An application that answers a connection's first request and drops it at the second, as one does that closes idle connections. */
async function forgetful(): Promise<{
  port: number;
  requests: string[];
  connections: () => number;
  close: () => void;
}> {
  const requests: string[] = [];
  const app = await rawApp((socket: Socket) => {
    let served = 0;
    socket.on('data', (chunk: Buffer) => {
      requests.push(chunk.toString('latin1').split(' ', 1)[0]!);
      if (served++ === 0) socket.write(OK);
      else socket.resetAndDestroy();
    });
  });
  return { ...app, requests };
}

test('a dead idle connection costs nobody an idempotent request', async () => {
  const app = await forgetful();
  const running = await start(app.port);
  const before = app.connections();
  for (let round = 0; round < 3; round++) assert.match(await exchange(running.port, LAST), /ok$/);
  assert.is(app.requests.length > 3, true, 'an idle connection was tried');
  assert.is(app.connections() > before + 1, true);
  await running.stop();
  app.close();
});

test('what may have had an effect is not sent twice', async () => {
  const app = await forgetful();
  const running = await start(app.port);
  const post = LAST.replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\nx');
  assert.match(await exchange(running.port, post), /ok$/);
  assert.is((await exchange(running.port, post)).slice(9, 12), '502');
  assert.equal(app.requests, ['POST', 'POST']);
  await running.stop();
  app.close();
});

test('connections to the application are used again, unless it should not be', async () => {
  for (const [env, most] of [
    [{}, 2],
    [{ PROXY_IDLE_TIMEOUT: '0' }, 99],
  ] as const) {
    const heard: string[] = [];
    const app = await rawApp((socket) =>
      socket.on('data', (chunk: Buffer) => (heard.push(String(chunk)), socket.write(OK))),
    );
    const running = await start(app.port, env);
    for (let round = 0; round < 5; round++) assert.match(await exchange(running.port, LAST), /ok$/);
    assert.is(app.connections() <= most, true, String(app.connections()));
    if (most === 99) assert.is(app.connections() >= 5, true);
    assert.is(/\r\nConnection: close\r\n/.test(heard[0]!), most === 99);
    await running.stop();
    app.close();
  }
});

test('slow clients are told so: 408 for a head or a body that does not come', async () => {
  const app = await rawApp((socket) => socket.resume());
  const running = await start(app.port, { TLS_HEADER_TIMEOUT: '200ms', TLS_IDLE_TIMEOUT: '300ms' });
  assert.match(await exchange(running.port, 'GET / HTTP/1.1\r\nHo'), /^HTTP\/1\.1 408 /);
  assert.match(
    await exchange(running.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab'),
    /^HTTP\/1\.1 408 /,
  );
  assert.is(await exchange(running.port, ''), '', 'a silent one is just closed');
  await running.stop();
  app.close();
});

test('a client that goes away takes its request along', async () => {
  let gone = false;
  const app = await rawApp((socket) => {
    socket.resume();
    socket.on('end', () => (gone = true));
  });
  const running = await start(app.port);
  const talk = new RawClient(await dial(running.port));
  talk.send(GET);
  await eventually('a request', () => app.connections() > 1);
  gone = false;
  talk.socket.end();
  await eventually('the end of the request', () => gone);
  await eventually('nothing in flight', async () => /tls_requests_in_flight 0/.test(await running.metrics()));
  await running.stop();
  app.close();
});

test.run();
