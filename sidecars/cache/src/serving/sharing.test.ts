/** Many clients at once: one request for all where that may be, and nobody waits where it may not. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { connected } from '#proxy/testing/raw-client.ts';
import { startCache, statusOf, TestApp } from '../test-plane.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** An application whose answers wait until they are let go. */
async function gated(control: string, more: Record<string, string> = {}) {
  const gates: (() => void)[] = [];
  const app = await TestApp.start(async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gates.push(resolve);
    await promise;
    return { headers: { 'Cache-Control': control, ...more }, body: `answer` };
  });
  return { app, open: () => gates.splice(0).forEach((gate) => gate()) };
}

test('100 clients on a cold key: one request, and its first byte goes to all as it comes', async () => {
  let asked = 0;
  let finish = (): void => {};
  await using app = await serve((_request, response) => {
    asked++;
    response.writeHead(200, { 'Cache-Control': 'max-age=60' });
    response.write('first');
    finish = () => void response.end('last');
  });
  await using cache = await startCache(app.port);
  const talks = await Promise.all(Array.from({ length: 100 }, () => connected(cache.port)));
  for (const talk of talks) talk.send(GET);
  await Promise.all(talks.map((talk) => talk.until(({ text }) => text.includes('first'), 30_000)));
  assert.is(asked, 1);
  assert.not.match(talks[0]!.text, 'last');
  // One who goes away takes nothing from the others: not even the one that had asked.
  talks[0]!.socket.destroy();
  talks[50]!.socket.destroy();
  const rest = talks.filter((_, index) => index !== 0 && index !== 50);
  finish();
  await Promise.all(
    rest.map((talk) => talk.until(({ text }) => text.includes('last') && text.endsWith('0\r\n\r\n'), 30_000)),
  );
  assert.is(asked, 1);
  await eventually('it is stored', async () => statusOf(await cache.get('/', { host: 'a' })).startsWith('hit'));
  assert.match(await cache.metrics(), /result="collapsed"\} 99\n/);
  for (const talk of rest) talk.socket.destroy();
});

test('clients that go away before the answer begins do not take it from the others', async () => {
  const { app, open } = await gated('max-age=60');
  await using cache = await startCache(app.server.port);
  const first = await connected(cache.port);
  first.send(GET);
  await eventually('it has asked', () => app.seen.length === 1);
  const second = await connected(cache.port);
  second.send(GET);
  first.socket.destroy();
  await eventually('the first is gone', async () => (await cache.metrics()).includes('cache_connections_open 1\n'));
  open();
  await second.until(({ text }) => text.includes('answer'), 30_000);
  assert.is(app.seen.length, 1);
  second.socket.destroy();
  await app[Symbol.asyncDispose]();
});

test('what is not stored is never serialised: from the second round on all go at once', async () => {
  const { app, open } = await gated('no-store');
  await using cache = await startCache(app.server.port);
  const round = async (): Promise<number> => {
    const before = app.seen.length;
    const answers = Promise.all(Array.from({ length: 20 }, () => cache.get('/')));
    await eventually('it was asked', () => app.seen.length > before);
    let most = 0;
    let done = false;
    void answers.then(() => (done = true));
    await eventually('all were answered', () => {
      most = Math.max(most, app.seen.length - before);
      if (most === 20 || before === 0) open();
      return done;
    });
    return most;
  };
  await round();
  // None was let go before all twenty had been asked for.
  assert.is(await round(), 20);
  await app[Symbol.asyncDispose]();
});

test('an answer that is for one is not given to those who waited with it', async () => {
  const app = await TestApp.start(({ headers }) => ({
    headers: { 'Cache-Control': 'max-age=60', 'Set-Cookie': `id=${headers['x-id']}` },
    body: `for ${headers['x-id']}`,
  }));
  await using cache = await startCache(app.server.port);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, id) => cache.get('/', { 'X-Id': String(id) })));
  assert.equal(
    answers.map(({ text }) => text),
    Array.from({ length: 20 }, (_, id) => `for ${id}`),
  );
  assert.is(cache.plane.store.memory.count, 0);
  await app[Symbol.asyncDispose]();
});

