import type { RequestListener } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createAgent, HttpError, openResponse, request, withoutCredentials } from './http-client.ts';
import { eventually } from '../testing/eventually.ts';
import { serve as startServer, type TestServer } from '../testing/server.ts';

const servers: TestServer[] = [];
test.after.each(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(answer: RequestListener | Server): Promise<string> {
  const server = await startServer(answer);
  servers.push(server);
  return server.url;
}
/** A server that answers with these bytes and then does what it is told. */
const raw = (answer: string, then: (socket: Socket) => void): Promise<string> =>
  serve(createServer((socket) => socket.once('data', () => socket.write(answer, () => then(socket)))));

async function failure(promise: Promise<unknown>): Promise<HttpError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, HttpError, String(error));
    return error as HttpError;
  }
  throw new Error('it did not fail');
}

test('asks with method, headers and body, and reads the answer whatever its status', async () => {
  const url = await serve((asked, response) => {
    let body = '';
    asked.on('data', (chunk) => (body += chunk));
    asked.on('end', () => response.writeHead(418, { 'x-a': asked.headers['x-a'] }).end(`${asked.method} ${body}`));
  });
  const { status, headers, body } = await request(url, { method: 'PUT', headers: { 'x-a': 'b' }, body: 'tea' });
  assert.equal([status, headers['x-a'], String(body)], [418, 'b', 'PUT tea']);
});

test('a kept connection is used again', async () => {
  const ports = new Set<number | undefined>();
  const url = await serve((asked, response) => {
    ports.add(asked.socket.remotePort);
    response.end('x');
  });
  const agent = createAgent('http:');
  for (let i = 0; i < 3; i++) await request(url, { agent });
  agent.destroy();
  assert.is(ports.size, 1);
});

test('nobody listening', async () => {
  const url = await serve(() => {});
  await servers[0]!.close();
  const error = await failure(request(url.replace('//', '//user:secret@')));
  assert.is(error.reason, 'refused');
  assert.match(error.message, /ECONNREFUSED/);
  assert.not.match(error.message, /secret/);
});

test('a server that does not answer, or stops in the middle of its answer, is given up in time', async () => {
  const silent = await failure(request(await serve(() => {}), { timeout: 50 }));
  assert.is(silent.reason, 'timeout');
  assert.match(silent.message, /within 50 ms/);
  const stalled = await raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', () => {});
  assert.is((await failure(request(stalled, { timeout: 50 }))).reason, 'timeout');
});

test('half an answer is no answer', async () => {
  const cut = await raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', (socket) => socket.end());
  assert.is((await failure(request(cut))).reason, 'network');
  const chunked = await raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n', (socket) =>
    socket.end(),
  );
  assert.is((await failure(request(chunked))).reason, 'network');
});

test('garbage is no answer', async () => {
  const garbage = await raw('SSH-2.0-server\r\n\r\n', (socket) => socket.end());
  assert.is((await failure(request(garbage))).reason, 'network');
});

test('an answer in another protocol is none, and is known at once, with a deadline or without', async () => {
  for (const options of [{}, { timeout: 60_000 }]) {
    const url = await raw('HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n', () => {});
    assert.is((await failure(request(url, options))).reason, 'network');
  }
});

test('of a request that is answered early, no more is sent, and its connection is not kept', async () => {
  const ended: number[] = [];
  const url = await serve(
    createServer((socket) => {
      let bytes = 0;
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.pause();
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      });
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
      socket.on('close', () => ended.push(bytes));
      setTimeout(() => socket.resume(), 300);
    }),
  );
  const agent = createAgent('http:');
  const body = Buffer.alloc(64 * 1024 * 1024, 'a');
  const { status } = await request(url, { method: 'POST', body, agent });
  assert.is(status, 200);
  // Used again, as who keeps memory for bodies does.
  body.fill('b');
  await eventually('the connection ends', () => ended.length === 1);
  agent.destroy();
  assert.ok(ended[0]! < body.length, `${ended[0]} bytes came`);
});

test('an answer that is too long is not read to its end', async () => {
  const url = await serve((_asked, response) => response.end('x'.repeat(1001)));
  assert.is((await failure(request(url, { maxBody: 1000 }))).reason, 'too-large');
  assert.is((await request(url, { maxBody: 1001 })).body.length, 1001);
});

test('it ends when it is told to', async () => {
  const stop = new AbortController();
  const failing = failure(request(await serve(() => {}), { signal: stop.signal }));
  stop.abort();
  assert.is((await failing).reason, 'aborted');
});

test("a stream's head has a deadline, its body has none, and the signal ends it", async () => {
  const stop = new AbortController();
  const url = await serve((_asked, response) => {
    response.write('first');
    setTimeout(() => response.write('second'), 1600);
  });
  const response = await openResponse(url, { timeout: 1500, signal: stop.signal });
  let read = '';
  const error = await (async () => {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      read += String(chunk);
      if (read === 'firstsecond') stop.abort();
    }
    return undefined;
  })().catch((caught: unknown) => caught);
  assert.is(read, 'firstsecond');
  assert.ok(error, 'the body did not end with the signal');
  assert.is((await failure(openResponse(await serve(() => {}), { timeout: 50 }))).reason, 'timeout');
});

test('other protocols are refused', async () => {
  assert.is((await failure(request('file:///etc/passwd'))).reason, 'network');
});

test('a url is shown without its password', () => {
  assert.is(withoutCredentials('https://user:secret@config.example/a?b'), 'https://config.example/a?b');
});

test.run();
