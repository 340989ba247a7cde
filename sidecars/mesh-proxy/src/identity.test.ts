/** Who may speak with whom: identities, their ends, and what is refused, counted and explained. */
import { createServer } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { echo } from '#proxy/testing/apps.ts';
import { connected, exchange, RawClient } from '#proxy/testing/raw-client.ts';
import type { Credentials } from '#mesh/model/identity.ts';
import type { Authorization } from '#mesh/model/authorization.ts';
import { credentialsOf, idOf, TestIdentity } from './testing/identities.ts';
import { configurationOf, SHOP, startPair, startPod, towards, type TestPod } from './testing/mesh.ts';
import { waitForProtocolTimeout } from './testing/silence.ts';

const GET = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n';
const ask = (pod: TestPod, text = GET): Promise<string> => exchange(pod.plane.outboundPort, text);

/** A caller with these credentials in front of a strict pod. */
async function call(
  credentials: Credentials,
): Promise<{ answer: string; client: TestPod; server: TestPod; asked: number }> {
  await using app = await serve(echo);
  await using server = await startPod('shop', { configuration: { inbound: { mtls: 'STRICT' } } });
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  await using client = await startPod('front', {
    identity: new TestIdentity(credentials),
    configuration: towards([server.plane.inboundPort]),
  });
  client.meant.outbound = SHOP;
  const answer = await ask(client);
  await eventually(
    'the other side has written it down',
    () => server.inbound.ends.length + server.inbound.relays.length > 0,
  );
  return { answer, client, server, asked: app.connections() };
}

test('who has an identity of the mesh comes in', async () => {
  const { answer, server, asked } = await call(await credentialsOf('front'));
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.is(asked, 1);
  assert.is(server.inbound.ends[0]?.record.connection.peer?.id.service, 'front');
});

for (const [what, credentials, reason] of [
  ['of another trust domain', () => credentialsOf('front', { trustDomain: 'evil.test' }), /trust domain evil\.test/],
  ['that has expired', () => credentialsOf('front', { from: -3, to: -1 }), /CERT_HAS_EXPIRED/],
  [
    'of another authority',
    async () => credentialsOf('front', { issuer: await certify({ subject: 'CN=other', ca: true }) }),
    /not accepted/,
  ],
  [
    'without an identity in it',
    async (): Promise<Credentials> => {
      const good = await credentialsOf('front');
      const { testCa } = await import('./testing/identities.ts');
      const plain = await certify({ names: ['front'], issuer: await testCa() });
      return { ...good, key: plain.key, chain: plain.cert };
    },
    /0 URIs/,
  ],
] as const)
  test(`a certificate ${what} is refused, counted and explained`, async () => {
    const { answer, server, asked } = await call(await credentials());
    assert.match(answer, /^HTTP\/1\.1 50[23] /);
    assert.is(asked, 0);
    assert.equal(server.inbound.refusals, ['mtls_handshake']);
    assert.match(server.inbound.relays[0]?.cause ?? '', reason);
    assert.equal(server.errors, []);
  });

