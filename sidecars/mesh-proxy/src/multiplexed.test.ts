/** HTTP/1.1 between proxies: connections that are wanted at once travel together, and are what they were by themselves. */
import { randomBytes } from 'node:crypto';
import { Agent, createServer as createHttp, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcp, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve, type TestServer } from '#kit/testing/server.ts';
import { connected, type RawClient } from '#proxy/testing/raw-client.ts';
import { credentialsOf, idOf } from './testing/identities.ts';
import { SHOP, startPair, startPod, towards, type TestPod } from './testing/mesh.ts';
import { createServer as createTls } from 'node:tls';

const GET = 'GET / HTTP/1.1\r\nHost: shop\r\nX-Own-Case: a\r\n\r\n';
const MANY = 12;

/** An application that answers no request before a number of them is under way. */
class Gate {
  /** How many; 1 answers each at once. */
  size = 1;
  readonly seen: IncomingMessage[] = [];
  #held: ServerResponse[] = [];

  readonly answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    this.seen.push(incoming);
    this.#held.push(response);
    if (this.#held.length >= this.size) for (const each of this.#held.splice(0)) each.end('hello');
  };

  get held(): number {
    return this.#held.length;
  }
}

const done =
  (times: number) =>
  ({ text }: RawClient): boolean =>
    text.split('hello').length > times;

/** A number of clients, each with a request at the same time; they stay connected. */
async function together(port: number, gate: Gate, count = MANY): Promise<RawClient[]> {
  gate.size = count;
  const talks = await Promise.all(Array.from({ length: count }, () => connected(port)));
  for (const talk of talks) talk.send(GET);
  await Promise.all(talks.map((talk) => talk.until(done(1))));
  return talks;
}

const close = (talks: readonly RawClient[]): void => {
  for (const { socket } of talks) socket.destroy();
};

/** Let there be a carrier: then a pod has one connection besides it. */
async function multiplexed(client: TestPod, server: TestPod, gate: Gate): Promise<void> {
  await eventually('one connection and one carrier are left', async () => {
    close(await together(client.plane.outboundPort, gate));
    return server.inbound.stats.open === 2;
  });
  gate.size = 1;
}

/** Requests that wait: no connection is idle, and further ones are multiplexed. */
async function busy(port: number, gate: Gate, count = MANY): Promise<RawClient[]> {
  gate.size = Infinity;
  const talks = await Promise.all(Array.from({ length: count }, () => connected(port)));
  for (const talk of talks) talk.send(GET);
  await eventually('all wait', () => gate.held === count);
  return talks;
}

/** Answer those that wait. */
async function answered(talks: readonly RawClient[], gate: Gate, app: TestServer): Promise<void> {
  gate.size = 1;
  request({ port: app.port, host: '127.0.0.1' }, (response) => response.resume()).end();
  for (const talk of talks) assert.match(await talk.until(done(1)), /^HTTP\/1\.1 200 /);
  close(talks);
}

async function startGate(): Promise<{ gate: Gate; app: TestServer } & AsyncDisposable> {
  const gate = new Gate();
  const app = await serve(gate.answer);
  return { gate, app, [Symbol.asyncDispose]: app.close };
}

test('concurrent requests share a connection, request after request, byte for byte', async () => {
  await using gated = await startGate();
  const { gate, app } = gated;
  await using mesh = await startPair(app.port);
  await multiplexed(mesh.client, mesh.server, gate);
  const talks = await together(mesh.client.plane.outboundPort, gate);
  assert.is(mesh.server.inbound.stats.open, 2, 'no further connections between the proxies');
  gate.size = 1;
  for (const talk of talks) talk.send(GET);
  for (const talk of talks) assert.is((await talk.until(done(2))).split('HTTP/1.1 200 OK\r\n').length, 3);
  assert.is(mesh.server.inbound.stats.open, 2);
  const last = gate.seen.at(-1)!;
  assert.ok(last.rawHeaders.includes('X-Own-Case'), 'names keep their letters');
  assert.is(last.httpVersion, '1.1');
  assert.match(String(last.headers['x-forwarded-client-cert']), `URI=${idOf('front')}`);
  assert.is(mesh.server.inbound.ends.at(-1)?.record.connection.peer?.id.text, idOf('front'));
  assert.is(mesh.server.inbound.ends.at(-1)?.record.connection.remoteAddress, '127.0.0.1');
  close(talks);
  assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
});

test('one request at a time needs no carrier', async () => {
  await using gated = await startGate();
  await using mesh = await startPair(gated.app.port);
  const talk = await connected(mesh.client.plane.outboundPort);
  for (let round = 1; round <= 5; round++) {
    talk.send(GET);
    await talk.until(done(round));
  }
  assert.is(mesh.server.inbound.stats.open, 1);
  talk.socket.destroy();
});

