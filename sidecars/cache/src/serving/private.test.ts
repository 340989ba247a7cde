/** Nobody sees another's answer, and nobody puts one there for others. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { echo } from '#proxy/testing/apps.ts';
import { serve } from '#kit/testing/server.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { startCache, statusOf, TestApp } from '../test-plane.ts';

const shown = { 'Cache-Control': 'max-age=60' };

test("answers with Set-Cookie, to Authorization and to cookies are nobody else's", async () => {
  await using app = await TestApp.start(({ url, headers }) => ({
    headers: url === '/login' ? { 'Cache-Control': 'public, max-age=60', 'Set-Cookie': 'session=1' } : { ...shown },
    body: `for ${headers.authorization ?? headers.cookie ?? 'nobody'}`,
  }));
  await using cache = await startCache(app.server.port);
  assert.equal((await cache.get('/login')).headers['set-cookie'], ['session=1']);
  assert.match(statusOf(await cache.get('/login')), /^fwd=uri-miss/);
  assert.is((await cache.get('/a', { Authorization: 'Basic ann' })).text, 'for Basic ann');
  assert.is((await cache.get('/a')).text, 'for nobody');
  assert.is((await cache.get('/b', { Cookie: 'session=ann' })).text, 'for session=ann');
  assert.is((await cache.get('/b', { Cookie: 'session=bob' })).text, 'for session=bob');
  assert.is((await cache.get('/b')).text, 'for nobody');
});

test('heuristic freshness is not for clients with cookies; ignored cookies never reach the app', async () => {
  await using app = await TestApp.start(({ headers }) => ({ body: `for ${headers.cookie ?? 'nobody'}` }));
  await using cache = await startCache(app.server.port, {
    CACHE_DEFAULT_TTL: '60s',
    CACHE_COOKIES: 'ignore:_ga*,seen',
  });
  assert.is((await cache.get('/')).text, 'for nobody');
  assert.match(statusOf(await cache.get('/')), /^hit/);
  assert.match(statusOf(await cache.get('/', { Cookie: '_ga_X=1; seen=2' })), /^hit/);
  assert.is((await cache.get('/', { Cookie: '_ga=1; session=ann' })).text, 'for session=ann');
  assert.is((await cache.get('/new', { Cookie: '_ga=1' })).text, 'for nobody');
});

test('a request of one client does not take from the store what is for all', async () => {
  const app = await TestApp.start(({ headers }) => ({
    headers: { 'Cache-Control': 'max-age=10', ETag: '"a"' },
    ...(headers['if-none-match'] === undefined || headers['x-new'] !== undefined ? { body: 'page' } : { status: 304 }),
  }));
  await using cache = await startCache(app.server.port);
  await cache.get('/', { host: 'h' });
  const asOne: Record<string, string>[] = [
    { Cookie: 'session=ann' },
    { Authorization: 'ann' },
    { Cookie: 'session=ann', 'X-New': '1' },
  ];
  for (const headers of asOne) {
    cache.advance(11);
    assert.is((await cache.get('/', { host: 'h', ...headers })).text, 'page');
    assert.is(cache.plane.store.memory.count, 1, JSON.stringify(headers));
  }
  await app.server.close();
  cache.advance(11);
  assert.is((await cache.get('/', { host: 'h' })).text, 'page');
});

test('cache deception: /account/x.css is not stored', async () => {
  await using app = await TestApp.start(({ headers }) => ({
    headers: { 'Content-Type': 'text/html', ...shown },
    body: `account of ${headers['x-user']}`,
  }));
  await using cache = await startCache(app.server.port, { CACHE_DEFAULT_TTL: '60s' });
  for (const path of ['/account/x.css', '/account/x.js?a', '/account%2fx.png'])
    for (const user of ['ann', 'eve'])
      assert.is((await cache.get(path, { 'X-User': user })).text, `account of ${user}`);
});

test('poisoning: overrides pass; a claimed host, scheme or port is never given to another client', async () => {
  await using app = await serve((request, response) => {
    response.setHeader('Cache-Control', 'max-age=60');
    echo(request, response);
  });
  await using cache = await startCache(app.port);
  const evil: Record<string, string>[] = [
    { 'X-Forwarded-Host': 'evil.test' },
    { 'X-Forwarded-Prefix': '/evil' },
    { 'X-HTTP-Method-Override': 'DELETE' },
    { X_Http_Method_Override: 'DELETE' },
    { 'X-Original-URL': '/evil' },
    { 'X-Rewrite-URL': '/evil' },
    { 'X-Host': 'evil.test' },
    { Forwarded: 'host=evil.test' },
    { 'X-Forwarded-Scheme': 'evil' },
    { 'X-Forwarded-Proto': 'https' },
    { 'X-Forwarded-Port': '1234' },
  ];
  for (const [index, headers] of evil.entries()) {
    await cache.get(`/${index}`, { ...headers, host: 'a.test' });
    const { text } = await cache.get(`/${index}`, { host: 'a.test' });
    assert.not.match(text, /evil|DELETE|https|1234/, JSON.stringify(headers));
    // Nor does one get what is stored for others.
    if (!('X-Forwarded-Proto' in headers) && !('X-Forwarded-Port' in headers))
      assert.match(statusOf(await cache.get(`/${index}`, { ...headers, host: 'a.test' })), /^fwd=bypass/);
  }
});

test('host and scheme are in the key', async () => {
  await using app = await TestApp.start(({ headers }) => ({
    headers: shown,
    body: `${headers['x-forwarded-proto']}://${headers.host}`,
  }));
  await using cache = await startCache(app.server.port);
  for (let round = 0; round < 2; round++)
    for (const [host, scheme] of [
      ['a.test', 'http'],
      ['b.test', 'http'],
      ['a.test', 'https'],
      ['a.test:81', 'http'],
    ] as const)
      assert.is((await cache.get('/', { host, 'X-Forwarded-Proto': scheme })).text, `${scheme}://${host}`);
  assert.is(app.seen.length, 4);
});

test('oversized or malformed fields neither poison nor store an error', async () => {
  await using app = await TestApp.start(({ headers }) =>
    (headers['x-long'] ?? '').length > 1000
      ? { status: 400, headers: shown, body: 'bad' }
      : { headers: shown, body: 'good' },
  );
  await using cache = await startCache(app.server.port);
  assert.is((await cache.get('/', { 'X-Long': 'x'.repeat(9000) })).status, 400);
  assert.is((await cache.get('/')).text, 'good');
  // More than the sidecar itself takes, and what is no field at all: its own refusals are not stored either.
  assert.is(
    (
      await cache
        .get('/2', { 'X-Long': 'x'.repeat(15_000), 'X-More': 'x'.repeat(15_000) })
        .catch(() => ({ status: 431 }))
    ).status,
    431,
  );
  assert.match(await exchange(cache.port, 'GET /3 HTTP/1.1\r\nHost: a\r\nX-Bad: \x07\r\n\r\n'), /^HTTP\/1\.1 400/);
  assert.equal([(await cache.get('/2')).text, (await cache.get('/3')).text], ['good', 'good']);
});

test('what any field says of who asks makes an answer private: must-revalidate does not share it', async () => {
  const names = ['Authorization', 'X-API-Key', 'X-Forwarded-User', 'X-Auth-Request-Email', 'Remote-User', 'X_Api_Key'];
  await using app = await TestApp.start(({ headers }) => {
    const who = names.map((name) => headers[name.toLowerCase()]).find((value) => value !== undefined);
    return { headers: { 'Cache-Control': 'max-age=60, must-revalidate' }, body: `for ${who ?? 'nobody'}` };
  });
  await using cache = await startCache(app.server.port);
  for (const name of names) {
    assert.is((await cache.get(`/${name}`, { [name]: 'right' })).text, 'for right', name);
    assert.is((await cache.get(`/${name}`)).text, 'for nobody', name);
  }
});

test('Vary on a field that is not known: what is nearly the same is another', async () => {
  await using app = await TestApp.start(({ headers }) => ({
    headers: { 'Cache-Control': 'max-age=60', Vary: 'RSC, Origin' },
    body: `for ${headers['rsc']} ${headers['origin']}`,
  }));
  await using cache = await startCache(app.server.port);
  for (const headers of [
    { RSC: '1,', Origin: 'x' },
    { RSC: '1', Origin: 'x,' },
    { RSC: ',1', Origin: 'x' },
    { RSC: '1', Origin: 'X' },
    { RSC: '1', Origin: 'x' },
  ])
    assert.is((await cache.get('/', headers)).text, `for ${headers.RSC} ${headers.Origin}`);
});

test.run();
