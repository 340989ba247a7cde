/** Hits, and what a dead application leaves: the cache as a whole, in front of an application. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { rawApp } from '#proxy/testing/apps.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { startCache, statusOf, TestApp } from '../test-plane.ts';

const fresh = (body: string, control = 'max-age=60') => ({ headers: { 'Cache-Control': control }, body });

test('RFC 9111, 4: the second reader gets a hit with its age; the application saw one request', async () => {
  await using app = await TestApp.start(() => fresh('hello'));
  await using cache = await startCache(app.server.port);
  const first = await cache.get('/');
  assert.equal([first.text, statusOf(first), first.headers.age], ['hello', 'fwd=uri-miss; stored', undefined]);
  cache.advance(7);
  const second = await cache.get('/');
  assert.equal([second.text, statusOf(second), second.headers.age], ['hello', 'hit; ttl=53', '7']);
  assert.equal([second.headers.date, app.asked('/')], [first.headers.date, 1]);
  const head = await cache.get('/', {}, 'HEAD');
  assert.equal(
    [head.text, head.headers['content-length'], statusOf(head), app.asked('/')],
    ['', '5', 'hit; ttl=53', 1],
  );
  assert.match(
    await cache.metrics(),
    /cache_requests_total\{result="hit"\} 2\n[^]*cache_origin_requests_total\{code="2xx"\} 1/,
  );
});

test('a pipeline of hits is answered in order, also by HTTP/1.0', async () => {
  await using app = await TestApp.start(({ url }) => fresh(`at ${url}`));
  await using cache = await startCache(app.server.port);
  await cache.get('/1', { host: 'h' });
  await cache.get('/2', { host: 'h' });
  const get = (path: string, last = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${last}\r\n`;
  const text = await exchange(cache.port, get('/1') + get('/2') + get('/1', 'Connection: close\r\n'));
  assert.equal([...text.matchAll(/at \/\d/g)].map(String), ['at /1', 'at /2', 'at /1']);
  const old = await exchange(cache.port, 'GET /1 HTTP/1.0\r\nHost: h\r\n\r\n');
  assert.match(old, /\r\nContent-Length: 5\r\n[^]*at \/1$/);
  assert.is(app.seen.length, 2);
});

test('large bodies and empty ones come out as they went in', async () => {
  const large = Buffer.alloc(300_000, 'abcdefghij').toString();
  await using app = await TestApp.start(({ url }) =>
    url === '/large' ? fresh(large) : { status: 204, headers: { 'Cache-Control': 'max-age=60' } },
  );
  await using cache = await startCache(app.server.port);
  for (let round = 0; round < 2; round++) {
    assert.is((await cache.get('/large')).text, large);
    assert.is((await cache.get('/empty')).status, 204);
  }
  assert.is(app.seen.length, 2);
});

test('RFC 9111, 4.3.2, and RFC 9110, 14: conditions and ranges are answered from the whole', async () => {
  await using app = await TestApp.start(() => ({
    headers: {
      'Cache-Control': 'max-age=60',
      ETag: '"a"',
      'Content-Type': 'text/plain',
      'Last-Modified': 'Sat, 21 Nov 2020 11:00:00 GMT',
    },
    body: '0123456789',
  }));
  await using cache = await startCache(app.server.port);
  await cache.get('/');
  const same = await cache.get('/', { 'If-None-Match': '"a"' });
  assert.equal([same.status, same.text, same.headers.etag, same.headers['content-type']], [304, '', '"a"', undefined]);
  const part = await cache.get('/', { Range: 'bytes=2-4' });
  assert.equal(
    [part.status, part.text, part.headers['content-range'], part.headers['content-length']],
    [206, '234', 'bytes 2-4/10', '3'],
  );
  const none = await cache.get('/', { Range: 'bytes=20-' });
  assert.equal([none.status, none.headers['content-range']], [416, 'bytes */10']);
  const whole = await cache.get('/', { Range: 'bytes=2-4', 'If-Range': '"b"' });
  assert.equal([whole.status, whole.text], [200, '0123456789']);
  // Parts whose heads are more than the whole is: the whole.
  assert.is((await cache.get('/', { Range: 'bytes=0-1,8-9' })).status, 200);
  assert.is(app.seen.length, 1);
});