test('those whose Vary differs get their own answers, though they waited together', async () => {
  const app = await TestApp.start(async ({ headers }) => {
    await new Promise((resolve) => void setTimeout(resolve, 20));
    return {
      headers: { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language' },
      body: `in ${headers['accept-language']}`,
    };
  });
  await using cache = await startCache(app.server.port);
  const languages = ['de', 'en', 'fr', 'de', 'en', 'fr', 'de', 'en', 'fr'];
  const answers = await Promise.all(languages.map((language) => cache.get('/', { 'Accept-Language': language })));
  assert.equal(
    answers.map(({ text }) => text),
    languages.map((language) => `in ${language}`),
  );
  assert.is(cache.plane.store.memory.count, 3);
  assert.is(app.seen.length, 3);
  await app[Symbol.asyncDispose]();
});

test('a cold page that varies by everything: each client has its own answer, and all are stored', async () => {
  const { app, open } = await gated('max-age=60', { Vary: 'X-Any' });
  await using cache = await startCache(app.server.port);
  const answers = Promise.all(Array.from({ length: 20 }, (_, any) => cache.get('/', { 'X-Any': String(any) })));
  let done = false;
  void answers.then(() => (done = true));
  await eventually('all were answered', () => {
    open();
    return done;
  });
  assert.equal([app.seen.length, cache.plane.store.memory.count], [20, 20]);
  await app[Symbol.asyncDispose]();
});

test('a fetch that takes too long: one more is begun, for all who wait', async () => {
  const { app, open } = await gated('max-age=60');
  await using cache = await startCache(app.server.port, { CACHE_COLLAPSE_TIMEOUT: '500ms' });
  const first = cache.get('/', { host: 'a' });
  await eventually('it has asked', () => app.seen.length === 1);
  const others = await Promise.all(Array.from({ length: 100 }, () => connected(cache.port)));
  for (const talk of others) talk.send(GET);
  await eventually('they all wait', async () => (await cache.metrics()).includes('requests_in_flight 101\n'));
  // Another page, asked for later: when its second request has gone out, the time of all others is over, too.
  const later = [cache.get('/later'), cache.get('/later')];
  await eventually('the later one was asked for twice', () => app.asked('/later') === 2);
  open();
  for (const { text } of await Promise.all([first, ...later])) assert.is(text, 'answer');
  for (const talk of others) {
    await talk.until(({ text }) => text.includes('answer'), 30_000);
    talk.socket.destroy();
  }
  await eventually('no fetch is under way', () => {
    open();
    return cache.plane.store.memory.reserved === 0;
  });
  // One for all who came within the same half second: a hundred, where each goes its own way.
  assert.ok(app.asked('/') <= 20, `${app.asked('/')} requests`);
  await app[Symbol.asyncDispose]();
});

for (const status of [404, 500, 503])
  test(`${status} for a stampede: one request, and none for the next second`, async () => {
    let gate = Promise.withResolvers<void>();
    await using app = await TestApp.start(async () => {
      await gate.promise;
      return { status, body: 'error' };
    });
    await using cache = await startCache(app.server.port);
    for (const round of [1, 2]) {
      const answers = Promise.all(Array.from({ length: 100 }, () => cache.get('/')));
      await eventually('they all wait', async () => (await cache.metrics()).includes('requests_in_flight 100\n'));
      gate.resolve();
      for (const answer of await answers) assert.equal([answer.status, answer.text], [status, 'error']);
      assert.is((await cache.get('/')).status, status);
      assert.is(app.seen.length, round);
      cache.advance(2);
      // A first error is no reason to stop collapsing.
      gate = Promise.withResolvers<void>();
    }
  });

test('without negative caching a stampede of 503 is still one request, each time', async () => {
  let gate = Promise.withResolvers<void>();
  await using app = await TestApp.start(async () => {
    await gate.promise;
    return { status: 503, body: 'error' };
  });
  await using cache = await startCache(app.server.port, { CACHE_NEGATIVE_TTL: '0' });
  for (const round of [1, 2]) {
    const answers = Promise.all(Array.from({ length: 50 }, () => cache.get('/')));
    await eventually('they all wait', async () => (await cache.metrics()).includes('requests_in_flight 50\n'));
    gate.resolve();
    for (const { status } of await answers) assert.is(status, 503);
    assert.is(app.seen.length, round);
    gate = Promise.withResolvers<void>();
  }
});

test('a single 404 that nobody waited for is kept for CACHE_NEGATIVE_TTL', async () => {
  await using app = await TestApp.start(() => ({ status: 404 }));
  await using cache = await startCache(app.server.port);
  for (const _ of [1, 2]) assert.is((await cache.get('/')).status, 404);
  assert.is(app.seen.length, 1);
  cache.advance(2);
  await cache.get('/');
  assert.is(app.seen.length, 2);
});

test('a stale page whose application failed: one probe, and no other for a moment', async () => {
  let well = true;
  await using app = await TestApp.start(() =>
    well ? { headers: { 'Cache-Control': 'max-age=10' }, body: 'page' } : { status: 503 },
  );
  await using cache = await startCache(app.server.port);
  await cache.get('/');
  well = false;
  cache.advance(11);
  for (let index = 0; index < 20; index++) assert.is((await cache.get('/')).text, 'page');
  assert.is(app.seen.length, 2, 'the page, and one probe');
});

test('a single 503 that nobody waited for is not kept', async () => {
  await using app = await TestApp.start(() => ({ status: 503 }));
  await using cache = await startCache(app.server.port);
  for (let round = 1; round <= 3; round++) {
    await cache.get('/');
    assert.is(app.seen.length, round);
  }
});

test('cold HEAD requests share one HEAD; cold Range requests share one GET, which is stored', async () => {
  const gates: (() => void)[] = [];
  await using app = await TestApp.start(async ({ url }) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gates.push(resolve);
    await promise;
    return {
      headers: { 'Cache-Control': 'max-age=60', 'Content-Length': '10' },
      body: url === '/head' ? '' : '0123456789',
    };
  });
  await using cache = await startCache(app.server.port);
  const heads = Promise.all(Array.from({ length: 20 }, () => cache.get('/head', {}, 'HEAD')));
  const parts = Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      cache.get('/part', { Range: at < 19 ? `bytes=${at % 9}-9` : 'bytes=0-1,8-9' }),
    ),
  );
  await eventually('they all wait', async () => (await cache.metrics()).includes('requests_in_flight 40\n'));
  gates.forEach((open) => open());
  for (const { status, text, headers } of await heads)
    assert.equal([status, text, headers['content-length']], [200, '', '10']);
  for (const [at, { status, text, headers }] of (await parts).slice(0, 19).entries())
    assert.equal([status, text, headers['content-range']], [206, '0123456789'.slice(at % 9), `bytes ${at % 9}-9/10`]);
  assert.equal(
    app.seen.map(({ method, url, headers }) => [method, url, headers['range']]),
    [
      ['HEAD', '/head', undefined],
      ['GET', '/part', undefined],
    ],
  );
  assert.match(statusOf(await cache.get('/part')), /^hit/);
});

