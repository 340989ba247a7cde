/** What a client of HTTP/2 gets. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocketServer } from 'ws';
import { eventually } from '#kit/testing/eventually.ts';
import { listening } from '#kit/testing/server.ts';
import { authority, echo, rawApp, start, withApp, type Running } from './test-plane.ts';

function client(port: number): ClientHttp2Session {
  const session = connect(`https://localhost:${port}`, {
    ca: authority.cert,
    lookup: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }] as never, 4),
  });
  session.on('error', () => {});
  return session;
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  readonly informed: number[];
}

async function answerTo(stream: ClientHttp2Stream, body?: string): Promise<Answer> {
  let text = '';
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const informed: number[] = [];
  stream.setEncoding('latin1');
  stream.on('headers', (info: IncomingHttpHeaders) => informed.push(Number(info[':status'])));
  stream.on('response', (received: IncomingHttpHeaders) => (headers = received));
  stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
  stream.on('data', (chunk: string) => (text += chunk));
  if (body !== undefined) stream.end(body);
  await once(stream, 'close');
  return { headers, body: text, trailers, informed };
}

async function withSession(
  app: Parameters<typeof withApp>[0],
  run: (session: ClientHttp2Session, running: Running) => Promise<void>,
  env?: Record<string, string>,
): Promise<void> {
  await withApp(
    app,
    async (running) => {
      const session = client(running.port);
      try {
        await run(session, running);
      } finally {
        session.destroy();
      }
    },
    env,
  );
}

test('a request reaches the application as HTTP/1.1, with who called', async () => {
  await withSession(echo, async (session) => {
    const { headers, body } = await answerTo(
      session.request({
        ':path': '/p?q',
        'x-forwarded-for': 'lie',
        forwarded: 'lie',
        x_forwarded_proto: 'lie',
        'x-other': 'stays',
        cookie: ['a=1', 'b=2'],
      } as OutgoingHttpHeaders),
    );
    assert.is(headers[':status'], 200);
    const seen = JSON.parse(body) as { url: string; headers: Record<string, string> };
    assert.is(seen.url, '/p?q');
    const host = seen.headers['host']!;
    assert.match(host, /^localhost:\d+$/);
    const port = host.split(':')[1]!;
    assert.equal(seen.headers, {
      host,
      'x-other': 'stays',
      cookie: 'a=1; b=2',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': host,
      'x-forwarded-port': port,
      forwarded: `for=127.0.0.1;host="${host}";proto=https`,
    });
  });
});

test('many requests at once are each answered', async () => {
  await withSession(
    (incoming, response) => setTimeout(() => response.end(incoming.url), Number(incoming.url!.slice(1)) % 7),
    async (session) => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, index) => answerTo(session.request({ ':path': `/${index}` }))),
      );
      assert.equal(
        answers.map(({ body }) => body),
        Array.from({ length: 100 }, (_, index) => `/${index}`),
      );
    },
  );
});

test('bodies pass both ways, with and without a length, and trailers', async () => {
  await withSession(echo, async (session) => {
    const body = 'x'.repeat(300_000);
    for (const length of [{}, { 'content-length': body.length }]) {
      const answer = await answerTo(session.request({ ':method': 'POST', ...length }), body);
      assert.is((JSON.parse(answer.body) as { body: string }).body.length, body.length);
    }
    const stream = session.request({ ':method': 'POST' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1', 'x-forwarded-for': 'lie' }));
    assert.equal((JSON.parse((await answerTo(stream, 'abc')).body) as { trailers: object }).trailers, { 'x-sum': '1' });
  });
  await withSession(
    (_incoming, response) => {
      response.writeHead(200, { Trailer: 'X-Sum', 'Set-Cookie': ['a=1', 'b=2'] });
      response.write('abc');
      response.addTrailers({ 'X-Sum': '2' });
      response.end();
    },
    async (session) => {
      const { headers, body, trailers } = await answerTo(session.request());
      assert.equal(
        [headers['set-cookie'], headers['transfer-encoding'], headers['connection'], body, trailers['x-sum']],
        [['a=1', 'b=2'], undefined, undefined, 'abc', '2'],
      );
    },
  );
});

test('responses without a body, interim responses and refusals have their shape', async () => {
  await withSession(
    (incoming, response) => {
      if (incoming.url === '/hints') response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.writeHead(Number(incoming.url!.slice(1)) || 200, { 'Content-Length': 5 });
      response.end(incoming.method === 'HEAD' ? undefined : 'hello');
    },
    async (session) => {
      assert.is((await answerTo(session.request({ ':path': '/204' }))).headers[':status'], 204);
      assert.is((await answerTo(session.request({ ':path': '/304' }))).headers[':status'], 304);
      const head = await answerTo(session.request({ ':method': 'HEAD', ':path': '/200' }));
      assert.equal([head.headers['content-length'], head.body], ['5', '']);
      assert.equal((await answerTo(session.request({ ':path': '/hints' }))).informed, [103]);
      for (const wrong of [
        { ':path': 'x' },
        { ':authority': 'a/b' },
        { ':authority': 'a', host: 'b' },
        { ':path': '/a b' },
        { ':path': '/#a' },
      ]) {
        // Some are refused by nghttp2 already, which resets the stream.
        const status = await answerTo(session.request(wrong)).then(
          ({ headers }) => headers[':status'],
          () => 400,
        );
        assert.is(status, 400, JSON.stringify(wrong));
      }
    },
  );
});

test('an application that is down or breaks off is told from one that answers', async () => {
  const app = await rawApp((socket) => {
    socket.once('data', (chunk: Buffer) => {
      if (String(chunk).startsWith('GET /broken')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello');
      else if (String(chunk).startsWith('GET /cut'))
        socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      else if (String(chunk).startsWith('GET /old')) socket.end('HTTP/1.0 200 OK\r\n\r\nhello');
      else socket.destroy();
    });
  });
  const running = await start(app.port);
  const session = client(running.port);
  assert.is((await answerTo(session.request({ ':path': '/old' }))).body, 'hello');
  assert.is((await answerTo(session.request({ ':path': '/none' }))).headers[':status'], 502);
  for (const path of ['/broken', '/cut']) {
    const broken = session.request({ ':path': path });
    broken.on('error', () => {});
    let ended = false;
    broken.on('end', () => (ended = !broken.aborted));
    await answerTo(broken).catch(() => {});
    assert.equal([broken.rstCode, ended], [constants.NGHTTP2_INTERNAL_ERROR, false], path);
  }
  app.close();
  const down = await answerTo(session.request());
  assert.equal([down.headers[':status'], down.headers['retry-after']], [503, '5']);
  session.destroy();
  await running.stop();
});

test('WebSocket passes over an extended CONNECT', async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => socket.send(data.toString().toUpperCase())),
  );
  const running = await start(await listening(server));
  const session = client(running.port);
  await once(session, 'remoteSettings');
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': '/chat',
    'sec-websocket-version': '13',
  });
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  assert.equal([headers[':status'], headers['sec-websocket-accept']], [200, undefined]);
  // A masked text frame, "hello", with a mask of zeros.
  stream.write(Buffer.concat([Buffer.from([0x81, 0x85, 0, 0, 0, 0]), Buffer.from('hello')]));
  const [data] = (await once(stream, 'data')) as [Buffer];
  assert.is(data.toString('latin1', 2), 'HELLO');
  session.destroy();
  await running.stop();
  sockets.close();
  server.close();
});

test('a client that resets streams without end is cut off', async () => {
  await withSession(
    (incoming) => incoming.resume(),
    async (session) => {
      let closed = false;
      session.on('close', () => (closed = true));
      await eventually('the end of the session', () => {
        for (let round = 0; round < 100 && !closed && !session.destroyed; round++) {
          const stream = session.request();
          stream.on('error', () => {});
          stream.close(constants.NGHTTP2_CANCEL);
        }
        return closed || session.destroyed;
      });
    },
  );
});

test('a session that was left is forgotten, and its requests with it', async () => {
  await withSession(
    (incoming) => incoming.resume(),
    async (session, { metrics }) => {
      session.request().on('error', () => {});
      await eventually('a request', async () => /tls_requests_in_flight 1/.test(await metrics()));
      session.destroy();
      await eventually(
        'nothing open',
        async () => /tls_requests_in_flight 0/.test(await metrics()) && /tls_connections_open 0/.test(await metrics()),
      );
    },
  );
});

test.run();