test('RFC 9110, section 14.6: several parts, bounded by the whole', async () => {
  const body = Buffer.alloc(5000, 'x').toString();
  await using app = await TestApp.start(() => ({
    headers: { 'Cache-Control': 'max-age=60', 'Content-Type': 'text/plain' },
    body,
  }));
  await using cache = await startCache(app.server.port);
  await cache.get('/');
  const parts = await cache.get('/', { Range: 'bytes=0-1,4998-' });
  const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(parts.headers['content-type']!)![1]!;
  assert.is(parts.status, 206);
  assert.equal(parts.text.split(`--${boundary}`).length, 4);
  assert.match(parts.text, 'Content-Range: bytes 4998-4999/5000\r\n\r\nxx\r\n');
  const many = Array.from({ length: 40 }, (_, index) => `${index * 2}-${index * 2}`).join(',');
  assert.equal(
    [
      (await cache.get('/', { Range: `bytes=${many}` })).status,
      (await cache.get('/', { Range: 'bytes=0-4000,2000-4999' })).status,
    ],
    [200, 200],
  );
});

test('RFC 9111, section 4.3.4: a 304 makes it fresh again, with the fields that it brings', async () => {
  await using app = await TestApp.start(({ headers }) =>
    headers['if-none-match'] === '"a"'
      ? { status: 304, headers: { ETag: '"a"', 'Cache-Control': 'max-age=100', X: '2' } }
      : { headers: { ETag: '"a"', 'Cache-Control': 'max-age=10', X: '1', Y: '1' }, body: 'body' },
  );
  await using cache = await startCache(app.server.port);
  await cache.get('/');
  cache.advance(11);
  const again = await cache.get('/');
  assert.equal(
    [again.status, again.text, again.headers['x'], again.headers['y'], statusOf(again)],
    [200, 'body', '2', '1', 'fwd=stale; fwd-status=304; ttl=100; stored'],
  );
  cache.advance(90);
  assert.match(statusOf(await cache.get('/')), /^hit/);
  assert.is(app.seen.length, 2);
});

test('a 304 about something else is not believed: the whole is asked for', async () => {
  await using app = await TestApp.start(({ headers }) =>
    'if-none-match' in headers
      ? { status: 304, headers: { ETag: '"other"' } }
      : { headers: { ETag: '"a"', 'Cache-Control': 'max-age=10' }, body: `body ${app.seen.length}` },
  );
  await using cache = await startCache(app.server.port);
  await cache.get('/');
  cache.advance(11);
  assert.is((await cache.get('/')).text, 'body 3');
});

test('RFC 5861, 4: the application gone, pages go on for 60 s with Age; strict ones do not', async () => {
  const app = await TestApp.start(({ url }) => fresh(url, decodeURIComponent(url.slice(1))));
  await using cache = await startCache(app.server.port);
  const lenient = '/max-age=10,stale-if-error=60';
  const strict = [
    'max-age=10,must-revalidate',
    'max-age=10,proxy-revalidate',
    's-maxage=10',
    'max-age=10,no-cache',
  ].map((control) => `/${control}`);
  for (const path of [lenient, ...strict]) assert.is((await cache.get(path)).status, 200);
  await app.server.close();
  cache.advance(11);
  const stale = await cache.get(lenient);
  assert.equal([stale.status, stale.text, stale.headers.age], [200, lenient, '11']);
  assert.match(statusOf(stale), /^fwd=stale; ttl=-1; detail=connect$/);
  for (const path of strict) {
    const refused = await cache.get(path);
    assert.equal([path, refused.status], [path, 504]);
    assert.not.match(refused.text, path);
  }
  cache.advance(58);
  assert.is((await cache.get(lenient)).status, 200);
  assert.is((await cache.get(lenient, {}, 'HEAD')).status, 200);
  cache.advance(3);
  assert.is((await cache.get(lenient)).status, 503);
  // It is back.
  await app.listen(app.server.port);
  cache.advance(2);
  assert.match(statusOf(await cache.get(lenient)), /stored/);
  await app[Symbol.asyncDispose]();
});