test('bodies of every size and framing arrive whole, both ways, beside each other', async () => {
  const gate = new Gate();
  await using app = await serve((incoming, response) => {
    if (incoming.method === 'GET') return gate.answer(incoming, response);
    const size = incoming.headers['content-length'];
    response.writeHead(200, size === undefined ? { Trailer: 'X-Sum' } : { 'Content-Length': size });
    incoming.pipe(response);
    if (size === undefined) response.addTrailers({ 'X-Sum': '1' });
  });
  await using mesh = await startPair(app.port);
  await multiplexed(mesh.client, mesh.server, gate);
  const agent = new Agent({ keepAlive: true, maxSockets: MANY });
  const sizes = [0, 1, 63, 64, 65, 4096, 4097, 8192, 16_384, 16_385, 65_536, 70_000, 300_000, 1_100_000];
  await Promise.all(
    sizes.flatMap((size) =>
      [true, false].map(async (chunked) => {
        const sent = randomBytes(size);
        const got = await post(mesh.client.plane.outboundPort, agent, sent, chunked);
        assert.is(got.body.compare(sent), 0, `${size} bytes`);
        if (chunked && size > 0) assert.is(got.trailer, '1');
      }),
    ),
  );
  agent.destroy();
  assert.is(mesh.server.inbound.stats.open, 2);
  assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
});

function post(port: number, agent: Agent, body: Buffer, chunked: boolean): Promise<{ body: Buffer; trailer?: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ body: Buffer; trailer?: string }>();
  const headers = chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': body.length };
  const sending = request({ port, host: '127.0.0.1', method: 'POST', agent, headers }, (response) => {
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.on('error', reject);
    response.on('end', () => {
      const { 'x-sum': trailer } = response.trailers;
      resolve({ body: Buffer.concat(parts), ...(trailer !== undefined && { trailer }) });
    });
  });
  sending.on('error', reject);
  for (let at = 0; at < body.length; at += 7001) sending.write(body.subarray(at, at + 7001));
  sending.end();
  return promise;
}

test('while bodies are large, connections are their own', async () => {
  const gate = new Gate();
  const body = 'x'.repeat(300_000);
  await using app = await serve((incoming, response) => {
    if (incoming.url === '/large') response.end(body);
    else gate.answer(incoming, response);
  });
  await using mesh = await startPair(app.port);
  const { outboundPort } = mesh.client.plane;
  await multiplexed(mesh.client, mesh.server, gate);
  const talk = await connected(outboundPort);
  for (let round = 1; round <= 10; round++) {
    talk.send('GET /large HTTP/1.1\r\nHost: shop\r\n\r\n');
    await talk.until(({ text }) => text.split(body).length > round);
  }
  talk.socket.destroy();
  const talks = await busy(outboundPort, gate);
  assert.ok(mesh.server.inbound.stats.open > 3, `${mesh.server.inbound.stats.open} connections`);
  await answered(talks, gate, app);
  // Small ones again, for some time.
  await multiplexed(mesh.client, mesh.server, gate);
  assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
});

