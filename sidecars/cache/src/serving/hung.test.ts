/** An application that hangs, in its several ways: what is stored and stale answers within CACHE_STALE_AFTER. */
import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { rawApp } from '#proxy/testing/apps.ts';
import { startCache, statusOf } from '../test-plane.ts';

const PAGE =
  'HTTP/1.1 200 OK\r\nCache-Control: max-age=10\r\nETag: "a"\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n0123456789';
/** Requests that are not answered in time are a 504 after this; the stale page must come before. */
const PATIENCE = { CACHE_RESPONSE_TIMEOUT: '20s', CACHE_STALE_AFTER: '50ms' };

/** An application that answers while it is well, and hangs as told while it is not. */
async function failingApp(hang: (socket: Socket) => void) {
  const state = { well: true, asked: 0 };
  const app = await rawApp((socket) =>
    socket.on('data', () => {
      state.asked++;
      if (state.well) socket.write(PAGE);
      else hang(socket);
    }),
  );
  return { app, state };
}

const HANGS: Record<string, (socket: Socket) => void> = {
  paused: () => {},
  'slow in its head': (socket) => socket.write('HTTP/1.1 200 OK\r\nCache-Con'),
  'half-open': (socket) => socket.pause(),
};

for (const [kind, hang] of Object.entries(HANGS))
  test(`an application that is ${kind}: GET, HEAD and Range get the stale page`, async () => {
    const { app, state } = await failingApp(hang);
    await using cache = await startCache(app.port, PATIENCE);
    await cache.get('/');
    state.well = false;
    for (const [method, headers, expected] of [
      ['GET', {}, [200, '0123456789']],
      ['HEAD', {}, [200, '']],
      ['GET', { Range: 'bytes=2-4' }, [206, '234']],
    ] as const) {
      cache.advance(11);
      const answer = await cache.get('/', headers, method);
      assert.equal([method, answer.status, answer.text], [method, ...expected]);
      assert.match(statusOf(answer), /^fwd=stale; ttl=-\d+; detail=stale-after$/);
    }
    app.close();
  });

const BREAKS: Record<string, (socket: Socket) => void> = {
  stops: (socket) => socket.write(PAGE.slice(0, -5)),
  'breaks off': (socket) => socket.end(PAGE.slice(0, -5)),
};

for (const [kind, hang] of Object.entries(BREAKS))
  test(`a body that ${kind}: GET and Range get the stale page`, async () => {
    const { app, state } = await failingApp(hang);
    await using cache = await startCache(app.port, PATIENCE);
    await cache.get('/');
    state.well = false;
    for (const [headers, expected] of [
      [{ Range: 'bytes=8-9' }, [206, '89']],
      [{}, [200, '0123456789']],
    ] as const) {
      cache.advance(11);
      const answer = await cache.get('/', headers);
      assert.equal([answer.status, answer.text], expected);
    }
    app.close();
  });

test('a hung application gets at most as many requests as connections, though clients left', async () => {
  const { app, state } = await failingApp(() => {});
  await using cache = await startCache(app.port, { ...PATIENCE, CACHE_MAX_CONNECTIONS: '4' });
  const paths = Array.from({ length: 12 }, (_, index) => `/${index}`);
  for (const path of paths) await cache.get(path);
  state.well = false;
  cache.advance(11);
  const before = state.asked;
  // Each client gets its stale page and goes; what was asked for it goes on.
  for (const path of paths) assert.is((await cache.get(path)).text, '0123456789');
  assert.ok(state.asked - before <= 4, `${state.asked - before} requests at once`);
  app.close();
});

test('a hung application is asked once, and its late answer is stored', async () => {
  let late: Socket | undefined;
  const { app, state } = await failingApp((socket) => void (late = socket));
  await using cache = await startCache(app.port, PATIENCE);
  await cache.get('/');
  state.well = false;
  cache.advance(11);
  for (let round = 0; round < 20; round++) {
    assert.is((await cache.get('/')).status, 200);
    cache.advance(2);
  }
  assert.is(state.asked, 2);
  late!.write(PAGE.replace('0123456789', 'abcdefghij'));
  await eventually('the late answer is stored', async () => (await cache.get('/')).text === 'abcdefghij');
  app.close();
});

test('what must be validated is never answered stale, however long the application takes', async () => {
  const strict = PAGE.replace('max-age=10', 'max-age=10, must-revalidate');
  const app = await rawApp((socket) => socket.once('data', () => socket.write(strict)));
  await using cache = await startCache(app.port, { ...PATIENCE, CACHE_RESPONSE_TIMEOUT: '300ms' });
  await cache.get('/');
  cache.advance(11);
  assert.is((await cache.get('/')).status, 504);
  app.close();
});

test.run();