test('ranges of a page that is too long to store are cut by the app, which is asked once in full', async () => {
  const body = Buffer.alloc(100_000, 'x');
  await using app = await TestApp.start(({ headers }) =>
    headers['range'] === undefined
      ? { headers: { 'Cache-Control': 'max-age=60', 'Content-Length': String(body.length) }, body }
      : { status: 206, headers: { 'Content-Range': 'bytes 0-0/100000' }, body: 'x' },
  );
  await using cache = await startCache(app.server.port, { CACHE_MAX_OBJECT: '1000' });
  for (let round = 0; round < 5; round++) {
    const { status, text } = await cache.get('/', { Range: 'bytes=0-0' });
    assert.equal([status, text], [206, 'x']);
  }
  assert.is(app.seen.filter(({ headers }) => headers['range'] === undefined).length, 1);
});

test('a HEAD with Range is a HEAD', async () => {
  await using app = await TestApp.start(() => ({ headers: { 'Cache-Control': 'max-age=60' }, body: '0123456789' }));
  await using cache = await startCache(app.server.port);
  for (let round = 0; round < 2; round++) {
    const { status, headers } = await cache.get('/', { Range: 'bytes=0-1' }, 'HEAD');
    assert.equal([status, headers['content-range']], [200, undefined]);
    await cache.get('/');
  }
});

test('what is longer than may be stored passes, no faster than its slowest reader', async () => {
  const length = 32 * 1024 * 1024;
  const block = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  await using app = await serve((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Type': 'text/plain' });
    const more = (): void => {
      while (sent < length) {
        sent += block.length;
        if (!response.write(block)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  await using cache = await startCache(app.port, { CACHE_MAX_OBJECT: '1MiB' });
  const slow = connect(cache.port, '127.0.0.1');
  slow.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await once(slow, 'readable');
  // Until nothing moves any more: what is under way lies in sockets and is bounded.
  let last = -1;
  await eventually(
    'the application is held back',
    () => {
      const still = sent === last && sent > 0;
      last = sent;
      return still;
    },
    { every: 200, within: 30_000 },
  );
  assert.ok(sent < length, String(sent));
  let received = 0;
  slow.on('data', (bytes: Buffer) => (received += bytes.length));
  await once(slow, 'end');
  assert.ok(received > length, String(received));
  slow.destroy();
  assert.is(cache.plane.store.memory.count, 0);
});

test('a slow reader of a body that is too long to be kept does not stall the others', async () => {
  const length = 16 * 1024 * 1024;
  const block = Buffer.alloc(64 * 1024, 'x');
  const gate = Promise.withResolvers<void>();
  await using app = await serve((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Type': 'text/plain' });
    let sent = 0;
    const more = (): void => {
      while (sent < length) {
        sent += block.length;
        if (!response.write(block)) return void response.once('drain', more);
      }
      response.end();
    };
    response.write('first');
    void gate.promise.then(more);
  });
  await using cache = await startCache(app.port, { CACHE_MAX_OBJECT: '1MiB' });
  const clients = Array.from({ length: 4 }, () => connect(cache.port, '127.0.0.1'));
  let received = 0;
  for (const [index, socket] of clients.entries()) {
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    if (index > 1) socket.on('data', (bytes: Buffer) => (received += bytes.length));
    else await once(socket, 'readable');
  }
  // The first reads nothing more, the second sips.
  const sip = setInterval(() => void clients[1]!.read(1000), 100);
  await eventually('all have begun', () => received > 0);
  gate.resolve();
  await eventually('two have all of it', () => received > 2 * length);
  clearInterval(sip);
  for (const socket of clients) socket.destroy();
});

test.run();