test('a client that does not read stops its own response, and no other', async () => {
  const gate = new Gate();
  const SIZE = 32 * 1024 * 1024;
  let written = 0;
  await using app = await serve((incoming, response) => {
    if (incoming.url !== '/large') return gate.answer(incoming, response);
    response.setHeader('Content-Length', SIZE);
    const part = Buffer.alloc(64 * 1024, 'x');
    const more = (): void => {
      while (written < SIZE) {
        written += part.length;
        if (!response.write(part)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  await using mesh = await startPair(app.port);
  const { outboundPort } = mesh.client.plane;
  await multiplexed(mesh.client, mesh.server, gate);
  const others = await busy(outboundPort, gate);
  const slow = connect(outboundPort, '127.0.0.1');
  slow.on('error', () => {});
  slow.write('GET /large HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
  slow.pause();
  let before = -1;
  await eventually(
    'nothing more is read of it',
    () => {
      const still = written > 0 && written === before;
      before = written;
      return still;
    },
    { every: 300 },
  );
  assert.ok(written < SIZE, `${written} bytes are in memory`);
  assert.is(mesh.server.inbound.stats.open, 2, 'it is multiplexed');
  await answered(others, gate, app);
  let got = 0;
  slow.on('data', (part: Buffer) => (got += part.length));
  slow.resume();
  await eventually('the rest comes', () => got > SIZE);
  slow.destroy();
  assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
});

test('hundreds of clients that give up harm nobody else on the carrier', async () => {
  await using gated = await startGate();
  const { gate, app } = gated;
  await using mesh = await startPair(app.port);
  const { outboundPort } = mesh.client.plane;
  await multiplexed(mesh.client, mesh.server, gate);
  const others = await busy(outboundPort, gate);
  const before = gate.seen.length;
  // More than a peer of HTTP/2 may reset (http2/flood-limits.ts).
  for (let round = 0; round < 4; round++) {
    const seen = gate.seen.length;
    const talks = await Promise.all(Array.from({ length: 100 }, () => connected(outboundPort)));
    for (const talk of talks) talk.send(GET);
    await eventually('they have reached the application', () => gate.seen.length === seen + 100);
    close(talks);
    await eventually('the application hears of it', () => gate.seen.slice(seen).every(({ destroyed }) => destroyed));
  }
  assert.is(mesh.server.inbound.stats.open, 2);
  await answered(others, gate, app);
  assert.is(gate.seen.length, before + 401, 'nobody had to ask again');
  const { stats } = mesh.server.inbound;
  await eventually('those that were given up count no longer', () => stats.multiplexed <= MANY);
  assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
});

test('a response that is cut short is cut short for its client, and an upgrade has two halves', async () => {
  const gate = new Gate();
  await using app = await serve(
    createHttp({ insecureHTTPParser: true }, (incoming, response) => {
      if (incoming.url !== '/cut') return gate.answer(incoming, response);
      response.writeHead(200, { 'Content-Length': 100 });
      response.write('begun', () => response.destroy());
    }).on('upgrade', (_request, socket: Socket) => {
      socket.allowHalfOpen = true;
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
      let text = '';
      socket.on('data', (part: Buffer) => (text += part.toString()));
      // Answers only what has come to its end.
      socket.on('end', () => socket.end(`all of ${text.length}`));
    }),
  );
  await using mesh = await startPair(app.port);
  const { outboundPort } = mesh.client.plane;
  await multiplexed(mesh.client, mesh.server, gate);
  const others = await busy(outboundPort, gate);
  const cut = await connected(outboundPort);
  cut.send(GET.replace('/', '/cut'));
  await cut.until(({ closed }) => closed);
  assert.match(cut.text, /Content-Length: 100[^]*begun$/i);
  const tunnel = await connected(outboundPort);
  tunnel.send('GET /echo HTTP/1.1\r\nHost: shop\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
  await tunnel.until(({ text }) => text.includes('101 Switching'));
  tunnel.socket.end('x'.repeat(200_000));
  await tunnel.until(({ closed }) => closed);
  assert.match(tunnel.text, /all of 200000$/);
  assert.is(mesh.server.inbound.stats.open, 2);
  await answered(others, gate, app);
  close([cut, tunnel]);
  assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
});

test('a lost carrier costs no request that may be repeated, and another carrier is opened', async () => {
  await using gated = await startGate();
  const { gate, app } = gated;
  await using server = await startPod('shop');
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  const between = new Set<Socket>();
  await using way = await serve(
    createTcp((socket) => {
      const onward = connect(server.plane.inboundPort, '127.0.0.1');
      for (const each of [socket, onward]) {
        between.add(each.on('error', () => {}));
        each.on('close', () => {
          between.delete(each);
          socket.destroy();
          onward.destroy();
        });
      }
      socket.pipe(onward).pipe(socket);
    }),
  );
  await using client = await startPod('front', { configuration: towards([way.port]) });
  client.meant.outbound = SHOP;
  for (let round = 0; round < 2; round++) {
    await eventually('a carrier is made', async () => {
      close(await together(client.plane.outboundPort, gate));
      return server.inbound.stats.open === 2;
    });
    for (const socket of between) socket.destroy();
    await eventually('what it multiplexed is not counted any more', () => server.inbound.stats.multiplexed === 0);
    close(await together(client.plane.outboundPort, gate));
  }
  assert.equal([...client.errors, ...server.errors], []);
});

test('a proxy that knows no carriers is spoken to as before', async () => {
  const { key, chain } = await credentialsOf('shop');
  let carriers = 0;
  await using old = await serve(
    createTls({ key, cert: chain, ALPNProtocols: ['mesh-http/1.1'] }, (socket) => {
      socket.on('error', () => {});
      let first = true;
      socket.on('data', (part: Buffer) => {
        if (first && part.toString('latin1').startsWith('PRI ')) carriers++;
        first = false;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
      });
    }),
  );
  await using client = await startPod('front', { configuration: towards([old.port]) });
  client.meant.outbound = SHOP;
  const talks = await Promise.all(Array.from({ length: MANY }, () => connected(client.plane.outboundPort)));
  for (let round = 1; round <= 3; round++) {
    for (const talk of talks) talk.send(GET);
    await Promise.all(talks.map((talk) => talk.until(done(round))));
  }
  assert.is(carriers, 0);
  assert.ok(old.connections() <= MANY + 1, `${old.connections()} connections`);
  close(talks);
  assert.equal(client.errors, []);
});

for (const side of ['client', 'server'] as const)
  test(`the end of the ${side}'s proxy: what is multiplexed is finished first`, async () => {
    await using gated = await startGate();
    const { gate, app } = gated;
    await using mesh = await startPair(app.port);
    const { outboundPort } = mesh.client.plane;
    await multiplexed(mesh.client, mesh.server, gate);
    const talks = await busy(outboundPort, gate);
    const drained = mesh[side].plane.drain(300_000);
    await answered(talks, gate, app);
    await drained;
    await eventually('nothing is open', () => mesh[side].inbound.stats.open + mesh[side].outbound.stats.open === 0);
    await eventually('nothing counts as multiplexed', () => mesh.server.inbound.stats.multiplexed === 0);
    assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
  });

test("multiplexed connections count towards a proxy's limit, and are refused as others are", async () => {
  await using gated = await startGate();
  const { gate, app } = gated;
  const MOST = 20;
  const REFUSED = 5;
  await using mesh = await startPair(app.port, { maxConnections: { server: MOST } });
  const { client, server } = mesh;
  const { stats } = server.inbound;
  await multiplexed(client, server, gate);
  gate.size = Infinity;
  // One of them is the carrier, which serves none by itself.
  const talks = await Promise.all(
    Array.from({ length: MOST - 1 + REFUSED }, () => connected(client.plane.outboundPort)),
  );
  for (const talk of talks) talk.send(GET);
  const refused = (): RawClient[] => talks.filter(({ text }) => text !== '');
  await eventually('some wait, and all others are refused', () => gate.held + refused().length === talks.length);
  assert.is(refused().length, REFUSED);
  assert.equal([stats.open, stats.multiplexed], [2, MOST - 2]);
  assert.ok(stats.refused.length >= REFUSED && stats.refused.every((reason) => reason === 'max_connections'));
  // The next one by itself is refused, too, and its client reads the same.
  await using other = await startPod('front', { configuration: towards([server.plane.inboundPort]) });
  other.meant.outbound = SHOP;
  const alone = await connected(other.plane.outboundPort);
  alone.send(GET);
  await alone.until(({ text }) => text.includes('Connecting'));
  // Whether the system says that it was closed or that it was reset depends on who was faster.
  const plain = (text = ''): string =>
    text.replace(/^(Date|Content-Length): .*$/gm, '').replace(/failed: .*/, 'failed');
  for (const { text } of refused()) assert.is(plain(text), plain(alone.text));
  await eventually('it is written down', () => other.outbound.ends.length === 1);
  for (const { cause } of [...client.outbound.ends.slice(-REFUSED), ...other.outbound.ends]) {
    assert.equal(cause.flags, ['UF']);
    assert.is(plain(cause.sentence), `Connecting to 127.0.0.1:${server.plane.inboundPort} of shop failed`);
  }
  alone.socket.destroy();
  close(refused());
  await answered(
    talks.filter((talk) => !refused().includes(talk)),
    gate,
    app,
  );
  const again = await connected(client.plane.outboundPort);
  again.send(GET);
  assert.match(await again.until(done(1)), /^HTTP\/1\.1 200 /);
  again.socket.destroy();
  assert.equal([...client.errors, ...server.errors, ...other.errors], []);
});

test('a proxy takes no more connections of its application where these are multiplexed', async () => {
  await using gated = await startGate();
  const { gate, app } = gated;
  await using mesh = await startPair(app.port, { maxConnections: { client: MANY } });
  const { outboundPort } = mesh.client.plane;
  await multiplexed(mesh.client, mesh.server, gate);
  await eventually('none is open', () => mesh.client.outbound.stats.open === 0);
  const talks = await busy(outboundPort, gate);
  const late = await connected(outboundPort);
  await late.until(({ closed }) => closed);
  assert.equal([late.text, mesh.client.outbound.stats.open], ['', MANY]);
  await answered(talks, gate, app);
});

test('an endpoint that leaves the configuration finishes what it has', async () => {
  await using gated = await startGate();
  const { gate, app } = gated;
  await using mesh = await startPair(app.port);
  const { outboundPort } = mesh.client.plane;
  await multiplexed(mesh.client, mesh.server, gate);
  const talks = await busy(outboundPort, gate);
  mesh.client.plane.apply({
    version: '2',
    outbound: { unknown: 'REGISTRY_ONLY', listeners: [] },
    inbound: { mtls: 'PERMISSIVE' },
    clusters: [],
  });
  await answered(talks, gate, app);
  const { stats } = mesh.server.inbound;
  await eventually('and is left alone', () => stats.open + stats.multiplexed === 0);
  assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
});

test.run();
