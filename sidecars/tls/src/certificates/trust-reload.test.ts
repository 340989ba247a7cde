/** Client CA bundles and revocation lists that change while clients come. */
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '#kit/net/reflect-shim.ts';
import { connect } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as x509 from '@peculiar/x509';
import { certify, type Signer } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { serve as serveHttp } from '#kit/testing/server.ts';
import { start, type Running } from '../test-plane.ts';
import { createClientPolicy } from './client-identity.ts';
import type { Problem } from '#kit/contract/parameters.ts';
import { readClientTrust } from './client-trust.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { openStore } from './test-store.ts';

const directory = temporaryDirectory('trust');
const EVENTS = { settle: 20, confirm: 100, poll: 3_600_000 };

const [server, one, two] = await Promise.all([
  certify({ names: ['localhost'] }),
  certify({ subject: 'CN=clients one', ca: true }),
  certify({ subject: 'CN=clients two', ca: true }),
]);
const [ann, bob] = await Promise.all([
  certify({ subject: 'CN=ann', issuer: one }),
  certify({ subject: 'CN=bob', issuer: two }),
]);
const app = await serveHttp((_request, response) => response.end('ok'));

async function crlOf(issuer: Signer, revoked: readonly Signer[], nextUpdate = 3_600_000): Promise<string> {
  const crl = await x509.X509CrlGenerator.create({
    issuer: issuer.certificate.subject,
    thisUpdate: new Date(Date.now() - 7_200_000),
    nextUpdate: new Date(Date.now() + nextUpdate),
    entries: revoked.map(({ certificate }) => ({
      serialNumber: certificate.serialNumber,
      revocationDate: new Date(Date.now() - 3_600_000),
    })),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    signingKey: issuer.keys.privateKey,
  } as never);
  return `${crl.toString('pem').replaceAll('CRL-', 'X509 CRL-')}\n`;
}

/** A data plane with the store and policy that the sidecar has. */
async function serving(
  env: Record<string, string>,
): Promise<Omit<Running, 'store'> & { lines: string[]; reload: () => void }> {
  const certificates = temporaryDirectory('certificates');
  writeFileSync(join(certificates, 'tls.crt'), server.cert);
  writeFileSync(join(certificates, 'tls.key'), server.key);
  // A second one, so that contexts are chosen by name.
  const other = await certify({ names: ['other.test'] });
  writeFileSync(join(certificates, 'other.crt'), other.cert);
  writeFileSync(join(certificates, 'other.key'), other.key);
  const policy = createClientPolicy({
    TLS_CLIENT_CA: env['TLS_CLIENT_CA'],
    TLS_CLIENT_CRL: env['TLS_CLIENT_CRL'],
    TLS_CLIENT_ALLOW_CN: undefined,
    TLS_CLIENT_ALLOW_DNS: undefined,
    TLS_CLIENT_ALLOW_URI: undefined,
  });
  const { store, lines } = await openStore({ TLS_CERT_DIR: certificates, ...env }, EVENTS, policy);
  const running = await start(app.port, { TLS_CERT_DIR: certificates, ...env }, store, policy);
  return Object.assign(running, { lines, reload: () => store.reload() });
}

/** The status that a client gets. */
async function statusFor(port: number, client: Signer, servername = 'localhost'): Promise<number> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername,
    rejectUnauthorized: false,
    cert: client.cert,
    key: client.key,
  });
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'close');
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
}

test('a client CA bundle that changes is taken up for new connections, for every name', async () => {
  const file = join(directory, 'ca.crt');
  writeFileSync(file, one.cert);
  const running = await serving({ TLS_CLIENT_CA: file });
  assert.is(await statusFor(running.port, ann), 200);
  assert.is(await statusFor(running.port, bob), 403);
  writeFileSync(join(directory, 'next'), two.cert);
  renameSync(join(directory, 'next'), file);
  await eventually('the other CA', async () => (await statusFor(running.port, bob)) === 200);
  for (const name of ['localhost', 'other.test', 'unknown.test']) {
    assert.is(await statusFor(running.port, bob, name), 200, name);
    assert.is(await statusFor(running.port, ann, name), 403, name);
  }
  writeFileSync(file, 'no certificate');
  await eventually('it is said', () => running.lines.some((line) => line.startsWith('error')));
  assert.match(
    running.lines.find((line) => line.startsWith('error'))!,
    /^error client CA refused: TLS_CLIENT_CA: .*ca\.crt holds no PEM certificate; accepted is .*; the one in use stays$/,
  );
  assert.is(await statusFor(running.port, bob), 200);
  await running.stop();
});

test('who is on a revocation list is refused, from the moment that the list is there', async () => {
  const [ca, crl] = [join(directory, 'both.crt'), join(directory, 'crl.pem')];
  writeFileSync(ca, one.cert + two.cert);
  writeFileSync(crl, (await crlOf(one, [])) + (await crlOf(two, [bob])));
  const running = await serving({ TLS_CLIENT_CA: ca, TLS_CLIENT_CRL: crl });
  assert.is(await statusFor(running.port, ann), 200);
  assert.is(await statusFor(running.port, bob), 403);
  writeFileSync(crl, (await crlOf(one, [ann])) + (await crlOf(two, [])));
  await eventually('the new lists', async () => (await statusFor(running.port, bob)) === 200);
  for (const name of ['localhost', 'other.test']) assert.is(await statusFor(running.port, ann, name), 403, name);
  // A CA without a list, and one whose list is outdated: nobody knows who is revoked.
  writeFileSync(crl, await crlOf(two, [], -3_600_000));
  await eventually('refusals', async () => (await statusFor(running.port, bob)) === 403);
  assert.is(await statusFor(running.port, ann), 403);
  assert.match(
    running.lines.find((line) => line.startsWith('warn'))!,
    /crl\.pem: list number 1 is outdated since/,
  );
  await running.stop();
});

test('files that cannot be used are named at the start', async () => {
  const [ca, crl] = [join(directory, 'good.crt'), join(directory, 'bad.pem')];
  writeFileSync(ca, one.cert);
  const good = await crlOf(one, []);
  for (const [content, wrong] of [
    [one.cert, /TLS_CLIENT_CRL: .*bad\.pem holds no PEM revocation list; accepted is a file of PEM revocation lists/],
    [good.slice(0, 200), /is cut short: a revocation list begins and does not end/],
    [good.replace(/\n\w{9}/, '\n!!!!!!!!!'), /holds a malformed revocation list \(number 1 of 1\)/],
    ['-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n', /malformed revocation list/],
  ] as const) {
    writeFileSync(crl, content);
    const problems: Problem[] = [];
    readClientTrust({ TLS_CLIENT_CA: ca, TLS_CLIENT_CRL: crl }, problems);
    assert.is(problems.length, 1, content);
    assert.match(problems[0]!.message, wrong);
  }
  assert.throws(
    () =>
      createClientPolicy({
        TLS_CLIENT_CA: undefined,
        TLS_CLIENT_CRL: crl,
        TLS_CLIENT_ALLOW_CN: undefined,
        TLS_CLIENT_ALLOW_DNS: undefined,
        TLS_CLIENT_ALLOW_URI: undefined,
      }),
    (error: unknown) => error instanceof ConfigurationError,
  );
});

test.run();
