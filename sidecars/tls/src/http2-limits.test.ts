/** HTTP/2 clients that break off, stall, ask for much, or ask for what must not be; and applications that answer oddly. */
import { once } from 'node:events';
import { createServer as createTcpServer, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { listening } from '#kit/testing/server.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import { CANCEL, ENHANCE_YOUR_CALM, NO_ERROR } from '#proxy/http2/codes.ts';
import type { Http2Options } from '#proxy/http2/handler.ts';
import { speakOver, TestConnection, type Message, type TestStream } from '#proxy/testing/http2.ts';
import { authority, rawApp, start, withApp, type Running } from './test-plane.ts';

type Fields = readonly (readonly [string, string])[];

interface Dialed {
  readonly side: TestConnection;
  readonly socket: TLSSocket;
}

async function dial(port: number, options: Partial<Http2Options> = {}): Promise<Dialed> {
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: authority.cert,
    ALPNProtocols: ['h2'],
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  assert.is(socket.alpnProtocol, 'h2');
  const side = new TestConnection('client', options);
  speakOver(side, socket);
  await eventually('the settings', () => side.connection.settled);
  return { side, socket };
}

const head = (path: string, method = 'GET', more: Fields = []): Fields => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', path],
  ...more,
];

const statusOf = ({ lines }: Message): string | undefined => lines.find((line) => line.startsWith(':status'))?.slice(9);
const bodyOf = ({ body }: Message): string => Buffer.concat(body).toString('latin1');

async function answerTo(side: TestConnection, fields: Fields, body?: string): Promise<Message> {
  const stream = side.request(fields, body === undefined);
  if (body !== undefined) {
    side.connection.sendData(stream, Buffer.from(body), 0, body.length);
    side.connection.sendEnd(stream);
  }
  const message = stream.user!;
  await eventually('an answer', () => message.ended || message.reset !== undefined);
  return message;
}

async function withRawApp(
  answer: (socket: Socket, request: string) => void,
  run: (running: Running, dialed: Dialed, seen: () => string) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  let seen = '';
  const app = await rawApp((socket) => {
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      answer(socket, chunk.toString('latin1'));
    });
  });
  const running = await start(app.port, env);
  const dialed = await dial(running.port);
  try {
    await run(running, dialed, () => seen);
  } finally {
    dialed.socket.destroy();
    await running.stop();
    app.close();
  }
}

const count = async ({ metrics }: Running, name: string): Promise<number> =>
  Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'm').exec(await metrics())?.[1] ?? 0);
const idle = async (running: Running): Promise<void> =>
  void (await eventually('nothing is in flight', async () => (await count(running, 'tls_requests_in_flight')) === 0));

test('answers that HTTP/1 allows and HTTP/2 does not know end no process', async () => {
  await withRawApp(
    (socket, request) => {
      if (request.startsWith('HEAD')) socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n');
      else if (request.startsWith('GET /304'))
        socket.write('HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\nETag: "x"\r\n\r\n');
      else if (request.startsWith('GET /hop'))
        socket.write(
          'HTTP/1.1 200 OK\r\nKeep-Alive: 1\r\nProxy-Connection: x\r\nUpgrade: x\r\nConnection: X-No\r\nX-No: 1\r\nX-Yes: 1\r\nContent-Length: 0\r\n\r\n',
        );
      else {
        const status = /^GET \/(\d+)/.exec(request)![1];
        socket.write(`HTTP/1.1 ${status} Odd\r\nContent-Length: 2\r\n\r\nhi`);
      }
    },
    async (running, { side }) => {
      const toHead = await answerTo(side, head('/', 'HEAD'));
      assert.equal(toHead.lines, [':status: 200', 'x-a: b']);
      assert.equal((await answerTo(side, head('/304'))).lines, [':status: 304', 'etag: "x"']);
      assert.equal((await answerTo(side, head('/hop'))).lines, [':status: 200', 'x-yes: 1', 'content-length: 0']);
      for (const status of ['200', '599', '600', '999']) {
        const message = await answerTo(side, head(`/${status}`));
        assert.equal([statusOf(message), bodyOf(message)], [status, 'hi']);
      }
      await idle(running);
      assert.is(await count(running, 'tls_internal_errors_total'), 0);
    },
  );
});