test('stale-if-error also where it answers with 500, 502, 503, 504; and a 404 is an answer', async () => {
  await using app = await TestApp.start(({ headers }) => {
    const status = Number(headers['x-status'] ?? 200);
    return { ...fresh(`status ${status}`, status === 200 ? 'max-age=10' : ''), status };
  });
  await using cache = await startCache(app.server.port);
  await cache.get('/');
  cache.advance(11);
  for (const status of ['500', '502', '503', '504']) {
    cache.advance(2);
    const { text, headers } = await cache.get('/', { 'X-Status': status });
    assert.is(text, 'status 200');
    assert.match(String(headers['cache-status']), `fwd-status=${status}`);
  }
  cache.advance(2);
  assert.is((await cache.get('/', { 'X-Status': '404' })).text, 'status 404');
});

test('RFC 5861, section 3: stale-while-revalidate answers at once, with one refresh for all', async () => {
  let hold: Promise<void> | undefined;
  await using app = await TestApp.start(async () => {
    const version = app.seen.length;
    await hold;
    return fresh(`version ${version}`, 'max-age=10, stale-while-revalidate=100');
  });
  await using cache = await startCache(app.server.port);
  await cache.get('/');
  cache.advance(11);
  const gate = Promise.withResolvers<void>();
  hold = gate.promise;
  const answers = await Promise.all(Array.from({ length: 20 }, () => cache.get('/')));
  for (const answer of answers)
    assert.equal([answer.text, statusOf(answer)], ['version 1', 'hit; ttl=-1; detail=stale-while-revalidate']);
  await eventually('one refresh is under way', () => app.seen.length === 2);
  gate.resolve();
  await eventually('the new version is there', async () => (await cache.get('/')).text === 'version 2');
  assert.is(app.seen.length, 2);
});

test('half a body from a dying application is never stored', async () => {
  let asked = 0;
  const app = await rawApp((socket) => {
    socket.once('data', () => {
      asked++;
      socket.write('HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nhalf');
      setImmediate(() => socket.destroy());
    });
  });
  await using cache = await startCache(app.port);
  for (let round = 1; round <= 2; round++) {
    const text = await exchange(cache.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(text, /half$/);
    assert.is(asked, round);
  }
  assert.is(cache.plane.store.memory.count, 0);
  assert.match(await cache.metrics(), /cache_internal_errors_total 0/);
  app.close();
});

test('RFC 9111, section 5.2.1: only-if-cached, no-cache, no-store', async () => {
  await using app = await TestApp.start(() => fresh('body'));
  await using cache = await startCache(app.server.port);
  assert.is((await cache.get('/', { 'Cache-Control': 'only-if-cached' })).status, 504);
  await cache.get('/', { 'Cache-Control': 'no-store' });
  assert.is(cache.plane.store.memory.count, 0);
  await cache.get('/');
  assert.is((await cache.get('/', { 'Cache-Control': 'only-if-cached' })).status, 200);
  assert.match(statusOf(await cache.get('/', { 'Cache-Control': 'no-cache' })), /^fwd=request; stored/);
  assert.is(app.seen.length, 3);
});

test('RFC 8297: 103 is passed on to all who wait, and not stored', async () => {
  const app = await rawApp((socket) => {
    socket.once('data', () =>
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok',
      ),
    );
  });
  await using cache = await startCache(app.port);
  const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  assert.match(await exchange(cache.port, get), /^HTTP\/1\.1 103 [^]*Link: <\/a\.css>[^]*HTTP\/1\.1 200 OK/);
  const hit = await exchange(cache.port, get);
  assert.match(hit, /^HTTP\/1\.1 200 OK/);
  assert.not.match(hit, 'a.css');
  app.close();
});

test.run();
