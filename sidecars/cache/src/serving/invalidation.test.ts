/** What makes stored responses invalid: unsafe requests, groups, purges; and what was under way meanwhile. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startCache, statusOf, TestApp } from '../test-plane.ts';

const shown = { 'Cache-Control': 'max-age=60' };
const isHit = async (cache: Awaited<ReturnType<typeof startCache>>, path: string): Promise<boolean> =>
  statusOf(await cache.get(path)).startsWith('hit');

test('RFC 9111, 4.4: POST, PUT, DELETE and unknown methods invalidate, where they succeed', async () => {
  await using app = await TestApp.start(({ method, headers }) =>
    method === 'GET'
      ? { headers: shown }
      : {
          status: Number(headers['x-status'] ?? 200),
          headers: { Location: '/other', 'Content-Location': 'http://elsewhere.test/far' },
        },
  );
  await using cache = await startCache(app.server.port);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH']) {
    await cache.get('/');
    await cache.get('/other');
    await cache.get('/', { 'X-Status': '500' }, method, 'body');
    assert.ok(await isHit(cache, '/'), method);
    await cache.get('/', {}, method, 'body');
    assert.equal([method, await isHit(cache, '/'), await isHit(cache, '/other')], [method, false, false]);
  }
});

test('RFC 9875, section 3: a group of the same origin goes with it', async () => {
  await using app = await TestApp.start(({ method }) =>
    method === 'GET'
      ? { headers: { ...shown, 'Cache-Groups': '"posts"' } }
      : { headers: { 'Cache-Group-Invalidation': '"posts"' } },
  );
  await using cache = await startCache(app.server.port);
  for (const path of ['/1', '/2']) await cache.get(path);
  await cache.get('/1', { host: 'other.test' });
  await cache.get('/new', {}, 'POST', 'x');
  assert.equal([await isHit(cache, '/1'), await isHit(cache, '/2')], [false, false]);
  assert.match(statusOf(await cache.get('/1', { host: 'other.test' })), /^hit/);
});

test('an answer that was under way when its URL was invalidated is not stored', async () => {
  const gate = Promise.withResolvers<void>();
  await using app = await TestApp.start(async ({ method }) => {
    if (method === 'GET') await gate.promise;
    return { headers: shown, body: 'old' };
  });
  await using cache = await startCache(app.server.port);
  const reading = cache.get('/');
  await eventually('it has asked', () => app.seen.length === 1);
  await cache.get('/', {}, 'PUT', 'new');
  gate.resolve();
  assert.is((await reading).text, 'old');
  assert.not.ok(await isHit(cache, '/'));
});

test('an answer to POST that names its own URL and is fresh is what a GET gets next', async () => {
  const gate = Promise.withResolvers<void>();
  await using app = await TestApp.start(async ({ method, headers }) => {
    if (headers['x-gate'] !== undefined) await gate.promise;
    return method === 'GET'
      ? { headers: shown, body: 'asked' }
      : {
          headers: { ...shown, 'Content-Location': '/page?b=1', ...JSON.parse(headers['x-more'] ?? '{}') },
          body: 'new',
        };
  });
  await using cache = await startCache(app.server.port);
  const page = '/page?b=1';
  const post = async (more: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<string> => {
    await cache.get(page);
    await cache.get(page, { 'X-More': JSON.stringify(more), ...headers }, 'POST', 'body');
    const { text } = await cache.get(page);
    await cache.get(page, {}, 'DELETE');
    return text;
  };
  assert.is(await post(), 'new');
  for (const more of [
    { 'Content-Location': '/page' },
    { 'Content-Location': 'http://elsewhere.test/page?b=1' },
    { 'Cache-Control': 'public', 'Last-Modified': 'Tue, 01 Sep 2026 00:00:00 GMT' },
    { 'Cache-Control': 'private, max-age=60' },
    { 'Set-Cookie': 'a=1' },
  ])
    assert.is(await post(more), 'asked', JSON.stringify(more));
  for (const headers of [{ Authorization: 'ann' }, { Cookie: 'a=1' }, { 'Cache-Control': 'no-store' }])
    assert.is(await post({}, headers), 'asked', JSON.stringify(headers));
  // What was purged while the application answered is not what it has now.
  const posted = cache.get(page, { 'X-Gate': '1' }, 'POST', 'body');
  await eventually('it has asked', () => app.seen.at(-1)!.headers['x-gate'] === '1');
  cache.plane.purger.invalidateUrl(`http://127.0.0.1:${cache.port}${page}`);
  gate.resolve();
  await posted;
  assert.is((await cache.get(page)).text, 'asked');
  assert.is(cache.plane.store.memory.reserved, 0);
});

test('purges by URL, by the beginning of one, by tag; a soft one keeps what may answer on error', async () => {
  const app = await TestApp.start(({ url }) => ({
    headers: { ...shown, 'Surrogate-Key': `all ${url.slice(1, 2)}` },
    body: url,
  }));
  await using cache = await startCache(app.server.port);
  const { purger } = cache.plane;
  const paths = ['/a1', '/a2', '/b1', '/b2'];
  const fill = async (): Promise<void> => {
    for (const path of paths) await cache.get(path, { host: 'h' });
  };
  const hits = async (): Promise<string[]> => {
    const found = await Promise.all(
      paths.map((path) => cache.get(path, { host: 'h', 'Cache-Control': 'only-if-cached' })),
    );
    return paths.filter((_, index) => statusOf(found[index]!).startsWith('hit'));
  };
  await fill();
  assert.is(purger.purgeUrl('http://h/a1', false), 1);
  assert.is(purger.purgeUrl('/a2', false), 1);
  assert.equal(await hits(), ['/b1', '/b2']);
  await fill();
  assert.is(purger.purgePrefix('http://h/a', false), 2);
  assert.equal(await hits(), ['/b1', '/b2']);
  await fill();
  assert.is(purger.purgeTag('b', false), 2);
  assert.equal(await hits(), ['/a1', '/a2']);
  await fill();
  assert.is(purger.purgeTag('all', true), 4);
  assert.equal(await hits(), []);
  // Asked anew while the application is there; from what is kept when it is gone.
  assert.match(statusOf(await cache.get('/a1', { host: 'h' })), /^fwd=stale; stored/);
  await app.server.close();
  assert.equal(
    [(await cache.get('/b1', { host: 'h' })).text, (await cache.get('/a1', { host: 'h' })).text],
    ['/b1', '/a1'],
  );
});

test('an answer under way when its tag is purged is not stored, even with tags unknown', async () => {
  const gate = Promise.withResolvers<void>();
  await using app = await TestApp.start(async () => {
    await gate.promise;
    return { headers: { ...shown, 'Surrogate-Key': 'a' } };
  });
  await using cache = await startCache(app.server.port);
  const reading = cache.get('/');
  await eventually('it has asked', () => app.seen.length === 1);
  cache.plane.purger.purgeTag('a', false);
  gate.resolve();
  await reading;
  assert.not.ok(await isHit(cache, '/'));
});

test('a purge takes scheme, host and port in any form', async () => {
  await using app = await TestApp.start(() => ({ headers: shown }));
  await using cache = await startCache(app.server.port);
  for (const url of ['HTTP://H.test:80/a', 'http://h.TEST/a']) {
    await cache.get('/a', { host: 'h.test' });
    assert.is(cache.plane.purger.purgeUrl(url, false), 1, url);
    await cache.get('/a', { host: 'h.test' });
    assert.is(cache.plane.purger.purgePrefix(url, false), 1, url);
  }
});

test('Location invalidates without the parameters that are not in the key', async () => {
  await using app = await TestApp.start(({ method }) =>
    method === 'GET' ? { headers: shown } : { headers: { Location: '/other?utm_x=1&a=2' } },
  );
  await using cache = await startCache(app.server.port, { CACHE_IGNORE_QUERY: 'utm_*' });
  await cache.get('/other?a=2', { host: 'h' });
  await cache.get('/', { host: 'h' }, 'POST', 'x');
  assert.not.match(statusOf(await cache.get('/other?a=2', { host: 'h' })), /^hit/);
});

test.run();