test('an answer to a stream that the client has reset meanwhile goes nowhere, and harms nobody', async () => {
  const waiting: Socket[] = [];
  await withRawApp(
    (socket, request) => {
      if (request.startsWith('GET /slow')) waiting.push(socket);
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi');
    },
    async (running, { side }) => {
      const streams = Array.from({ length: 20 }, () => side.request(head('/slow'), true));
      await eventually('the application has them', () => waiting.length === 20);
      for (const stream of streams) side.connection.reset(stream, CANCEL);
      for (const socket of waiting)
        socket.write('HTTP/1.1 103 Hint\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi');
      assert.is(bodyOf(await answerTo(side, head('/'))), 'hi');
      await idle(running);
    },
  );
});

test('an upload that the client breaks off never reaches the application as complete', async () => {
  for (const length of [[], [['content-length', '100']]] as Fields[])
    for (const how of ['reset', 'close', 'goaway'] as const)
      await withRawApp(
        () => {},
        async (running, { side, socket }, seen) => {
          const stream = side.request(head('/', 'POST', length), false);
          side.connection.sendData(stream, Buffer.from('hello'), 0, 5);
          await eventually('the beginning', () => seen().includes('hello'));
          if (how === 'reset') side.connection.reset(stream, CANCEL);
          else {
            if (how === 'goaway') side.connection.finish();
            socket.end();
          }
          await idle(running);
          assert.not.match(seen(), /\r\n0\r\n/);
          assert.ok(seen().endsWith('hello') || seen().endsWith('hello\r\n'));
        },
      );
});

test('a body that is not as long as it said it would be is no request', async () => {
  await withRawApp(
    () => {},
    async (running, { side }) => {
      const short = await answerTo(side, head('/', 'POST', [['content-length', '6']]), 'hello');
      const long = await answerTo(side, head('/', 'POST', [['content-length', '4']]), 'hello');
      assert.equal([short.reset, long.reset], [1, 1]);
      await idle(running);
    },
  );
});

test('clients with a window of nothing cost little, and are given up', async () => {
  const body = Buffer.alloc(1024 * 1024, 120);
  await withApp(
    (_incoming, response) => response.end(body),
    async (running) => {
      const before = process.memoryUsage();
      const dialed = await Promise.all(
        Array.from({ length: 12 }, async () => dial(running.port, { streamWindow: [0, 0] })),
      );
      const streams: TestStream[] = [];
      for (const { side } of dialed) for (let each = 0; each < 100; each++) streams.push(side.request(head('/'), true));
      await eventually('heads of all', () => streams.every(({ user }) => user!.lines.length > 0));
      const after = process.memoryUsage();
      const grown = (after.arrayBuffers + after.external - before.arrayBuffers - before.external) / 2 ** 20;
      assert.ok(grown < 60, `${grown} MB`);
      await eventually('all are given up', () => streams.every(({ user }) => user!.reset !== undefined));
      await idle(running);
      for (const { socket } of dialed) socket.destroy();
    },
    { TLS_IDLE_TIMEOUT: '4s' },
  );
});

test('when too much is kept for clients in all, those go that keep much and do not read', async () => {
  const body = Buffer.alloc(1024 * 1024, 120);
  await withApp(
    (incoming, response) => response.end(incoming.url === '/small' ? 'hi' : body),
    async (running) => {
      const stalled = await dial(running.port, { streamWindow: [0, 0] });
      const other = await dial(running.port);
      const streams = Array.from({ length: 100 }, () => stalled.side.request(head('/'), true));
      await eventually('heads of all', () => streams.every(({ user }) => user!.lines.length > 0));
      // As if many others were stalled as well.
      memoryBudget.charge(memoryBudget.limit);
      try {
        await eventually('it is sent away', () => stalled.side.goaway === ENHANCE_YOUR_CALM);
        assert.is(bodyOf(await answerTo(other.side, head('/small'))), 'hi');
        assert.is(other.side.goaway, undefined);
        await idle(running);
        await eventually('nothing is kept', () => memoryBudget.used === memoryBudget.limit);
      } finally {
        memoryBudget.charge(-memoryBudget.limit);
        stalled.socket.destroy();
        other.socket.destroy();
      }
    },
  );
});

