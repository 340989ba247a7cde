/** What a filter may do with a request and its response. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { echo, rawApp } from '#proxy/testing/apps.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { connected, exchange } from '#proxy/testing/raw-client.ts';
import { serve } from '#kit/testing/server.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import { BrokenBody } from '#proxy/http/reply.ts';
import { Response } from '#proxy/http/response.ts';
import type { Filter } from './filter.ts';

const LAST = 'GET /a?b HTTP/1.1\r\nHost: a\r\nX-User: forged\r\nX_User: forged\r\nConnection: close\r\n\r\n';
const post = (body: string, head = ''): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
const chunked = (body: string): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${body.replace(/./g, '1\r\n$&\r\n')}0\r\nX-Sum: 1\r\n\r\n`;
const told = (
  answer: string,
): { url: string; method: string; headers: Record<string, string>; body: string; trailers: object } =>
  JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as never;

test('a request is changed, waited with or not, in every spelling of a name', async () => {
  for (const wait of [false, true]) {
    const change: Filter['onRequest'] = ({ request }) => {
      assert.is(request.get('x-user'), 'forged');
      request.delete('x-user');
      request.append('X-User', 'ann');
      request.target = '/changed';
      request.method = 'OPTIONS';
      request.authority = 'b:1';
    };
    await using app = await serve(echo);
    await using proxy = await startProxy(app.port, {
      filters: [
        {
          async onRequest(seen) {
            if (wait) await new Promise((resolve) => void setTimeout(resolve, 20));
            return change(seen) as undefined;
          },
        },
      ],
    });
    const { url, method, headers } = told(await exchange(proxy.port, LAST));
    assert.equal(
      [url, method, headers['x-user'], headers['host'], headers['x_user']],
      ['/changed', 'OPTIONS', 'ann', 'b:1', undefined],
    );
    assert.is(proxy.stats.inFlight, 0);
  }
});

test('a body waits for the filter too, however it is framed', async () => {
  await using app = await serve(echo);
  await using proxy = await startProxy(app.port, {
    filters: [{ onRequest: () => new Promise((resolve) => void setTimeout(resolve, 30)) }],
  });
  const long = 'x'.repeat(100_000);
  for (const text of [post('abc'), post(long), chunked('abc')]) {
    const { body } = told(await exchange(proxy.port, text));
    assert.is(body, text.includes(long) ? long : 'abc');
  }
});

test('a body that was read goes on to the endpoint; one too long is not kept, but goes on too', async () => {
  for (const wait of [false, true]) {
    const seen: (string | undefined)[] = [];
    await using app = await serve(echo);
    await using proxy = await startProxy(app.port, {
      filters: [
        {
          async onRequest(each) {
            if (wait) await new Promise((resolve) => void setTimeout(resolve, 10));
            seen.push((await each.readBody(1000))?.toString());
          },
        },
      ],
    });
    const long = 'x'.repeat(200_000);
    const many = 'y'.repeat(1500);
    for (const [text, body, sum] of [
      [post(''), ''],
      [post('abc'), 'abc'],
      [chunked('abc'), 'abc', '1'],
      [post('b'.repeat(1001)), 'b'.repeat(1001)],
      [post(long), long],
      [chunked(many), many, '1'],
      [LAST, ''],
    ] as const) {
      const heard = told(await exchange(proxy.port, text));
      assert.is(heard.body, body);
      assert.equal(heard.trailers, sum === undefined ? {} : { 'x-sum': sum });
    }
    assert.equal(seen, ['', 'abc', 'abc', undefined, undefined, undefined, '']);
    assert.equal([proxy.stats.inFlight, proxy.stats.internalErrors], [0, 0]);
  }
});

test('a client that expects 100 is told to go on when a filter reads its body', async () => {
  await using app = await serve(echo);
  await using proxy = await startProxy(app.port, {
    filters: [{ onRequest: async (each) => void (await each.readBody(100)) }],
  });
  const talk = await connected(proxy.port);
  talk.send(post('abc', 'Expect: 100-continue\r\n').slice(0, -3));
  await talk.until(({ text }) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
  talk.send('abc');
  const text = await talk.until(({ closed }) => closed);
  assert.is(told(text).body, 'abc');
  assert.is(text.split('100 Continue').length, 2);
});

test('an answer of its own: text, bytes, in time, in order, to HEAD, in a pipeline of thousands', async () => {
  let asked = 0;
  await using app = await serve((_request, response) => {
    asked++;
    response.end();
  });
  async function* pieces(): AsyncGenerator<Buffer> {
    for (const piece of ['ab', 'cd']) {
      await new Promise((resolve) => void setTimeout(resolve, 10));
      yield Buffer.from(piece);
    }
  }
  await using proxy = await startProxy(app.port, {
    filters: [
      {
        onRequest({ request }) {
          switch (request.path) {
            case '/text':
              return { status: 401, fields: [['WWW-Authenticate', 'Basic']], body: 'no' };
            case '/time':
              return { status: 200, body: pieces() };
            case '/length':
              return { status: 200, body: pieces(), length: 4 };
            case '/short':
              return { status: 200, body: pieces(), length: 5 };
            default:
              return { status: 204 };
          }
        },
      },
    ],
  });
  const get = (path: string, method = 'GET'): string =>
    `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
  assert.match(
    await exchange(proxy.port, get('/text')),
    /^HTTP\/1\.1 401 Unauthorized\r\n(?:.*\r\n)*WWW-Authenticate: Basic\r\n(?:.*\r\n)*Content-Length: 2\r\n(?:.*\r\n)*\r\nno$/,
  );
  assert.match(await exchange(proxy.port, get('/text', 'HEAD')), /Content-Length: 2\r\n(?:.*\r\n)*\r\n$/);
  assert.match(await exchange(proxy.port, get('/time')), /\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n$/);
  assert.match(await exchange(proxy.port, get('/length')), /Content-Length: 4\r\n(?:.*\r\n)*\r\nabcd$/);
  assert.match(await exchange(proxy.port, get('/short')), /abcd$/);
  assert.is(proxy.stats.internalErrors, 1, 'a length that was not kept');
  const COUNT = 5000;
  const talk = await connected(proxy.port);
  talk.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(COUNT));
  await talk.until(({ text }) => text.split('HTTP/1.1 204').length === COUNT + 1);
  talk.socket.destroy();
  assert.equal([asked, proxy.stats.internalErrors], [0, 1]);
  await eventually('the end', () => proxy.stats.open === 0);
  assert.is(proxy.stats.inFlight, 0);
});

test('an answer goes no faster than its client reads, and ends with the client', async () => {
  let made = 0;
  let ended = false;
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        made++;
        yield Buffer.alloc(64 * 1024);
      }
    } finally {
      ended = true;
    }
  }
  await using proxy = await startProxy(1, { filters: [{ onRequest: () => ({ status: 200, body: endless() }) }] });
  const talk = await connected(proxy.port);
  talk.socket.pause();
  talk.send(LAST);
  let before = -1;
  await eventually(
    'a halt',
    () => {
      const still = made > 0 && made === before;
      before = made;
      return still;
    },
    { every: 200 },
  );
  assert.is(made < 1000, true, String(made));
  talk.socket.destroy();
  await eventually('the end', () => ended && proxy.stats.inFlight === 0);
});

test('a response is changed, replaced, and seen go by; the reverse of the order', async () => {
  const seen: string[] = [];
  await using app = await serve((_request, response) => {
    response.writeHead(200, { 'X-A': 'old', 'X-Keep': 'k' });
    response.write('abc');
    response.end('def');
  });
  await using proxy = await startProxy(app.port, {
    filters: [
      {
        onResponse: (_exchange, response) => {
          response.append('X-Order', `outer ${response.get('x-order')}`);
        },
      },
      {
        onResponse(each, response) {
          if (each.request.path === '/replace') return { status: 418, body: 'teapot' };
          response.set('x-a', 'new');
          response.append('X-Order', 'inner');
          each.tee({
            onData: (bytes) => void seen.push(bytes.toString()),
            onEnd: () => void seen.push('end'),
            onAbort: () => void seen.push('abort'),
          });
          return undefined;
        },
      },
    ],
  });
  const text = await exchange(proxy.port, LAST);
  assert.match(text, /\r\nX-Keep: k\r\n/);
  assert.match(text, /\r\nx-a: new\r\n/);
  assert.not.match(text, 'old');
  assert.match(text, /\r\nX-Order: outer inner\r\n/);
  assert.is(seen.join(''), 'abcdefend');
  const replaced = await exchange(proxy.port, 'GET /replace HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(replaced, /^HTTP\/1\.1 418 [^]*\r\nX-Order: outer undefined\r\n[^]*\r\n\r\nteapot$/);
});

test('who sees a body go by is told when it breaks off', async () => {
  const seen: string[] = [];
  const app = await rawApp((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')),
  );
  await using proxy = await startProxy(app.port, {
    filters: [
      {
        onResponse: (each) =>
          each.tee({
            onData: (bytes) => void seen.push(bytes.toString()),
            onEnd: () => void seen.push('end'),
            onAbort: () => void seen.push('abort'),
          }),
      },
    ],
  });
  await exchange(proxy.port, LAST);
  assert.equal(seen, ['abc', 'abort']);
  app.close();
});

test('a filter that throws, now or later, ends its exchange with 500, and nothing else', async () => {
  await using app = await serve(echo);
  const boom = (): never => {
    throw new Error('boom');
  };
  let where = '';
  await using proxy = await startProxy(app.port, {
    filters: [
      {
        onRequest: (each) => {
          if (where === 'request') boom();
          if (where === 'later') return Promise.resolve().then(boom);
          if (where === 'field') each.request.append('X', 'a\r\nb');
          return undefined;
        },
        onResponse: () => {
          if (where === 'response') boom();
        },
        onEnd: () => {
          if (where === 'end') boom();
        },
      },
    ],
  });
  for (const [index, each] of ['request', 'later', 'field', 'response', 'end'].entries()) {
    where = each;
    const answer = await exchange(proxy.port, LAST);
    assert.is(answer.slice(9, 12), each === 'end' ? '200' : '500', each);
    assert.equal(
      [proxy.stats.internalErrors, proxy.errors.length, proxy.stats.inFlight],
      [index + 1, index + 1, 0],
      each,
    );
  }
  where = '';
  assert.is((await exchange(proxy.port, LAST)).slice(9, 12), '200');
});

test('a filter that never decides is not waited for for ever, and is told', async () => {
  let told1 = false;
  await using proxy = await startProxy(1, {
    settings: { responseTimeout: 200 },
    filters: [
      {
        onRequest: ({ signal }) =>
          new Promise(() => {
            signal.addEventListener('abort', () => (told1 = true));
          }),
      },
    ],
  });
  assert.is((await exchange(proxy.port, LAST)).slice(9, 12), '504');
  assert.is(told1, true);
  assert.equal(proxy.stats.rejected, ['filter_timeout']);
});

test('how it ended is told once', async () => {
  const ends: string[] = [];
  const app = await rawApp((socket) => {
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes('/ok')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      else if (chunk.includes('/cut')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
      else if (chunk.includes('/bad')) socket.end('nonsense nonsense\r\n\r\n');
    });
  });
  await using proxy = await startProxy(app.port, {
    filters: [{ onEnd: ({ request, status, outcome }) => void ends.push(`${request.path} ${status} ${outcome}`) }],
  });
  for (const path of ['/ok', '/cut', '/bad'])
    await exchange(proxy.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  await exchange(proxy.port, 'GET\r\n\r\n');
  const talk = await connected(proxy.port);
  talk.send('GET /gone HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('the count', () => proxy.stats.inFlight === 1);
  talk.socket.destroy();
  await eventually('the count', () => proxy.stats.inFlight === 0);
  assert.equal(ends, [
    '/ok 200 complete',
    '/cut 200 truncated',
    '/bad 502 invalid_response',
    '- 400 rejected',
    '/gone 0 cancelled',
  ]);
  app.close();
});

test('a filter sends interim responses of its own before its answer, and none after', async () => {
  const hints = new Response({ status: 103, body: NO_BODY, lines: 'Link: </a.css>\r\n' });
  await using app = await serve(echo);
  await using proxy = await startProxy(app.port, {
    filters: [
      {
        async onRequest(each) {
          each.sendInterim(hints);
          await Promise.resolve();
          each.sendInterim(hints);
          return { status: 200, body: 'answer' };
        },
        onEnd: (each) => each.sendInterim(hints),
      },
    ],
  });
  const text = await exchange(proxy.port, LAST);
  assert.equal(
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ['103', '103', '200'],
  );
  assert.match(text, /Link: <\/a\.css>/);
});

test('an answer of whole lines goes out as it is, in one piece with its body, at any length', async () => {
  for (const body of ['', 'short', 'x'.repeat(100_000)]) {
    const seen: number[] = [];
    await using app = await serve(echo);
    await using proxy = await startProxy(app.port, {
      filters: [
        {
          onRequest: () => ({ status: 200, lines: 'Date: x\r\nX-A: 1\r\n', body: Buffer.from(body) }),
          onResponse: (each) =>
            each.tee({
              onData: (bytes) => void seen.push(bytes.length),
              onEnd: () => void seen.push(-1),
              onAbort() {},
            }),
        },
      ],
    });
    const text = await exchange(proxy.port, LAST);
    assert.is(
      text,
      `HTTP/1.1 200 OK\r\nDate: x\r\nX-A: 1\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    assert.equal(seen, body === '' ? [-1] : [body.length, -1]);
  }
});

test('an answer whose body breaks off cuts its client off, and is no defect of the proxy', async () => {
  const outcomes: string[] = [];
  await using app = await serve(echo);
  await using proxy = await startProxy(app.port, {
    filters: [
      {
        onRequest: () => ({
          status: 200,
          body: (async function* () {
            yield Buffer.from('part');
            await Promise.resolve();
            throw new BrokenBody('truncated');
          })(),
        }),
        onEnd: ({ outcome }) => void outcomes.push(outcome),
      },
    ],
  });
  const text = await exchange(proxy.port, LAST.replace('Connection: close\r\n', ''));
  assert.match(text, /part\r\n$/);
  assert.equal([outcomes, proxy.errors], [['truncated'], []]);
});

test.run();