test('without a certificate nobody comes in', async () => {
  await using app = await serve(echo);
  await using mesh = await startPair(app.port);
  const socket = connectTls({
    port: mesh.server.plane.inboundPort,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['mesh-http/1.1'],
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  const talk = new RawClient(socket);
  talk.send(GET);
  await talk.until(({ closed }) => closed, 30_000);
  assert.is(talk.text, '');
  assert.is(app.connections(), 0);
  assert.match(mesh.server.inbound.relays[0]?.cause ?? '', /not accepted/);
});

test('a stolen certificate is worth nothing without its key', async () => {
  const stolen = (await credentialsOf('front')).chain;
  const own = await certify({ subject: 'CN=thief' });
  assert.throws(
    () => connectTls({ port: 1, host: '127.0.0.1', cert: stolen, key: own.key }).on('error', () => {}),
    /key values mismatch/i,
  );
});

test('an endpoint that shows another identity than the service has gets nothing', async () => {
  await using app = await serve(echo);
  await using server = await startPod('impostor');
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  await using client = await startPod('front', { configuration: towards([server.plane.inboundPort]) });
  client.meant.outbound = SHOP;
  const answer = await ask(client);
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.match(answer, /did not show the identity that shop must have/);
  assert.is(app.connections(), 0);
});

test('an endpoint that should be meshed and speaks in the clear gets nothing', async () => {
  let requests = 0;
  await using app = await serve((_request, response) => {
    requests++;
    response.end();
  });
  await using front = await startPod('front', { configuration: towards([app.port]) });
  front.meant.outbound = SHOP;
  assert.match(await exchange(front.plane.outboundPort, GET), /^HTTP\/1\.1 503 /);
  assert.is(requests, 0);
  assert.ok(app.connections() > 0);
});

test('a certificate is renewed without an error, and open connections go on', async () => {
  await using app = await serve(echo);
  await using mesh = await startPair(app.port);
  const open = await connected(mesh.client.plane.outboundPort);
  const request = 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n';
  open.send(request);
  await open.until(({ text }) => text.split('HTTP/1.1 200').length === 2);
  for (let round = 0; round < 5; round++) {
    mesh.client.identity.set(await credentialsOf('front'));
    mesh.server.identity.set(await credentialsOf('shop'));
    open.send(request);
    await open.until(({ text }) => text.split('HTTP/1.1 200').length === round + 3);
    assert.match(await ask(mesh.client), /^HTTP\/1\.1 200 /);
  }
  open.socket.destroy();
  assert.equal([...mesh.client.errors, ...mesh.server.errors], []);
  assert.equal(mesh.server.inbound.refusals, []);
});

test('STRICT lets nothing in that comes in the clear; PERMISSIVE and DISABLE do', async () => {
  await using app = await serve(echo);
  for (const [mtls, expected] of [
    ['STRICT', /^HTTP\/1\.1 403 [^]*only mTLS of the mesh/],
    ['PERMISSIVE', /^HTTP\/1\.1 200 /],
    ['DISABLE', /^HTTP\/1\.1 200 /],
  ] as const) {
    await using server = await startPod('shop', { configuration: { inbound: { mtls } } });
    server.meant.inbound = { address: '127.0.0.1', port: app.port };
    assert.match(await exchange(server.plane.inboundPort, GET), expected, mtls);
  }
});

const FORGED =
  'GET / HTTP/1.1\r\nHost: shop\r\nX-Forwarded-Client-Cert: URI=spiffe://forged\r\nConnection: close\r\n\r\n';
/** What servers of Node, Python and others read as a request, or as the way to one. */
const DISGUISES = [
  '',
  '\r\n',
  '\n',
  '\r\n\r\n',
  '\n\r\n\n',
  '\r\n'.repeat(1000),
  ' ',
  '\t',
  '\0\r\n',
  'CONNECT shop:80 HTTP/1.1\r\nHost: shop\r\n\r\n',
  'NOTHING\r\n',
];

/** An application that is no HTTP server: it keeps the bytes that it gets. */
async function collector() {
  let text = '';
  const server = await serve(
    createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      socket.on('end', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    }),
  );
  return {
    port: server.port,
    get text() {
      return text;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('a port of HTTP carries nothing else: no disguise lets a caller say who it is', async () => {
  await using app = await collector();
  await using server = await startPod('shop', {
    configuration: { inbound: { mtls: 'PERMISSIVE', ports: [{ port: app.port, protocol: 'http' }] } },
  });
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  for (const disguise of DISGUISES) {
    const talk = await connected(server.plane.inboundPort);
    talk.send(disguise + FORGED);
    talk.socket.end();
    await talk.until(({ closed }) => closed);
    assert.not.match(app.text, /forged|CONNECT/, JSON.stringify(disguise.slice(0, 20)));
  }
  assert.is(server.inbound.relays.length, 0);
});

test('a port of HTTP carries nothing else by mTLS either', async () => {
  await using app = await collector();
  await using server = await startPod('shop', {
    configuration: { inbound: { mtls: 'STRICT', ports: [{ port: app.port, protocol: 'http' }] } },
  });
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  const { key, chain } = await credentialsOf('front');
  for (const alpn of ['mesh-tcp', 'mesh-tcp-ack']) {
    const socket = connectTls({
      port: server.plane.inboundPort,
      host: '127.0.0.1',
      key,
      cert: chain,
      rejectUnauthorized: false,
      ALPNProtocols: [alpn],
    });
    socket.on('error', () => {});
    const talk = new RawClient(socket);
    talk.send(FORGED);
    await talk.until(({ closed }) => closed);
    assert.is(app.text, '', alpn);
    assert.is(talk.text, alpn === 'mesh-tcp' ? '' : '-denied\n');
  }
  assert.match(String(server.inbound.relays.at(-1)?.cause), /carries HTTP alone/);
});

test('where any protocol is let in, requests behind empty lines and blanks are requests', async () => {
  await using app = await collector();
  await using server = await startPod('shop');
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  for (const disguise of ['', '\r\n', '\n', '\r\n\r\n', '\n\r\n\n', '\r\n'.repeat(1000), ' ', '\t']) {
    const talk = await connected(server.plane.inboundPort);
    talk.send(disguise + FORGED);
    talk.socket.end();
    await talk.until(({ closed }) => closed);
    assert.not.match(app.text, /forged/, JSON.stringify(disguise.slice(0, 20)));
  }
  assert.is(server.inbound.relays.length, 0);
});

test('PERMISSIVE waits for the hello of a caller that is late', async () => {
  await using app = await serve(echo);
  await using server = await startPod('shop', { configuration: { inbound: { mtls: 'PERMISSIVE' } } });
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  const { key, chain } = await credentialsOf('front');
  // On a busy machine it takes longer to make than the hello is waited for.
  const secureContext = createSecureContext({ key, cert: chain });
  let late: RawClient;
  await waitForProtocolTimeout(async () => (late = await connected(server.plane.inboundPort)));
  const socket = connectTls({
    socket: late!.socket,
    secureContext,
    rejectUnauthorized: false,
    ALPNProtocols: ['mesh-http/1.1'],
  });
  socket.on('error', () => {});
  const talk = new RawClient(socket);
  talk.send(GET);
  assert.match(await talk.until(({ closed }) => closed), /^HTTP\/1\.1 200 /);
  assert.is(server.inbound.ends[0]?.record.connection.peer?.id.text, idOf('front'));
});

test('STRICT holds for connections that were opened before it', async () => {
  await using app = await serve(echo);
  await using server = await startPod('shop', { configuration: { inbound: { mtls: 'PERMISSIVE' } } });
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  const talk = await connected(server.plane.inboundPort);
  const answered = async (expected: RegExp): Promise<void> => {
    talk.text = '';
    talk.send('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
    await talk.until(({ text }) => expected.test(text));
  };
  await answered(/^HTTP\/1\.1 200 /);
  server.plane.apply(configurationOf({ version: '2', inbound: { mtls: 'STRICT' } }));
  await answered(/^HTTP\/1\.1 403 [^]*only mTLS of the mesh/);
  talk.socket.destroy();
});

test('HTTP/2 in the clear is told so as well, and what is neither is closed', async () => {
  await using app = await serve(echo);
  await using server = await startPod('shop', { configuration: { inbound: { mtls: 'STRICT' } } });
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  const session = connectHttp2(`http://127.0.0.1:${server.plane.inboundPort}`);
  const stream = session.request({ ':path': '/' });
  const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
  assert.is(headers[':status'], 403);
  session.destroy();
  const talk = await connected(server.plane.inboundPort);
  talk.send('\u0000\u0001 not http');
  await talk.until(({ closed }) => closed, 30_000);
  talk.socket.destroy();
  assert.is(app.connections(), 0);
  assert.equal(server.inbound.refusals, ['plaintext', 'plaintext']);
});

const AUTHORIZATION: Authorization = {
  otherwise: 'deny',
  rules: [
    {
      name: 'front-reads',
      action: 'allow',
      identities: [{ exact: idOf('front') }],
      methods: ['GET'],
      paths: [{ prefix: '/public' }, { exact: '/' }],
    },
    { name: 'no-secrets', action: 'deny', paths: [{ prefix: '/public/secret' }] },
  ],
};

test('authorisation: by identity, method and path, path tricks included', async () => {
  await using app = await serve(echo);
  await using mesh = await startPair(app.port, {
    server: { inbound: { mtls: 'PERMISSIVE', authorization: AUTHORIZATION } },
  });
  const line = (method: string, path: string): string =>
    `${method} ${path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`;
  for (const [method, path, status] of [
    ['GET', '/', 200],
    ['GET', '/public/a?b=/admin', 200],
    ['POST', '/public/a', 403],
    ['GET', '/admin', 403],
    ['GET', '/public/secret', 403],
    ['GET', '/public/../admin', 403],
    ['GET', '/public/%2e%2e/admin', 403],
    ['GET', '/public//secret', 403],
    ['GET', '/public/./secret', 403],
    ['GET', '/public/%73ecret', 403],
    ['GET', '/public/secret;x=1', 403],
    ['GET', '/public/a;x/../secret', 403],
    ['GET', '/public%2fsecret', 403],
    ['GET', '/public/%252e%252e/admin', 403],
    ['GET', '/public/..%5cadmin', 403],
    ['GET', '/public/%zz', 403],
  ] as const) {
    const answer = await ask(mesh.client, line(method, path));
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), `${method} ${path}`);
    if (status === 403) assert.match(answer, new RegExp(`from ${idOf('front')} is refused`));
  }
  const plain = await exchange(mesh.server.plane.inboundPort, GET);
  assert.match(plain, /^HTTP\/1\.1 403 [^]*a caller without an identity/);
  assert.is(mesh.server.inbound.ends.at(-1)?.cause.flags.join(), 'UAEX');
});

test('authorisation: how an application might read a path, case and HEAD included', async () => {
  await using app = await serve(echo);
  const rules: Authorization['rules'] = [
    { name: 'no-office', action: 'deny', paths: [{ prefix: '/büro' }, { exact: '/a:b' }, { suffix: '.key' }] },
    { name: 'no-reading', action: 'deny', methods: ['GET'], paths: [{ exact: '/write-only' }] },
  ];
  await using mesh = await startPair(app.port, {
    server: { inbound: { mtls: 'PERMISSIVE', authorization: { otherwise: 'allow', rules } } },
  });
  for (const [method, path, status] of [
    ['GET', '/@scope%2fpackage', 200],
    ['GET', '/b%C3%BCro', 403],
    ['GET', '/b%c3%bcro/x', 403],
    ['GET', '/B%C3%9CRO', 403],
    ['GET', '/a%3Ab', 403],
    ['GET', '/a%3ab/', 403],
    ['GET', '/a%20b', 200],
    ['GET', '/x/tls.KEY', 403],
    ['GET', '/write-only', 403],
    ['HEAD', '/write-only', 403],
    ['POST', '/write-only', 200],
    ['GET', '/%zz', 403],
  ] as const) {
    const text = `${method} ${path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`;
    assert.match(await ask(mesh.client, text), `HTTP/1.1 ${status} `, `${method} ${path}`);
  }
});

test('authorisation: a path with two readings is refused only where a path decides', async () => {
  await using app = await serve(echo);
  const rules: Authorization['rules'] = [
    { name: 'front', action: 'allow', identities: [{ exact: idOf('front') }] },
    { name: 'not-here', action: 'deny', ports: [1], paths: [{ prefix: '/' }] },
  ];
  await using mesh = await startPair(app.port, {
    server: { inbound: { mtls: 'STRICT', authorization: { otherwise: 'deny', rules } } },
  });
  for (const path of ['/@scope%2fpackage', '/a%5cb', '/%25ab', '/%zz', '/a;b//c'])
    assert.match(
      await ask(mesh.client, `GET ${path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`),
      'HTTP/1.1 200 ',
      path,
    );
});

test('whose rules are for HTTP gets no other protocol in', async () => {
  await using app = await serve(echo);
  await using mesh = await startPair(app.port, {
    server: { inbound: { mtls: 'PERMISSIVE', authorization: AUTHORIZATION } },
  });
  const talk = await connected(mesh.client.plane.outboundPort);
  talk.send('\u0000\u0001\u0002 not http');
  await talk.until(({ closed }) => closed, 30_000);
  talk.socket.destroy();
  assert.is(talk.text, '');
  assert.is(app.connections(), 0);
});

test.run();
