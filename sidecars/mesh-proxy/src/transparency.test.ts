/** What an application says arrives as it was said, whatever it is, through two proxies and mTLS between them. */
import { once } from 'node:events';
import { createServer as createHttp, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { createServer as createTcp } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { echo } from '#proxy/testing/apps.ts';
import { connected, exchange } from '#proxy/testing/raw-client.ts';
import { grpcApplication } from './testing/grpc.ts';
import { idOf } from './testing/identities.ts';
import { SETTINGS, SHOP, startPair, startPod, towards } from './testing/mesh.ts';
import { waitForProtocolTimeout } from './testing/silence.ts';

for (const meshed of [true, false]) {
  const how = meshed ? 'mTLS' : 'the clear';

  test(`HTTP/1.1 and HTTP/1.0 by ${how}`, async () => {
    await using app = await serve(echo);
    await using mesh = await startPair(app.port, { client: { meshed } });
    const { outboundPort } = mesh.client.plane;
    const answer = await exchange(
      outboundPort,
      'POST /a?b=c HTTP/1.1\r\nHost: shop:8080\r\nX-Own: 1\r\nX_Forwarded_Client_Cert: forged\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody',
    );
    assert.match(answer, /^HTTP\/1\.1 200 /);
    const [, json = ''] = answer.split('\r\n\r\n', 2);
    const seen = JSON.parse(json.slice(json.indexOf('{'), json.lastIndexOf('}') + 1)) as {
      method: string;
      url: string;
      body: string;
      headers: Record<string, string>;
    };
    assert.is(seen.method, 'POST');
    assert.is(seen.url, '/a?b=c');
    assert.is(seen.body, 'body');
    assert.is(seen.headers['host'], 'shop:8080');
    assert.is(seen.headers['x-own'], '1');
    if (meshed) assert.match(seen.headers['x-forwarded-client-cert'] ?? '', `URI=${idOf('front')}`);
    else assert.is(seen.headers['x-forwarded-client-cert'], undefined);
    assert.is(seen.headers['x_forwarded_client_cert'], undefined, 'CGI would take it for who called');
    const old = await exchange(outboundPort, 'GET /old HTTP/1.0\r\n\r\n');
    assert.match(old, /^HTTP\/1\.1 200 /);
    assert.match(old, /"url":"\/old"/);
    assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
    assert.is(mesh.server.inbound.ends[0]?.record.connection.peer?.id.text, meshed ? idOf('front') : undefined);
  });

  test(`HTTP/2 with trailers by ${how}`, async () => {
    await using app = await serve(grpcApplication(({ httpVersion, url }) => `${httpVersion} ${url}`));
    await using mesh = await startPair(app.port, { client: { meshed } });
    const session = connectHttp2(`http://127.0.0.1:${mesh.client.plane.outboundPort}`);
    try {
      for (let round = 0; round < 3; round++) {
        const stream = session.request({ ':path': `/shop/${round}`, ':method': 'POST', te: 'trailers' });
        let body = '';
        let trailers: Record<string, unknown> = {};
        stream.setEncoding('utf8');
        stream.on('data', (chunk: string) => (body += chunk));
        stream.on('trailers', (fields) => (trailers = fields));
        stream.end('hello');
        await once(stream, 'end');
        assert.is(body, `2.0 /shop/${round}`);
        assert.is(trailers['grpc-status'], '0');
      }
      assert.is(app.connections(), 1);
    } finally {
      session.close();
    }
    assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
  });

  test(`a server that speaks first, by ${how}`, async () => {
    await using app = await serve(
      createTcp((socket) => {
        socket.write('220 welcome\r\n');
        socket.on('data', (chunk) => socket.write(`got ${chunk.toString()}`));
      }),
    );
    await using mesh = await startPair(app.port, { client: { meshed } });
    const talk = await connected(mesh.client.plane.outboundPort);
    await talk.until(({ text }) => text === '220 welcome\r\n');
    talk.send('HELO x\r\n');
    await talk.until(({ text }) => text.endsWith('got HELO x\r\n'));
    talk.socket.destroy();
    await eventually('the connection is written down', () => mesh.client.outbound.relays.length === 1);
    const [end] = mesh.client.outbound.relays;
    assert.is(end?.received, 8);
    assert.is(end?.sent, 25);
    assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
  });

  test(`a WebSocket's upgrade by ${how}`, async () => {
    await using app = await serve(
      createHttp().on('upgrade', (_request, socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
        socket.on('data', (chunk: Buffer) => socket.write(`echo ${chunk.toString()}`));
      }),
    );
    await using mesh = await startPair(app.port, { client: { meshed } });
    const talk = await connected(mesh.client.plane.outboundPort);
    talk.send('GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    await talk.until(({ text }) => text.includes('101 Switching'));
    talk.send('ping');
    await talk.until(({ text }) => text.endsWith('echo ping'));
    talk.socket.destroy();
    assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
  });
}

test('CONNECT and what is wrong with it is between the applications: the connection is theirs', async () => {
  await using app = await serve(
    createHttp().on('connect', (request_, socket) => {
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.write(`HTTP/1.1 200 ${request_.url} ${String(request_.headers['x-own'])}\r\n\r\n`);
      socket.on('data', (chunk: Buffer) => socket.write(`echo ${chunk.toString()}`));
    }),
  );
  await using mesh = await startPair(app.port);
  const talk = await connected(mesh.client.plane.outboundPort);
  talk.send('CONNECT far.test:443 HTTP/1.1\r\nHost: far.test:443\r\nX-Own: 1\r\n\r\n');
  await talk.until(({ text }) => text === 'HTTP/1.1 200 far.test:443 1\r\n\r\n');
  talk.send('ping');
  await talk.until(({ text }) => text.endsWith('echo ping'));
  talk.socket.destroy();
  const bad = await exchange(mesh.client.plane.outboundPort, 'CONNECT far.test:443 HTTP/9.9\r\n\r\n');
  assert.match(bad, /^HTTP\/1\.1 400 /);
  await eventually('both were passed on', () => mesh.server.inbound.relays.length === 2);
  assert.is(mesh.server.inbound.relays[0]?.connection.peer?.id.text, idOf('front'));
  assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
});

test('an absolute target counts for more than Host, for routes, too', async () => {
  await using app = await serve(echo);
  await using one = await startPod('shop');
  one.meant.inbound = { address: '127.0.0.1', port: app.port };
  const { outbound, clusters } = towards([one.plane.inboundPort]);
  const [listener] = outbound!.listeners;
  const [host] = listener!.virtualHosts!;
  const listeners = [{ ...listener!, virtualHosts: [{ ...host!, domains: ['shop'] }] }];
  await using front = await startPod('front', {
    configuration: { clusters: clusters!, outbound: { unknown: 'REGISTRY_ONLY', listeners } },
  });
  front.meant.outbound = SHOP;
  const ask = (target: string, name: string): Promise<string> =>
    exchange(front.plane.outboundPort, `GET ${target} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
  const answer = await ask('http://shop/a?b', 'other');
  assert.match(answer, /^HTTP\/1\.1 200 [^]*"url":"\/a\?b"/);
  assert.match(answer, /"host":"shop"/);
  assert.match(await ask('http://other/a', 'shop'), /^HTTP\/1\.1 502 [^]*other on port 8080 is not known/);
});

test('a Host that the mesh does not know: the endpoint that was meant is reached, by mTLS', async () => {
  await using app = await serve(echo);
  const strict = { configuration: { inbound: { mtls: 'STRICT' as const } } };
  await using one = await startPod('shop', strict);
  await using other = await startPod('shop', strict);
  one.meant.inbound = other.meant.inbound = { address: '127.0.0.1', port: app.port };
  const { outbound, clusters } = towards([one.plane.inboundPort, other.plane.inboundPort]);
  const [listener] = outbound!.listeners;
  const [host] = listener!.virtualHosts!;
  for (const unknown of ['ALLOW_ANY', 'REGISTRY_ONLY'] as const) {
    const listeners = [one, other].map(({ plane }) => ({
      ...listener!,
      port: plane.inboundPort,
      virtualHosts: [{ ...host!, domains: ['shop'] }],
    }));
    await using front = await startPod('front', {
      configuration: { clusters: clusters!, outbound: { unknown, listeners } },
    });
    for (const meant of [one, other]) {
      front.meant.outbound = { address: '127.0.0.1', port: meant.plane.inboundPort };
      for (const fields of ['1.1\r\nHost: www.example', '1.1\r\nHost: 127.0.0.1', '1.0']) {
        const before = meant.inbound.ends.length;
        const text = `GET /a HTTP/${fields}\r\nConnection: close\r\n\r\n`;
        assert.match(await exchange(front.plane.outboundPort, text), /^HTTP\/1\.1 200 /, fields);
        await eventually('the endpoint that was meant has it', () => meant.inbound.ends.length === before + 1);
        assert.is(meant.inbound.ends.at(-1)!.record.connection.peer?.id.text, idOf('front'));
        assert.is(front.outbound.ends.at(-1)!.record.cluster?.name, 'shop');
      }
    }
  }
});

test('a port that no service names is reached by mTLS at a pod of the mesh', async () => {
  await using http = await serve(echo);
  await using opaque = await serve(createTcp((socket) => void socket.end('220 welcome')));
  await using shop = await startPod('shop', { configuration: { inbound: { mtls: 'STRICT' } } });
  const service = { name: 'shop', namespace: 'default', host: 'shop' };
  const { clusters } = towards([1], { cluster: { service } });
  for (const [named, status] of [
    [clusters!, 200],
    // One that is reached in the clear on a port of its own is no member on the others.
    [[...clusters!, { name: 'clear', endpoints: [{ address: '127.0.0.1', port: 2, meshed: false }] }], 403],
  ] as const) {
    await using front = await startPod('front', { configuration: { clusters: named } });
    front.meant.outbound = { address: '127.0.0.1', port: shop.plane.inboundPort };
    shop.meant.inbound = { address: '127.0.0.1', port: http.port };
    assert.match(
      await exchange(front.plane.outboundPort, 'GET / HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\r\n'),
      `HTTP/1.1 ${status} `,
    );
    if (status !== 200) continue;
    assert.is(shop.inbound.ends.at(-1)!.record.connection.peer?.id.text, idOf('front'));
    assert.equal(front.outbound.ends.at(-1)!.record.cluster?.model.service, service);
    shop.meant.inbound = { address: '127.0.0.1', port: opaque.port };
    const talk = await connected(front.plane.outboundPort);
    await talk.until(({ text }) => text === '220 welcome');
    talk.socket.destroy();
  }
});

test('a large body keeps its bytes, both ways', async () => {
  const body = Buffer.alloc(3 * 1024 * 1024, 'abcdefghij');
  await using app = await serve((incoming, response) => void incoming.pipe(response));
  await using mesh = await startPair(app.port);
  const sent = request({ port: mesh.client.plane.outboundPort, method: 'POST', path: '/', host: '127.0.0.1' });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer>];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  assert.ok(Buffer.concat(parts).equals(body));
});

test('a process that is late itself does not take a request for silence', async () => {
  await using app = await serve(echo);
  await using mesh = await startPair(app.port, { client: { meshed: false } });
  const talk = await connected(mesh.client.plane.outboundPort);
  await eventually('the proxy has it', () => mesh.client.outbound.stats.open === 1);
  talk.send('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
  // The request is on its way, and nobody reads for longer than silence is waited for.
  const until = performance.now() + 300;
  while (performance.now() < until);
  await talk.until(({ text }) => text.includes('200 OK'), 30_000);
  talk.socket.destroy();
  await eventually('it was a request', () => mesh.client.outbound.ends.length === 1);
  assert.equal(mesh.client.outbound.relays, []);
});

test('connections between proxies serve many requests', async () => {
  await using app = await serve(echo);
  await using mesh = await startPair(app.port);
  for (let round = 0; round < 5; round++)
    await exchange(mesh.client.plane.outboundPort, 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
  assert.is(app.connections(), 1);
  assert.is(mesh.server.inbound.stats.open, 1);
});

test('after 100 ms of silence an outbound connection is passed on, an inbound one later', async () => {
  let connections = 0;
  await using app = await serve(createTcp((socket) => void socket.end(`number ${++connections}`)));
  const configuration = towards([app.port], { meshed: false });
  await using pod = await startPod('front', { configuration: { ...configuration, inbound: { mtls: 'PERMISSIVE' } } });
  pod.meant.outbound = SHOP;
  pod.meant.inbound = { address: '127.0.0.1', port: app.port };
  const inbound = await connected(pod.plane.inboundPort);
  const outbound = await connected(pod.plane.outboundPort);
  // By their order, and not by a clock: the one that was opened first is passed on last.
  await outbound.until(({ text }) => text === 'number 1');
  await inbound.until(({ text }) => text === 'number 2');
  inbound.socket.destroy();
  outbound.socket.destroy();
});

test('a client that is slow to speak is not passed on in the clear where HTTP is spoken', async () => {
  await using app = await serve(echo);
  await using mesh = await startPair(app.port, { client: { protocol: 'http', addresses: [SHOP.address] } });
  const talk = await connected(mesh.client.plane.outboundPort);
  await waitForProtocolTimeout();
  talk.send('GET / HTTP/1.1\r\nHost: shop:8080\r\nConnection: close\r\n\r\n');
  assert.match(await talk.until(({ closed }) => closed), /^HTTP\/1\.1 200 /);
  talk.socket.destroy();
  assert.is(mesh.client.outbound.ends.length, 1, 'it was a request');
  assert.is(mesh.server.inbound.ends[0]?.record.connection.peer?.id.text, idOf('front'));
});

test('a host outside speaks first on a port that is HTTP in the mesh', async () => {
  await using outside = await serve(createTcp((socket) => void socket.end('220 welcome')));
  const { outbound, clusters } = towards([], {
    protocol: 'http',
    cluster: { endpoints: [{ address: SHOP.address, port: 1, meshed: true }] },
  });
  const [listener] = outbound!.listeners;
  await using pod = await startPod('front', {
    configuration: {
      clusters: clusters!,
      outbound: { unknown: 'ALLOW_ANY', listeners: [{ ...listener!, port: outside.port, tcp: undefined as never }] },
    },
    plane: { settings: { ...SETTINGS, headerTimeout: 3_600_000 } },
  });
  pod.meant.outbound = { address: '127.0.0.1', port: outside.port };
  const talk = await connected(pod.plane.outboundPort);
  await talk.until(({ text }) => text === '220 welcome');
  talk.socket.destroy();
});

const RESPONSES: readonly (readonly [what: string, request: string, answer: string, seen: string])[] = [
  [
    '204 with Content-Length: 0',
    'GET / HTTP/1.1',
    '204 No Content\r\nContent-Length: 0\r\n\r\n',
    '204 No Content\r\n\r\n',
  ],
  [
    'a body that the end delimits',
    'GET / HTTP/1.1',
    '200 OK\r\n\r\nbody',
    '200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
  ],
  ['the same for HTTP/1.0', 'GET / HTTP/1.0', '200 OK\r\n\r\nbody', '200 OK\r\n\r\nbody'],
  [
    'chunks for HTTP/1.0',
    'GET / HTTP/1.0',
    '200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
    '200 OK\r\n\r\nbody',
  ],
  [
    'a final answer to Expect',
    'POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4',
    '417 Expectation Failed\r\nContent-Length: 0\r\n\r\n',
    '417 Expectation Failed\r\nContent-Length: 0\r\n\r\n',
  ],
];

test('HTTP/1 arrives as the README says where it is not what was sent', async () => {
  for (const [what, text, answer, seen] of RESPONSES) {
    let asked = '';
    await using app = await serve(
      createTcp((socket) => {
        socket.on('error', () => {});
        socket.on('data', (chunk: Buffer) => {
          asked += chunk.toString();
          if (asked.endsWith('\r\n\r\n')) socket.end(`HTTP/1.1 ${answer}`);
        });
      }),
    );
    await using mesh = await startPair(app.port);
    const got = await exchange(mesh.client.plane.outboundPort, `${text}\r\nHost: shop\r\nConnection: close\r\n\r\n`);
    assert.is(got.replace(/Connection: close\r\n/, ''), `HTTP/1.1 ${seen}`, what);
    assert.match(asked, / HTTP\/1\.1\r\n/);
    assert.is(asked.includes('Expect: 100-continue'), text.includes('Expect'), what);
  }
});

test.run();