test('a stalled upload is answered 408, an unwanted one is ended, and the connection goes on', async () => {
  await withApp(
    (incoming, response) => {
      if (incoming.url === '/early') response.end('no thanks');
      else incoming.resume();
    },
    async (running) => {
      const { side, socket } = await dial(running.port);
      const stalled = side.request(head('/stalled', 'POST'), false);
      const early = side.request(head('/early', 'POST'), false);
      side.connection.sendData(early, Buffer.alloc(10), 0, 10);
      await eventually('the answer', () => early.user!.ended);
      assert.is(bodyOf(early.user!), 'no thanks');
      await eventually('the rest is not wanted', () => early.closed);
      await eventually('408', () => stalled.user!.ended);
      assert.is(statusOf(stalled.user!), '408');
      await eventually('the stalled one is ended', () => stalled.closed);
      await idle(running);
      // With no streams left the connection ends by itself.
      await eventually('the connection ends', () => socket.destroyed || socket.readableEnded);
      assert.is(side.goaway, NO_ERROR);
    },
    { TLS_IDLE_TIMEOUT: '1s' },
  );
});

test('an answer before the end of an upload is no error: the client has time to stop by itself', async () => {
  await withApp(
    (_incoming, response) => response.writeHead(403, { connection: 'close' }).end('no'),
    async (running) => {
      const { side, socket } = await dial(running.port);
      const upload = side.request(head('/', 'POST'), false);
      side.connection.sendData(upload, Buffer.alloc(100_000), 0, 100_000);
      await eventually('the answer', () => upload.user!.ended);
      assert.is(statusOf(upload.user!), '403');
      assert.is(upload.user!.reset, undefined);
      // It goes on for a moment, then ends.
      side.connection.sendData(upload, Buffer.alloc(100_000), 0, 100_000);
      side.connection.sendEnd(upload);
      await eventually('both sides have ended', () => upload.closed);
      assert.is(upload.user!.reset, undefined);
      await idle(running);
      socket.destroy();
    },
  );
});

test('a connection that says nothing, or not all of a head, ends', async () => {
  await withApp(
    (_incoming, response) => response.end(),
    async ({ port }) => {
      const silent = connectTls({
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        ca: authority.cert,
        ALPNProtocols: ['h2'],
      });
      silent.on('error', () => {}).resume();
      const { side, socket } = await dial(port);
      // A head of which the end never comes; PINGs keep the connection awake.
      socket.write(Buffer.from([0, 0, 10, 1, 0, 0, 0, 0, 1, 0x82]));
      await eventually('the first is closed', () => silent.destroyed || silent.readableEnded);
      await eventually('the second is told', () => side.goaway === ENHANCE_YOUR_CALM);
    },
    { TLS_HEADER_TIMEOUT: '500ms' },
  );
});

test('100 downloads of 1 MiB over one connection all reach a slow client, in little memory', async () => {
  const body = Buffer.alloc(1024 * 1024, 120);
  await withApp(
    (_incoming, response) => response.end(body),
    async (running) => {
      const { side, socket } = await dial(running.port);
      const streams = Array.from({ length: 100 }, () => side.request(head('/'), true));
      let most = 0;
      let pauses = 0;
      // A client that reads for a moment, then looks away.
      const pause = setInterval(() => {
        pauses++;
        socket.pause();
        most = Math.max(most, memoryBudget.used);
        setTimeout(() => socket.resume(), 20);
      }, 40);
      let received = 0;
      for (const stream of streams)
        stream.user!.body = {
          push(part: Buffer) {
            received += part.length;
            return 0;
          },
        } as unknown as Buffer[];
      await eventually('all', () => streams.every(({ user }) => user!.ended || user!.reset !== undefined), {
        within: 60_000,
      });
      clearInterval(pause);
      assert.is(streams.filter(({ user }) => user!.ended).length, 100);
      assert.is(received, 100 * body.length);
      assert.ok(pauses > 3);
      // It took 125 MB once.
      assert.ok(most > 0 && most < 12 * 2 ** 20, `${most / 2 ** 20} MB`);
      socket.destroy();
    },
  );
});

