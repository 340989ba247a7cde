import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { connect, createServer, type ConnectionOptions } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import type { CertificateStore } from './store.ts';
import { certify, type Signer } from '#kit/testing/certify.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { openStore, seenSerial, serialOf, serve } from './test-store.ts';

const main = await certify({ names: ['main.example'] });
const shop = await certify({ names: ['Shop.Example', '*.shop.example', 'both.example'] });
const blog = await certify({ names: ['blog.example', 'admin.shop.example', 'both.example'] });

function write(directory: string, name: string, { cert, key }: Pick<Signer, 'cert' | 'key'>): void {
  writeFileSync(join(directory, `${name}.crt`), cert);
  writeFileSync(join(directory, `${name}.key`), key, { mode: 0o600 });
}

async function problems(env: Record<string, string>): Promise<string[]> {
  try {
    (await openStore(env)).store.close();
  } catch (error) {
    assert.instance(error, ConfigurationError);
    return (error as ConfigurationError).problems.map(({ message }) => message);
  }
  throw new Error('it was accepted');
}

test('both layouts are read, and a client gets the certificate of the name that it asks for', async () => {
  const directory = temporaryDirectory('certificates');
  write(directory, 'tls', main);
  mkdirSync(join(directory, 'shop.example'));
  writeFileSync(join(directory, 'shop.example', 'fullchain.pem'), shop.cert);
  writeFileSync(join(directory, 'shop.example', 'privkey.pem'), shop.key);
  mkdirSync(join(directory, 'blog'));
  write(join(directory, 'blog'), 'tls', blog);
  writeFileSync(join(directory, 'ca.crt'), main.cert);
  const { store, lines } = await openStore({ TLS_CERT_DIR: directory });
  const server = await serve(store);
  const expected: [string | undefined, Signer][] = [
    [undefined, main],
    ['main.example', main],
    ['SHOP.example', shop],
    ['any.shop.example', shop],
    ['admin.shop.example', blog],
    ['two.labels.shop.example', main],
    ['blog.example', blog],
    ['unknown.example', main],
    ['both.example', blog],
  ];
  for (const [name, { cert }] of expected) assert.is(await seenSerial(server, name), serialOf(cert), String(name));
  assert.is(store.contextFor('shop.example.'), store.contextFor('shop.example'));
  assert.is(store.contextFor('127.0.0.1'), store.default.context);
  assert.ok(store.needsServerName);
  assert.is(store.developmentCa, undefined);
  assert.equal(
    lines.map((line) => line.replaceAll(directory, '')),
    ['warn both.example is in /blog/tls.crt and in /shop.example/fullchain.pem: the first is served'],
  );
  store.close();
  server.close();
});

test('with TLS_UNKNOWN_NAME=refuse a client that names an unknown server ends in the handshake', async () => {
  const directory = temporaryDirectory('certificates');
  write(directory, 'tls', shop);
  const { store } = await openStore({ TLS_CERT_DIR: directory, TLS_UNKNOWN_NAME: 'refuse' });
  const server = await serve(store);
  assert.ok(store.needsServerName);
  assert.is(await seenSerial(server, 'a.shop.example'), serialOf(shop.cert));
  assert.is(store.contextFor('127.0.0.1'), store.default.context);
  assert.is(await seenSerial(server), serialOf(shop.cert));
  let error: unknown;
  await seenSerial(server, 'unknown.example').catch((reason: unknown) => (error = reason));
  assert.instance(error, Error);
  store.close();
  server.close();
});

test('a single certificate needs no look at names', async () => {
  const directory = temporaryDirectory('certificates');
  write(directory, 'site', main);
  const { store, notAfter } = await openStore({ TLS_CERT_DIR: directory, TLS_CERT_NAME: 'site' });
  assert.not(store.needsServerName);
  assert.is(store.default.name, 'site');
  assert.equal(await notAfter(), { site: Math.floor(Date.parse(main.certificate.notAfter.toISOString()) / 1000) });
  store.close();
});

test('everything that is wrong at start is said in one go, each with its file', async () => {
  const directory = temporaryDirectory('certificates');
  write(directory, 'tls', { cert: main.cert, key: shop.key });
  write(directory, 'old', await certify({ from: -9, to: -1 }));
  const found = await problems({ TLS_CERT_DIR: directory });
  assert.is(found.length, 2);
  assert.match(found[0]!, `TLS_CERT_DIR: ${directory}/old.crt has expired`);
  assert.match(found[1]!, `TLS_CERT_DIR: ${directory}/tls.key is not the key of ${directory}/tls.crt; accepted is`);
});

