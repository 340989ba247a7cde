/** Handshakes, certificates, client certificates, limits, and the end. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectHttp2 } from 'node:http2';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { listening } from '#kit/testing/server.ts';
import { authority, dial, FixedStore, rawApp, start, RawClient } from './test-plane.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const directory = mkdtempSync(join(tmpdir(), 'tls-listener-'));
test.after(() => rmSync(directory, { recursive: true }));
const clientCa = join(directory, 'ca.crt');
writeFileSync(clientCa, authority.cert);

const echo = createServer((incoming, response) => response.end(JSON.stringify(incoming.headers)));
const echoPort = await listening(echo);
test.after(() => {
  echo.close();
  echo.closeAllConnections();
});

test('a rotated certificate is for new connections; old ones live on', async () => {
  const store = new FixedStore();
  const running = await start(echoPort, {}, store);
  const old = new RawClient(await dial(running.port));
  const next = await certify({ subject: 'CN=next', names: ['localhost'], issuer: authority });
  store.rotate(next);
  const fresh = await dial(running.port);
  assert.is(fresh.getPeerCertificate().subject.CN, 'next');
  old.send(GET);
  assert.match(await old.until(({ text }) => text.includes('}')), 'HTTP/1.1 200 OK');
  assert.is(old.socket.getPeerCertificate().subject.CN, 'localhost');
  fresh.destroy();
  old.socket.destroy();
  await running.stop();
});

test('keys are exchanged by X25519MLKEM768, and as before with clients that do not know it', async () => {
  const running = await start(echoPort);
  const agreed = async (options: object): Promise<string | undefined> => {
    const socket = await dial(running.port, options);
    const { name } = socket.getEphemeralKeyInfo() as { name?: string };
    socket.destroy();
    return name;
  };
  try {
    assert.is(await agreed({}), 'X25519MLKEM768');
    // The server's preference counts.
    assert.is(await agreed({ ecdhCurve: 'X25519:X25519MLKEM768' }), 'X25519MLKEM768');
    assert.is(await agreed({ ecdhCurve: 'X25519' }), 'X25519');
    assert.is(await agreed({ maxVersion: 'TLSv1.2' }), 'X25519');
  } finally {
    await running.stop();
  }
});

test('with a client CA, who shows no good certificate gets nothing from the application', async () => {
  const running = await start(echoPort, { TLS_CLIENT_CA: clientCa, TLS_CLIENT_ALLOW_CN: 'friend*' });
  const stranger = await certify({ subject: 'CN=friend' });
  const known = await certify({ subject: 'CN=foe', issuer: authority });
  const friend = await certify({ subject: 'CN=friend-1', issuer: authority });
  for (const identity of [undefined, stranger, known]) {
    const talk = new RawClient(await dial(running.port, identity && { cert: identity.cert, key: identity.key }));
    talk.send(GET);
    assert.match(await talk.until(({ closed }) => closed), /^HTTP\/1\.1 403 Forbidden\r\n/);
    talk.socket.destroy();
  }
  const talk = new RawClient(await dial(running.port, { cert: friend.cert, key: friend.key }));
  talk.send('GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Client-Cert: lie\r\n\r\n');
  assert.match(
    await talk.until(({ text }) => text.includes('}')),
    /"x-forwarded-client-cert":"Hash=[0-9a-f]{64};Subject=\\"CN=friend-1\\""/,
  );
  talk.socket.destroy();
  assert.match(
    await running.metrics(),
    /refused_total\{reason="client_certificate"\} 2\n.*refused_total\{reason="client_identity"\} 1/,
  );
  await running.stop();
});

test('a client that must show a certificate shows it on every connection', async () => {
  const running = await start(echoPort, { TLS_CLIENT_CA: clientCa });
  const friend = await certify({ subject: 'CN=friend', issuer: authority });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await dial(running.port, { cert: friend.cert, key: friend.key, maxVersion });
    let session: Buffer | undefined;
    first.on('session', (ticket) => (session = ticket));
    const talk = new RawClient(first);
    talk.send(GET);
    await talk.until(({ text }) => text.includes('}'));
    first.destroy();
    const second = await dial(running.port, { maxVersion, ...(session && { session }) });
    assert.is(second.isSessionReused(), false, maxVersion);
    second.destroy();
  }
  await running.stop();
});

test('a handshake that does not end is ended, and hinders nobody', async () => {
  const running = await start(echoPort, { TLS_HANDSHAKE_TIMEOUT: '3s' });
  const idle = connectPlain(running.port, '127.0.0.1');
  idle.on('error', () => {});
  await once(idle, 'connect');
  const talk = new RawClient(await dial(running.port));
  talk.send(GET);
  await talk.until(({ text }) => text.includes('}'));
  idle.resume();
  await once(idle, 'close');
  talk.socket.destroy();
  assert.match(await running.metrics(), 'handshake_errors_total{reason="ERR_TLS_HANDSHAKE_TIMEOUT"} 1');
  await running.stop();
});

test('a connection that is closed before its handshake ends is gone at once, and so is its place', async () => {
  const running = await start(echoPort, { TLS_MAX_CONNECTIONS: '1', TLS_HANDSHAKE_TIMEOUT: '60s' });
  // What a load balancer's probe sends, and a client that goes away in the middle of its first message.
  for (const bytes of ['', '\x16\x03\x01\x02\x00\x01']) {
    const gone = connectPlain({ port: running.port, host: '127.0.0.1', allowHalfOpen: true });
    gone.on('error', () => {});
    gone.resume();
    const begun = performance.now();
    gone.end(bytes, 'latin1');
    await once(gone, 'end');
    assert.is(performance.now() - begun < 30_000, true, 'closed long before TLS_HANDSHAKE_TIMEOUT');
    gone.destroy();
    const talk = new RawClient(await dial(running.port));
    talk.send(GET);
    await talk.until(({ text }) => text.includes('}'));
    talk.socket.destroy();
    await eventually('room', async () => /connections_open 0/.test(await running.metrics()));
  }
  await running.stop();
});

test('a handshake that never begins does not hold up the end', async () => {
  const running = await start(echoPort, { TLS_HANDSHAKE_TIMEOUT: '60s' });
  const idle = connectPlain(running.port, '127.0.0.1');
  idle.on('error', () => {});
  idle.resume();
  await once(idle, 'connect');
  const talk = new RawClient(await dial(running.port));
  talk.send(GET);
  await talk.until(({ text }) => text.includes('}'));
  talk.socket.destroy();
  const begun = performance.now();
  await running.plane.drain(60_000);
  assert.is(performance.now() - begun < 30_000, true, 'not for TLS_HANDSHAKE_TIMEOUT');
});

test('the client may close its side of TLS while it still reads, as before', async () => {
  const app = await rawApp((socket) => {
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('end', () => socket.end(text.toUpperCase()));
  });
  const running = await start(app.port, { TLS_MODE: 'tcp' });
  const talk = new RawClient(await dial(running.port, { allowHalfOpen: true } as never));
  talk.socket.end('whole');
  assert.is(await talk.until(({ closed }) => closed), 'WHOLE');
  await running.stop();
  app.close();
});

test('who speaks plain HTTP to the TLS port is told so', async () => {
  const running = await start(echoPort);
  for (const method of ['GET', 'POST', 'CONNECT', 'OPTIONS', 'M-SEARCH']) {
    const plain = connectPlain(running.port, '127.0.0.1');
    plain.on('error', () => {});
    plain.write(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    let text = '';
    plain.on('data', (chunk) => (text += String(chunk)));
    await once(plain, 'close');
    assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n[^]*Connection: close\r\n[^]*This port speaks HTTPS/, method);
  }
  const metrics = await running.metrics();
  assert.match(metrics, 'refused_total{reason="not_tls"} 5');
  await running.stop();
  const tunnel = await start(echoPort, { TLS_MODE: 'tcp' });
  const plain = connectPlain(tunnel.port, '127.0.0.1');
  plain.on('error', () => {});
  plain.write(GET);
  let text = '';
  plain.on('data', (chunk) => (text += String(chunk)));
  await once(plain, 'close');
  assert.is(text, '', 'another protocol is expected here');
  await tunnel.stop();
});

test('connections beyond the limit are closed, and counted', async () => {
  const running = await start(echoPort, { TLS_MAX_CONNECTIONS: '2' });
  const first = await dial(running.port);
  const second = await dial(running.port);
  const third = connectPlain(running.port, '127.0.0.1');
  third.on('error', () => {});
  third.resume();
  await once(third, 'close');
  assert.match(await running.metrics(), 'refused_total{reason="max_connections"} 1');
  first.destroy();
  await eventually('room', async () => /connections_open 1/.test(await running.metrics()));
  const fourth = await dial(running.port);
  for (const socket of [second, fourth]) socket.destroy();
  await running.stop();
});

test('at the end what was begun is finished, told so, and nothing else is let in', async () => {
  const held: (() => void)[] = [];
  const app = await rawApp((socket) =>
    socket.on('data', () => held.push(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))),
  );
  const running = await start(app.port);
  const busy = new RawClient(await dial(running.port, { ALPNProtocols: ['http/1.1'] }));
  const idle = new RawClient(await dial(running.port, { ALPNProtocols: ['http/1.1'] }));
  const late = new RawClient(await dial(running.port, { ALPNProtocols: ['http/1.1'] }));
  busy.send(GET);
  const session = connectHttp2(`https://localhost:${running.port}`, {
    ca: authority.cert,
    lookup: (_h, _o, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }] as never, 4),
  });
  let goaway = 0;
  session.on('goaway', () => goaway++);
  const stream = session.request();
  await eventually('two requests', () => held.length === 2);
  const drained = running.plane.drain(10_000);
  late.send(GET);
  await eventually('a request that was on its way', () => held.length === 3 && goaway > 0);
  for (const answer of held) answer();
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.is(headers[':status'], 200);
  stream.resume();
  for (const talk of [busy, late])
    assert.is(
      await talk.until(({ closed }) => closed),
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    );
  assert.is(await idle.until(({ closed }) => closed), '');
  await drained;
  const refused = connectPlain(running.port, '127.0.0.1');
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  assert.is(error.code, 'ECONNREFUSED');
  session.destroy();
  app.close();
});

test('what does not end is cut when patience does', async () => {
  const app = await rawApp((socket) => socket.resume());
  const running = await start(app.port);
  const talk = new RawClient(await dial(running.port));
  talk.send(GET);
  await eventually('a request', async () => /in_flight 1/.test(await running.metrics()));
  const begun = performance.now();
  await running.plane.drain(300);
  assert.is(performance.now() - begun < 30_000, true);
  await talk.until(({ closed }) => closed);
  app.close();
});

test('stopping under load loses no request that had begun', async () => {
  const app = createServer((_incoming, response) => setTimeout(() => response.end('ok'), 5));
  const running = await start(await listening(app));
  let stopping = false;
  let answered = 0;
  const lost: string[] = [];
  const visitor = async (): Promise<void> => {
    for (;;) {
      const talk = new RawClient(
        await dial(running.port, { ALPNProtocols: ['http/1.1'] }).catch(() => Promise.reject(new Error('refused'))),
      );
      while (!talk.closed) {
        const before = talk.text.length;
        talk.send(GET);
        await talk.until(({ text, closed }) => closed || text.endsWith('ok'));
        if (talk.text.length === before) lost.push(talk.text.slice(-200));
        else answered++;
        if (talk.text.includes('Connection: close')) break;
        talk.text = '';
      }
      talk.socket.destroy();
      if (stopping) return;
    }
  };
  const visitors = Array.from({ length: 16 }, () => visitor());
  await eventually('load', () => answered > 300);
  stopping = true;
  await running.plane.drain(5000);
  await Promise.all(visitors);
  assert.equal(lost, []);
  app.close();
  app.closeAllConnections();
});

test.run();
