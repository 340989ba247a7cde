/**
 * An opaque connection reaches an application that takes it, whatever became of the other replicas. Names in brackets
 * are those of Envoy's tests of its TCP proxy.
 */
import { once } from 'node:events';
import { createServer as createTcp, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve, type TestServer } from '#kit/testing/server.ts';
import { connected, exchange, RawClient } from '#proxy/testing/raw-client.ts';
import { refusalIn, refusalOf } from './listeners/acceptance.ts';
import type { RelayEnd } from './stream-info/telemetry.ts';
import { contextOptions } from './security/contexts.ts';
import { credentialsOf } from './testing/identities.ts';
import type { TestPod, TowardsOptions } from './testing/mesh.ts';
import { caller, callerOf, NOBODY, onceASecond, replica, stopped } from './testing/replicas.ts';

const OPAQUE: TowardsOptions = { protocol: 'tcp' };

/** An application that says back what it hears, and closes when its client has. */
const echoing = (): Promise<TestServer> =>
  serve(createTcp({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)));

/** An application that speaks first. */
const greeting = (): Promise<TestServer> =>
  serve(
    createTcp((socket) => {
      socket.write('220 welcome\r\n');
      socket.on('data', (chunk) => socket.write(chunk));
    }),
  );

/** Say something, and get it back. */
async function said(pod: TestPod, text = 'hello'): Promise<string> {
  const talk = await connected(pod.plane.outboundPort);
  talk.send(text);
  talk.socket.end();
  try {
    return await talk.until(({ closed }) => closed);
  } finally {
    talk.socket.destroy();
  }
}

/** The log entry of the last of a number of connections. */
async function lastOf({ outbound: { relays } }: TestPod, count = 1): Promise<RelayEnd> {
  await eventually(`${count} connections are written down`, () => relays.length === count);
  return relays.at(-1)!;
}

