/** The end of a proxy that has traffic: what was begun is finished, what is idle is closed, and TLS that it only passes on goes on, too. */
import { once } from 'node:events';
import { createServer as createHttp, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcp } from 'node:net';
import { connect as connectTls, createServer as createTls } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { connected, RawClient } from '#proxy/testing/raw-client.ts';
import { startPair } from './testing/mesh.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n';
/** Longer than any test lasts: nothing is cut. */
const PATIENCE = 300_000;

test('HTTP/1.1: the request under way ends with Connection: close; an idle connection is closed', async () => {
  const held: ServerResponse[] = [];
  await using app = await serve(
    createHttp((incoming, response) => {
      if (incoming.url === '/held') held.push(response);
      else response.end('done');
    }),
  );
  await using mesh = await startPair(app.port);
  const idle = await connected(mesh.client.plane.outboundPort);
  idle.send(REQUEST);
  await idle.until(({ text }) => text.endsWith('done'));
  const busy = await connected(mesh.client.plane.outboundPort);
  busy.send(REQUEST.replace('/', '/held'));
  await eventually('it has reached the application', () => held.length === 1);
  let over = false;
  const drained = mesh.client.plane.drain(PATIENCE).then(() => (over = true));
  await idle.until(({ closed }) => closed);
  assert.not(over, 'a request is under way');
  held[0]!.end('late');
  await busy.until(({ closed }) => closed);
  await drained;
  assert.match(busy.text, /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n[^]*late/i);
  for (const { socket } of [idle, busy]) socket.destroy();
  assert.equal(mesh.client.errors, []);
});

test('HTTP/2: GOAWAY, and the streams that were begun are answered', async () => {
  const held: ServerHttp2Stream[] = [];
  await using app = await serve(createHttp2().on('stream', (stream) => held.push(stream as ServerHttp2Stream)));
  await using mesh = await startPair(app.port);
  const session = connectHttp2(`http://127.0.0.1:${mesh.client.plane.outboundPort}`);
  session.on('error', () => {});
  const stream = session.request({ ':path': '/' });
  await eventually('it has reached the application', () => held.length === 1);
  let told = false;
  session.on('goaway', (code: number) => (told = code === 0));
  const drained = mesh.client.plane.drain(PATIENCE);
  await eventually('GOAWAY without an error', () => told);
  held[0]!.respond({ ':status': 200 });
  held[0]!.end('late');
  let body = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  await once(stream, 'close');
  assert.is(body, 'late');
  await drained;
  session.destroy();
  assert.equal(mesh.client.errors, []);
});

test('TCP: a connection is waited for, and cut when patience ends', async () => {
  await using app = await serve(
    createTcp((socket) => {
      socket.write('220 welcome\r\n');
      socket.on('data', (chunk) => socket.write(`got ${chunk.toString()}`));
    }),
  );
  for (const patient of [true, false]) {
    await using mesh = await startPair(app.port);
    const talk = await connected(mesh.client.plane.outboundPort);
    await talk.until(({ text }) => text === '220 welcome\r\n');
    let over = false;
    const drained = mesh.client.plane.drain(patient ? PATIENCE : 0).then(() => (over = true));
    if (patient) {
      talk.send('more\r\n');
      await talk.until(({ text }) => text.endsWith('got more\r\n'));
      assert.not(over, 'a connection is open');
      talk.socket.end();
    }
    await talk.until(({ closed }) => closed);
    await drained;
    talk.socket.destroy();
  }
});

test("TLS of the application passes as it is: the client sees its certificate, not the mesh's", async () => {
  const own = await certify({ names: ['books.example'], subject: 'CN=books.example' });
  await using app = await serve(
    createTls({ cert: own.cert, key: own.key }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => socket.write(`sealed ${chunk.toString()}`));
    }),
  );
  for (const meshed of [true, false]) {
    await using mesh = await startPair(app.port, { client: { meshed } });
    const socket = connectTls({
      port: mesh.client.plane.outboundPort,
      host: '127.0.0.1',
      servername: 'books.example',
      ca: own.cert,
    });
    await once(socket, 'secureConnect');
    assert.is(socket.authorized, true);
    assert.is(socket.getPeerCertificate().subject.CN, 'books.example');
    const talk = new RawClient(socket);
    talk.send('hello');
    await talk.until(({ text }) => text === 'sealed hello');
    socket.destroy();
    await eventually('it is written down as TCP', () => mesh.client.outbound.relays.length === 1);
    assert.equal(mesh.client.outbound.ends, [], 'no request was read');
    assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
  }
});

test.run();
