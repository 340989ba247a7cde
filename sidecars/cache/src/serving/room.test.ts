/** Room in memory for bodies that are on their way. */
import type { ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { connected } from '#proxy/testing/raw-client.ts';
import { startCache, statusOf, TestApp } from '../test-plane.ts';

test('room for a body whose length is told is taken at once, or it is not kept', async () => {
  // Each answer begins, and goes on when it is told to.
  const unfinished: ServerResponse[] = [];
  await using app = await serve((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': 8e6 }).write('begin');
    unfinished.push(response);
  });
  await using cache = await startCache(app.port);
  const talks = await Promise.all(Array.from({ length: 8 }, () => connected(cache.port)));
  for (const [index, talk] of talks.entries()) {
    talk.send(`GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await talk.until(({ text }) => text.includes('begin'), 30_000);
  }
  // Of the default 64 MiB, 28.8 hold responses: three of these.
  const { reserved } = cache.plane.store.memory;
  assert.ok(reserved >= 24e6 && reserved < 25e6, `${reserved} bytes`);
  for (const talk of talks) talk.socket.destroy();
  for (const response of unfinished) response.destroy();
  await eventually('all room is given back', () => cache.plane.store.memory.reserved === 0);
});

test('without any room requests pass as they are, and what may be stale answers from the store', async () => {
  await using app = await TestApp.start(() => ({ headers: { 'Cache-Control': 'max-age=10' }, body: 'page' }));
  await using cache = await startCache(app.server.port, { CACHE_STALE_IF_ERROR: '60s' });
  await cache.get('/stale');
  cache.advance(11);
  const { memory } = cache.plane.store;
  memory.hold(64 * 2 ** 20);
  assert.match(statusOf(await cache.get('/stale')), /ttl=-1; detail=memory/);
  for (let times = 0; times < 2; times++) {
    const answer = await cache.get('/new');
    assert.equal([answer.text, statusOf(answer)], ['page', 'fwd=uri-miss; detail=memory']);
  }
  memory.release(64 * 2 ** 20);
  await cache.get('/new');
  assert.match(statusOf(await cache.get('/new')), /^hit/);
  assert.equal([app.asked('/stale'), app.asked('/new')], [1, 3]);
});

test.run();