test('a missing default names what is there', async () => {
  const directory = temporaryDirectory('certificates');
  writeFileSync(join(directory, 'tls.crt'), main.cert);
  assert.equal(await problems({ TLS_CERT_DIR: directory }), [
    `TLS_CERT_NAME: ${directory} holds no certificate tls (tls.crt with tls.key, or tls/fullchain.pem with tls/privkey.pem); accepted is the name of a certificate in TLS_CERT_DIR`,
  ]);
  write(directory, 'shop', shop);
  assert.match((await problems({ TLS_CERT_DIR: directory }))[0]!, /accepted is a certificate that is there: shop$/);
});

test('what cannot be read is said with its path and the reason', async () => {
  const directory = temporaryDirectory('certificates');
  assert.match(
    (await problems({ TLS_CERT_DIR: join(directory, 'none') }))[0]!,
    /^TLS_CERT_DIR: .*\/none cannot be read \(ENOENT\); accepted is a directory/,
  );
  writeFileSync(join(directory, 'tls.crt'), main.cert);
  assert.match((await problems({ TLS_CERT_DIR: join(directory, 'tls.crt') }))[0]!, /cannot be read \(ENOTDIR\)/);
  symlinkSync(join(directory, 'gone'), join(directory, 'tls.key'));
  assert.match((await problems({ TLS_CERT_DIR: directory }))[0]!, /tls\.key cannot be read \(ENOENT\)/);
  write(directory, 'big', { cert: main.cert, key: 'x'.repeat(1024 * 1024 + 1) });
  assert.match((await problems({ TLS_CERT_DIR: directory, TLS_CERT_NAME: 'big' }))[0]!, /big\.key has 1048577 bytes/);
});

test('a pipe in place of a key is refused and not waited for', async () => {
  const directory = temporaryDirectory('certificates');
  writeFileSync(join(directory, 'tls.crt'), main.cert);
  execFileSync('mkfifo', [join(directory, 'tls.key')]);
  assert.match((await problems({ TLS_CERT_DIR: directory }))[0]!, /tls\.key is not a file/);
});

test('a key of another user is refused with the user that must read it', async () => {
  const directory = temporaryDirectory('certificates');
  write(directory, 'tls', main);
  chmodSync(directory, 0o755);
  chmodSync(join(directory, 'tls.key'), 0o000);
  // Root reads everything, so root is somebody else for a while.
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_532);
  try {
    assert.match(
      (await problems({ TLS_CERT_DIR: directory }))[0]!,
      /tls\.key cannot be read \(EACCES\): run the sidecar as its owner: user: "\d+:\d+"; accepted is a file that the sidecar's user \(uid \d+\) may read/,
    );
  } finally {
    if (root) process.seteuid?.(0);
  }
});

test('client certificates are verified with the context that SNI chose', async () => {
  const directory = temporaryDirectory('certificates');
  const ca = await certify({ subject: 'CN=clients', ca: true });
  const ann = await certify({ subject: 'CN=ann', issuer: ca });
  write(directory, 'tls', main);
  write(directory, 'shop', shop);
  writeFileSync(join(directory, 'clients.pem'), ca.cert);
  const { store } = await openStore({
    TLS_CERT_DIR: directory,
    TLS_CLIENT_CA: join(directory, 'clients.pem'),
    TLS_MIN_VERSION: '1.2',
  });
  for (const servername of ['main.example', 'shop.example']) {
    const { verdicts, close, port } = await judge(store);
    assert.equal(await verdicts(port, { servername, cert: ann.cert, key: ann.key }), [true, true]);
    assert.equal(await verdicts(port, { servername, cert: shop.cert, key: shop.key }), [false]);
    close();
  }
  store.close();
});

/** A server whose own context knows no client CA; `verdicts` are of a handshake and of its resumption, in TLS 1.2. */
async function judge(store: CertificateStore): Promise<{
  port: number;
  close: () => void;
  verdicts: (port: number, options: ConnectionOptions) => Promise<boolean[]>;
}> {
  const server = createServer({
    cert: store.default.cert,
    key: store.default.key,
    requestCert: true,
    rejectUnauthorized: false,
    SNICallback: (name, done) => done(null, store.contextFor(name)),
  });
  const seen: boolean[] = [];
  server.on('secureConnection', (socket) => {
    seen.push(socket.authorized);
    socket.on('error', () => undefined);
    socket.end('x');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const once = (options: ConnectionOptions): Promise<Buffer | undefined> =>
    new Promise((resolve, reject) => {
      let session: Buffer | undefined;
      const socket = connect({ ...options, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
      socket.on('session', (ticket) => (session = ticket));
      socket.on('error', reject);
      socket.on('close', () => resolve(session));
      socket.resume();
    });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => server.close(),
    async verdicts(port, options) {
      seen.length = 0;
      const session = await once({ ...options, port });
      if (seen[0] && session) await once({ ...options, port, session });
      return [...seen];
    },
  };
}

test.run();