test('4 MB over a way of 200 ms there and back arrive in a moment', async () => {
  await withApp(
    (incoming, response) => {
      let size = 0;
      incoming.on('data', (chunk: Buffer) => (size += chunk.length));
      incoming.on('end', () => response.end(String(size)));
    },
    async ({ port }) => {
      const far = await delayed(port, 100);
      const { side, socket } = await dial(far.port);
      const body = Buffer.alloc(4_000_000, 1);
      const begun = performance.now();
      const stream = side.request(head('/', 'POST'), false);
      side.connection.sendData(stream, body, 0, body.length);
      side.connection.sendEnd(stream);
      await eventually('the answer', () => stream.user!.ended, { within: 30_000 });
      const took = performance.now() - begun;
      assert.is(bodyOf(stream.user!), '4000000');
      // With a window of 64 KiB it is 12 s.
      assert.ok(took < 8000, `${took} ms`);
      socket.destroy();
      far.close();
    },
  );
});

test('the same limits hold as over HTTP/1, and no name means anything to the sidecar', async () => {
  await withRawApp(
    (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'),
    async (_running, { side }, seen) => {
      const many = Array.from({ length: 200 }, (_, index) => [`x-${index}`, 'a'] as const);
      assert.is(statusOf(await answerTo(side, head('/', 'GET', many))), '200');
      const tooMany = Array.from({ length: 257 }, (_, index) => [`x-${index}`, 'a'] as const);
      assert.is(statusOf(await answerTo(side, head('/', 'GET', tooMany))), '431');
      assert.is(statusOf(await answerTo(side, head('/', 'GET', [['x-large', 'a'.repeat(17_500)]]))), '431');
      assert.is(statusOf(await answerTo(side, head('/', 'GET', [['x-large', 'a'.repeat(15_000)]]))), '200');
      const names: Fields = [
        ['constructor', 'a'],
        ['__proto__', 'b'],
        ['tostring', 'c'],
        ['__proto__', 'd'],
      ];
      assert.is(statusOf(await answerTo(side, head('/names', 'GET', names))), '200');
      assert.match(seen(), /\r\nconstructor: a\r\n__proto__: b\r\ntostring: c\r\n__proto__: d\r\n/);
    },
  );
});

test('a head that is too large is refused before the client has acknowledged our settings', async () => {
  await withRawApp(
    (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'),
    async ({ port }) => {
      const socket = connectTls({
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        ca: authority.cert,
        ALPNProtocols: ['h2'],
      });
      const side = new TestConnection('client');
      const stream = side.request(head('/', 'GET', [['x-large', 'a'.repeat(17_500)]]), true);
      await once(socket, 'secureConnect');
      speakOver(side, socket);
      await eventually('the refusal', () => stream.user!.ended);
      assert.is(statusOf(stream.user!), '431');
      socket.destroy();
    },
  );
});

test('trailers pass that were not announced; what only HTTP/1 knows does not', async () => {
  await withRawApp(
    (socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nConnection: close\r\nKeep-Alive: 1\r\n\r\n',
      ),
    async (_running, { side }) => {
      const message = await answerTo(side, head('/'));
      assert.equal([message.lines, bodyOf(message), message.trailers], [[':status: 200'], 'hi', ['x-sum: 1']]);
    },
  );
});

test('an application that knows no WebSocket opens no tunnel: 502', async () => {
  await withRawApp(
    (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'),
    async (running, { side }) => {
      const fields: Fields = [
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
        [':scheme', 'https'],
        [':authority', 'localhost'],
        [':path', '/chat'],
        ['sec-websocket-version', '13'],
      ];
      const message = await answerTo(side, fields);
      assert.equal([statusOf(message), bodyOf(message)], ['502', '']);
      await idle(running);
    },
  );
});

/** A port whose bytes reach another with a delay in milliseconds, both ways. */
async function delayed(to: number, milliseconds: number): Promise<{ port: number; close: () => void }> {
  const server = createTcpServer((near) => {
    const far = connectTcp(to, '127.0.0.1');
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => into.destroy());
      from.on('data', (chunk: Buffer) => void setTimeout(() => into.write(chunk), milliseconds));
      from.on('close', () => void setTimeout(() => into.destroy(), milliseconds));
    }
  });
  const port = await listening(server);
  return { port, close: () => server.close() };
}

test.run();