/** What stands for a proxy of the mesh, of another release or broken. */
async function otherProxy(alpn: string, onSocket: (socket: TLSSocket) => void): Promise<TestServer> {
  const options = { ...contextOptions(await credentialsOf('shop')), requestCert: true, allowHalfOpen: true };
  const server = createTls({ ...options, ALPNProtocols: [alpn] }, (socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  return serve(server as Server);
}

/** What stands for a caller's proxy. */
async function asCaller(port: number, alpn: string): Promise<RawClient> {
  const { key, chain, trustBundle } = await credentialsOf('front');
  const options = { key, cert: chain, ca: trustBundle, checkServerIdentity: () => undefined, allowHalfOpen: true };
  const socket = connectTls({ ...options, host: '127.0.0.1', port, ALPNProtocols: [alpn] } as ConnectionOptions);
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return new RawClient(socket);
}

test('a stopped application: each connection goes to another replica [OutlierDetection]', async () => {
  await using app = await echoing();
  await using up = await replica(app.port);
  await using down = await stopped();
  await using front = await caller([down, up], OPAQUE);
  const most = onceASecond();
  for (let round = 0; round < 20; round++) assert.is(await said(front), 'hello');
  assert.is(app.connections(), 20);
  await eventually('all are written down', () => front.outbound.relays.length === 20);
  const tries = down.inbound.relays.length;
  // A replica that is not there is left out at once: not every other connection tries it.
  assert.ok(tries >= 1 && tries <= most(), `${tries} of 20 went there`);
  assert.ok(front.outbound.relays.every(({ flags, cause }) => flags.length === 0 && cause === undefined));
  assert.is(front.outbound.relays.filter(({ retries }) => retries === 1).length, tries);
  assert.equal(
    front.outbound.stats.failures,
    Array.from({ length: tries }, () => 'connect'),
  );
  assert.match(down.inbound.relays[0]?.cause ?? '', /nobody listens there \(ECONNREFUSED\)/);
  assert.equal([...front.errors, ...up.errors, ...down.errors], []);
});

test('the application stops between two connections: the next one goes to another replica', async () => {
  await using app = await echoing();
  await using other = await echoing();
  await using one = await replica(app.port);
  await using two = await replica(other.port);
  await using front = await caller([one, two], OPAQUE);
  for (let round = 0; round < 4; round++) assert.is(await said(front), 'hello');
  assert.equal([app.connections(), other.connections()], [2, 2]);
  await app.close();
  for (let round = 0; round < 6; round++) assert.is(await said(front), 'hello');
  assert.equal([app.connections(), other.connections()], [2, 8]);
});

test('all applications have stopped: the client is closed, and the log says why', async () => {
  await using one = await stopped();
  await using two = await stopped();
  await using front = await caller([one, two], OPAQUE);
  assert.is(await said(front), '');
  const { flags, cause, retries, endpoint } = await lastOf(front);
  assert.equal(flags, ['UF']);
  assert.is(
    cause,
    `${endpoint!.authority} of shop has no application that takes connections: nobody listens there (ECONNREFUSED). It was tried 2 times`,
  );
  assert.is(retries, 1);
  await eventually('each has been asked', () => one.inbound.relays.length + two.inbound.relays.length === 2);
  assert.equal([one.inbound.relays.length, two.inbound.relays.length], [1, 1], 'once');
});

test('of many that have stopped, three are tried [ConnectAttemptsLimit]', async () => {
  const downs = await Promise.all(Array.from({ length: 5 }, stopped));
  await using front = await caller(downs, OPAQUE);
  assert.is(await said(front), '');
  const { flags, cause } = await lastOf(front);
  assert.equal(flags, ['UF', 'URX']);
  assert.match(cause ?? '', /It was tried 3 times$/);
  const counts = (): string =>
    downs
      .map(({ inbound }) => inbound.relays.length)
      .toSorted((a, b) => a - b)
      .join();
  await eventually('three have been asked, once', () => counts() === '0,0,1,1,1');
  await Promise.all(downs.map((each) => each[Symbol.asyncDispose]()));
});

test('the only application has stopped, and comes back', async () => {
  await using down = await stopped();
  await using front = await caller([down], OPAQUE);
  assert.is(await said(front), '');
  assert.equal((await lastOf(front)).flags, ['UF']);
  await using app = await echoing();
  down.meant.inbound = { address: '127.0.0.1', port: app.port };
  assert.is(await said(front), 'hello');
});

test('no proxy listens any more [ConnectAttemptsUpstreamRemoteFail]', async () => {
  await using app = await echoing();
  await using up = await replica(app.port);
  await using front = await callerOf([NOBODY, up.plane.inboundPort], OPAQUE);
  for (let round = 0; round < 6; round++) assert.is(await said(front), 'hello');
  assert.is(app.connections(), 6);
});

test('an endpoint in the clear refuses the connection: another one gets it', async () => {
  await using app = await echoing();
  await using front = await callerOf([NOBODY, app.port], { ...OPAQUE, meshed: false });
  for (let round = 0; round < 6; round++) assert.is(await said(front), 'hello');
  assert.is(app.connections(), 6);
});

test('an endpoint that does not answer in time [ConnectAttemptsUpstreamTimeout]', async () => {
  await using mute = await serve(createTcp());
  await using app = await echoing();
  await using up = await replica(app.port);
  await using front = await callerOf([mute.port, up.plane.inboundPort], {
    ...OPAQUE,
    cluster: { connectTimeout: 200 },
  });
  // The other one may be late as well on a busy machine; then the first is left out already.
  await eventually('a connection is taken', async () => (await said(front)) === 'hello');
  assert.ok(mute.connections() >= 1);
  assert.ok(front.outbound.stats.failures.includes('connect_timeout'));
});

test('a server that speaks first is found at another replica [TcpProxyUpstreamWritesFirst]', async () => {
  await using app = await greeting();
  await using up = await replica(app.port);
  await using down = await stopped();
  await using front = await caller([down, up], OPAQUE);
  const talk = await connected(front.plane.outboundPort);
  await talk.until(({ text }) => text === '220 welcome\r\n');
  talk.send('HELO x\r\n');
  await talk.until(({ text }) => text.endsWith('HELO x\r\n'));
  talk.socket.destroy();
  const end = await lastOf(front);
  assert.equal([end.received, end.sent], [8, 21]);
  await eventually('it is written down there, too', () => up.inbound.relays.length === 1);
  const [there] = up.inbound.relays;
  assert.equal([there?.received, there?.sent], [8, 21], 'what proxies tell each other is nobody’s bytes');
});

test('a client that closes its side first, with and without a word [TcpProxyHalfClose]', async () => {
  await using app = await serve(
    createTcp({ allowHalfOpen: true }, (socket) => {
      let heard = '';
      socket.on('data', (chunk) => (heard += chunk.toString()));
      socket.on('end', () => socket.end(`heard ${heard}`));
    }),
  );
  await using up = await replica(app.port);
  await using down = await stopped();
  for (const text of ['all of it', '']) {
    await using front = await caller([down, up], OPAQUE);
    assert.is(await said(front, text), `heard ${text}`);
    assert.is((await lastOf(front)).retries, 1);
  }
});

test('a client that sends much before its connection is taken loses none [TcpProxyLargeWrite]', async () => {
  await using app = await echoing();
  await using up = await replica(app.port);
  await using down = await stopped();
  await using front = await caller([down, up], OPAQUE);
  const text = Array.from({ length: 40_000 }, (_, index) => `line ${index}\n`).join('');
  assert.is(await said(front, text), text);
  assert.is((await lastOf(front)).retries, 1);
});

for (const first of ['', 'a word'])
  test(`what a client sends, after ${first || 'nothing'}, is not read without end while nobody takes its connection`, async () => {
    const heard: number[] = [];
    await using silent = await otherProxy('mesh-tcp-ack', (socket) => {
      const index = heard.push(0) - 1;
      socket.on('data', ({ length }: Buffer) => (heard[index]! += length));
    });
    await using front = await callerOf([silent.port], OPAQUE);
    const talk = await connected(front.plane.outboundPort);
    if (first !== '') {
      talk.send(first);
      await eventually('the word has come', () => heard[0] === first.length);
    }
    talk.socket.write(Buffer.alloc(32 * 1024 * 1024));
    await eventually('the first of it has come', () => (heard[0] ?? 0) >= 64 * 1024);
    // While others are connected, and their bytes pass, the rest of it would come as well.
    for (let count = 1; count <= 20; count++) {
      const other = await connected(front.plane.outboundPort);
      other.send('x');
      await eventually('another one has come', () => heard[count] === 1, { every: 1 });
      other.socket.resetAndDestroy();
    }
    assert.ok(heard[0]! < 2 * 64 * 1024, `${heard[0]} bytes`);
    talk.socket.resetAndDestroy();
  });

test('what may have reached an application is not sent to another one', async () => {
  await using taken = await otherProxy('mesh-tcp-ack', (socket) => void socket.once('data', () => socket.destroy()));
  await using app = await echoing();
  await using up = await replica(app.port);
  await using front = await callerOf([taken.port, up.plane.inboundPort], OPAQUE);
  assert.is(await said(front), '');
  const { flags, cause } = await lastOf(front);
  assert.equal(flags, ['UF']);
  assert.match(cause ?? '', /did not say whether its application took the connection$/);
  assert.is(app.connections(), 0);
  assert.equal(front.outbound.stats.failures, ['closed']);
});

test('of what said nothing, nothing can have reached one: it goes elsewhere', async () => {
  await using gone = await otherProxy('mesh-tcp-ack', (socket) => socket.destroy());
  await using app = await greeting();
  await using up = await replica(app.port);
  await using front = await callerOf([gone.port, up.plane.inboundPort], OPAQUE);
  const talk = await connected(front.plane.outboundPort);
  await talk.until(({ text }) => text === '220 welcome\r\n');
  talk.socket.destroy();
  assert.is((await lastOf(front)).retries, 1);
});

test('a proxy that says neither yes nor no is not taken for one', async () => {
  await using odd = await otherProxy('mesh-tcp-ack', (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\n'));
  await using front = await callerOf([odd.port], OPAQUE);
  assert.is(await said(front), '');
  assert.match((await lastOf(front)).cause ?? '', /did not say whether/);
});

test('a refusal that comes in pieces is one', async () => {
  await using slow = await otherProxy('mesh-tcp-ack', (socket) => {
    socket.write('-ECONN');
    setImmediate(() => setImmediate(() => socket.write('REFUSED\n')));
  });
  await using app = await echoing();
  await using up = await replica(app.port);
  await using front = await callerOf([slow.port, up.plane.inboundPort], OPAQUE);
  assert.is(await said(front), 'hello');
  assert.is((await lastOf(front)).retries, 1);
});

test('what a policy refuses is tried nowhere else, and is no failure of the replica', async () => {
  await using app = await echoing();
  const authorization = { otherwise: 'deny', rules: [] } as const;
  const configuration = { inbound: { mtls: 'STRICT', authorization } } as const;
  await using one = await replica(app.port, configuration);
  await using two = await replica(app.port, configuration);
  const ejected: string[] = [];
  await using front = await caller([one, two], {
    ...OPAQUE,
    cluster: { outlier: { consecutive5xx: 1 } },
    onEjection: (_cluster, { model }) => void ejected.push(`${model.port}`),
  });
  for (let round = 0; round < 4; round++) assert.is(await said(front), '');
  const { flags, cause, retries } = await lastOf(front, 4);
  assert.equal(flags, ['UAEX']);
  assert.match(cause ?? '', /refused the connection: its policy does not allow it$/);
  assert.is(retries, 0);
  assert.equal(ejected, []);
  assert.equal([app.connections(), one.inbound.relays.length, two.inbound.relays.length], [0, 2, 2]);
  assert.equal(front.outbound.stats.failures, ['denied', 'denied', 'denied', 'denied']);
});

test('a replica whose application has stopped is ejected [OutlierDetection]', async () => {
  await using app = await echoing();
  await using up = await replica(app.port);
  await using down = await stopped();
  const ejected: number[] = [];
  await using front = await caller([down, up], {
    ...OPAQUE,
    cluster: { outlier: { consecutive5xx: 1 } },
    onEjection: (_cluster, { model }) => void ejected.push(model.port),
  });
  for (let round = 0; round < 4; round++) assert.is(await said(front), 'hello');
  assert.equal(ejected, [down.plane.inboundPort]);
  assert.is(down.inbound.relays.length, 1);
});

test('places in the circuit breaker, and what is counted as under way, are given back', async () => {
  await using app = await echoing();
  await using up = await replica(app.port);
  await using down = await stopped();
  await using front = await caller([down, up], { ...OPAQUE, cluster: { limits: { maxRequests: 1 } } });
  for (let round = 1; round <= 4; round++) {
    assert.is(await said(front), 'hello');
    await lastOf(front, round);
  }
  const cluster = front.plane.runtime.clusters.get('shop')!;
  assert.is(cluster.limits.requests, 0);
  assert.equal(
    cluster.hosts.map(({ active }) => active),
    [0, 0],
  );
});

test('a proxy of an earlier release is spoken to as ever, on both sides', async () => {
  await using app = await echoing();
  await using old = await otherProxy('mesh-tcp', (socket) => void socket.pipe(socket));
  await using front = await callerOf([old.port], OPAQUE);
  assert.is(await said(front), 'hello');
  await using pod = await replica(app.port);
  const talk = await asCaller(pod.plane.inboundPort, 'mesh-tcp');
  talk.send('hello');
  await talk.until(({ text }) => text === 'hello');
  talk.socket.destroy();
});

test("an earlier release's proxy whose app has stopped: closed, as before, and sent nowhere else", async () => {
  await using down = await stopped();
  const talk = await asCaller(down.plane.inboundPort, 'mesh-tcp');
  talk.send('hello');
  assert.is(await talk.until(({ closed }) => closed), '');
  await using old = await otherProxy('mesh-tcp', (socket) => void socket.once('data', () => socket.destroy()));
  await using app = await echoing();
  await using up = await replica(app.port);
  await using front = await callerOf([old.port, up.plane.inboundPort], OPAQUE);
  assert.is(await said(front), '');
  assert.is(app.connections(), 0);
});

test('the caller’s proxy hears why, whatever it has sent by then', async () => {
  await using down = await stopped();
  const talk = await asCaller(down.plane.inboundPort, 'mesh-tcp-ack');
  talk.send('x'.repeat(1_000_000));
  assert.is(await talk.until(({ closed }) => closed), '-ECONNREFUSED\n');
  talk.socket.destroy();
});

test('who goes away while the connection is made leaves nothing behind', async () => {
  const held = new Set<Socket>();
  await using silent = await otherProxy('mesh-tcp-ack', (socket) => void held.add(socket.resume()));
  await using front = await callerOf([silent.port], OPAQUE);
  const talk = await connected(front.plane.outboundPort);
  talk.send('hello');
  await eventually('the proxy has it', () => held.size === 1);
  talk.socket.resetAndDestroy();
  await lastOf(front);
  await eventually('the other end is closed', () =>
    [...held].every(({ readableEnded, destroyed }) => readableEnded || destroyed),
  );
  assert.equal(
    front.plane.runtime.clusters.get('shop')!.hosts.map(({ active }) => active),
    [0],
  );
});

test('a refusal is read wherever it is cut, and nothing else is taken for one', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\w{1,40}$/), fc.nat(), (reason, at) => {
      const word = refusalOf(reason);
      assert.is(refusalIn(word), reason);
      assert.is(refusalIn(word.slice(0, 1 + (at % (word.length - 1)))), undefined);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
      assert.ok(/^-\w{1,40}\n$/.test(refusalOf(text)));
      if (!text.startsWith('-')) assert.is(refusalIn(text), false);
    }),
  );
  assert.is(refusalIn(`-${'x'.repeat(41)}`), false);
  assert.is(refusalIn('-\n'), false);
  assert.is(refusalOf('two\nlines'), '-unknown\n');
});

test('the identity of an endpoint is looked at before anything is sent to it', async () => {
  let heard = '';
  const options = { ...contextOptions(await credentialsOf('thief')), requestCert: true };
  await using thief = await serve(
    createTls({ ...options, ALPNProtocols: ['mesh-tcp-ack'] }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => (heard += chunk.toString()));
    }) as Server,
  );
  await using app = await echoing();
  await using up = await replica(app.port);
  await using front = await callerOf([thief.port, up.plane.inboundPort], OPAQUE);
  assert.is(await said(front), 'hello');
  assert.is(heard, '');
});

test('the only endpoint refuses: closed, and the log says why', async () => {
  await using front = await callerOf([NOBODY], { ...OPAQUE, meshed: false });
  assert.is(await exchange(front.plane.outboundPort, 'hello'), '');
  const { cause } = await lastOf(front);
  assert.match(cause ?? '', /^Connecting to 127\.0\.0\.1:1 of shop failed: nobody listens there \(ECONNREFUSED\)$/);
});

test.run();
