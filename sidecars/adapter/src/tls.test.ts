/** The adapter and a database behind TLS: it speaks to the one that its authority knows, and to no other. */
import { once } from 'node:events';
import { createServer as createPlainServer, type AddressInfo, type Socket } from 'node:net';
import { createServer, TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { certify, type Signer } from '#kit/testing/certify.ts';
import { withDeadline } from './database.ts';
import { conversation as askMariadb } from './mariadb/client.ts';
import type { Server } from './server.ts';
import { conversation as askValkey } from './valkey/client.ts';

const test = suite('adapter with TLS');

const authority = await certify({ subject: 'CN=authority', ca: true });
const stranger = await certify({ subject: 'CN=stranger', ca: true });
const HERE = [
  { type: 'dns' as const, value: 'localhost' },
  { type: 'ip' as const, value: '127.0.0.1' },
];
const right = await certify({ subject: 'CN=database', altNames: HERE, issuer: authority });
const foreign = await certify({ subject: 'CN=database', altNames: HERE, issuer: stranger });
/** For a name that TLS falls back to where none was sent. */
const local = await certify({ subject: 'CN=localhost', names: ['localhost'], issuer: authority });
const misnamed = await certify({ subject: 'CN=database', names: ['other.test'], issuer: authority });
const stale = await certify({ subject: 'CN=database', altNames: HERE, issuer: authority, from: -20, to: -10 });

/** Bytes of a client's request for TLS. */
const SSL_REQUEST = 36;

/** What a conversation came to, and what the server could read of it. */
interface Told {
  readonly answer: string;
  readonly read: string;
}

/** Let a server listen for one conversation. */
async function told(
  listener: { listen(port: number, host: string): unknown; address(): unknown; close(): unknown },
  received: () => string,
  ask: (server: Server, signal: AbortSignal) => Promise<unknown>,
  host = 'localhost',
): Promise<Told> {
  listener.listen(0, '127.0.0.1');
  await once(listener as never, 'listening');
  const { port } = listener.address() as AddressInfo;
  const server = { host, port, user: 'watch', password: 'hunter2', ca: authority.cert };
  try {
    const answer = await withDeadline(60_000, (signal) => ask(server, signal));
    return { answer: String(answer), read: received() };
  } catch (error) {
    return { answer: (error as Error).message, read: received() };
  } finally {
    listener.close();
  }
}

/** Ask a valkey that has this certificate; undefined: one without TLS. */
async function valkey(certificate: Signer | undefined, host?: string): Promise<Told> {
  let read = '';
  const serve = (socket: Socket): void => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      read += chunk.toString('latin1');
      socket.write(read.endsWith('PING\r\n') ? '+PONG\r\n' : '+OK\r\n');
    });
  };
  const listener = certificate
    ? createServer({ cert: certificate.cert, key: certificate.key }, serve)
    : createPlainServer(serve);
  listener.on('tlsClientError', () => {});
  return await told(
    listener,
    () => read,
    (server, signal) => askValkey(server, signal, (ask) => ask([['PING']])),
    host,
  );
}

/** A greeting of protocol 10; https://mariadb.com/kb/en/connection/#initial-handshake-packet */
function greeting(tls: boolean): Buffer {
  // PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH; and SSL.
  const capabilities = 0x8_8200 | (tls ? 0x800 : 0);
  const body = Buffer.concat([
    Buffer.from('\x0a11.8.0-MariaDB\0\x01\0\0\0abcdefgh\0', 'latin1'),
    Buffer.from([capabilities & 0xff, (capabilities >> 8) & 0xff, 33, 2, 0, capabilities >> 16, 0, 21]),
    Buffer.alloc(10),
    Buffer.from('ijklmnopqrst\0mysql_native_password\0', 'latin1'),
  ]);
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
}

/** Ask a MariaDB that has this certificate and lets nobody in; undefined: one without TLS. */
async function mariadb(certificate: Signer | undefined, host?: string): Promise<Told> {
  let read = '';
  const refuse = (socket: Socket, number: number): void => {
    const body = Buffer.from('\xff\x15\x04#28000nobody comes in', 'latin1');
    socket.write(Buffer.concat([Buffer.from([body.length, 0, 0, number]), body]));
  };
  const listener = createPlainServer((socket) => {
    socket.on('error', () => {});
    socket.write(greeting(certificate !== undefined));
    if (certificate === undefined) {
      socket.once('data', (chunk: Buffer) => {
        read += chunk.toString('latin1');
        refuse(socket, 2);
      });
      return;
    }
    const upgrade = (): void => {
      // The request for TLS, which names nobody; what follows is TLS, and may have come already.
      if (socket.read(SSL_REQUEST) === null) return;
      socket.off('readable', upgrade);
      const secure = new TLSSocket(socket, { isServer: true, cert: certificate.cert, key: certificate.key });
      secure.on('error', () => {});
      secure.on('data', (more: Buffer) => {
        read += more.toString('latin1');
        refuse(secure, 3);
      });
    };
    socket.on('readable', upgrade);
  });
  return await told(
    listener,
    () => read,
    (server, signal) => askMariadb(server, signal, 1000, (query) => query('SELECT 1')),
    host,
  );
}

test('a database with a certificate of the authority is spoken to', async () => {
  const one = await valkey(right);
  assert.is(one.answer, 'PONG');
  assert.match(one.read, 'hunter2');
  const other = await mariadb(right);
  assert.is(other.answer, 'nobody comes in');
  assert.match(other.read, 'watch');
});

for (const [what, certificate, why] of [
  ['of another authority', foreign, /unable to verify|self-signed|issuer certificate/],
  ['for another name', misnamed, /does not match|not in the cert/],
  ['that has expired', stale, /expired/],
] as const)
  test(`one with a certificate ${what} hears neither user nor password`, async () => {
    for (const ask of [valkey, mariadb]) {
      const { answer, read } = await ask(certificate);
      // mysql2 knows of a failed handshake only that the connection has ended.
      assert.match(answer, ask === valkey ? why : /Connection lost/);
      assert.is(read, '', ask.name);
    }
  });

test('a database by its address has to have that address in its certificate', async () => {
  const [one, other] = [await valkey(right, '127.0.0.1'), await mariadb(right, '127.0.0.1')];
  assert.equal([one.answer, other.answer], ['PONG', 'nobody comes in']);
  for (const ask of [valkey, mariadb])
    for (const another of [misnamed, local]) {
      const { read } = await ask(another, '127.0.0.1');
      assert.is(read, '', ask.name);
    }
});

test('nor does one without TLS', async () => {
  for (const ask of [valkey, mariadb]) {
    const { answer, read } = await ask(undefined);
    assert.is.not(answer, 'PONG');
    assert.not.match(answer, 'nobody comes in');
    assert.not.match(read, /watch|hunter2/);
  }
});

test.run();
