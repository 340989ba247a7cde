/** Each way in which a store asks who sends, over TLS with an authority of one's own. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestStore } from '#kit/testing/bulk-store.ts';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { recordsOf, startDelivery } from './test-delivery.ts';

const test = suite('logins');

const dir = temporaryDirectory('logins');
const authority = await certify({ subject: 'CN=an authority', ca: true });
const { key, cert } = await certify({ names: ['localhost'], issuer: authority });
const store = new TestStore();
const server = createServer({ key, cert }, (request, response) => void store.answer(request, response));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `https://localhost:${(server.address() as { port: number }).port}`;
test.after(() => {
  server.closeAllConnections();
  server.close();
});

const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
const basic = (secret: string): string => `Basic ${Buffer.from(`shipper:${secret}`).toString('base64')}`;

for (const [what, env, header, rotated] of [
  ['nobody', {}, undefined, undefined],
  [
    'basic',
    { STORE_USER: 'shipper', STORE_PASSWORD_FILE: file('password', 'first\n') },
    basic('first'),
    ['password', 'second\n', basic('second')],
  ],
  ['an API key', { STORE_API_KEY_FILE: file('key', 'a2V5\n') }, 'ApiKey a2V5', ['key', 'bmV3\n', 'ApiKey bmV3']],
  [
    'a bearer token',
    { STORE_BEARER_FILE: file('token', 'eyJ.x\n') },
    'Bearer eyJ.x',
    ['token', 'eyJ.z\n', 'Bearer eyJ.z'],
  ],
] as const) {
  test(`${what}: accepted with the right secret, which may rotate; unready with a wrong one`, async () => {
    store.clear();
    store.options = header === undefined ? {} : { authorization: header };
    const started = startDelivery([url], { STORE_CA_FILE: file('ca.pem', authority.cert), ...env });
    await started.delivery.offer(recordsOf('a', 5));
    await eventually('all is stored', () => started.settled.length === 5);
    if (rotated !== undefined) {
      store.options = { authorization: rotated[2] };
      await started.delivery.offer(recordsOf('b', 5));
      await eventually('it is unready', () =>
        /credentials with 401/.test(started.readiness.report().checks['store']!.reason ?? ''),
      );
      file(rotated[0], rotated[1]);
      await eventually('all is stored', () => started.settled.length === 10);
      assert.ok(started.readiness.report().ready);
    }
    assert.is(store.counts.created, started.settled.length);
    started.close();
  });
}

test('an authority that did not sign the certificate is refused, and nothing is sent', async () => {
  store.clear();
  const other = await certify({ subject: 'CN=another', ca: true });
  const { delivery, readiness, close } = startDelivery([url], { STORE_CA_FILE: file('other.pem', other.cert) });
  await delivery.offer(recordsOf('a', 5));
  await eventually('it says why', () =>
    /certificate|not trusted|issuer/i.test(readiness.report().checks['store']!.reason ?? ''),
  );
  assert.is(store.counts.requests, 0);
  close();
});

test('a client certificate: accepted from the right authority, also when replaced; else refused', async () => {
  store.clear();
  store.options = {};
  const subjects: string[] = [];
  const strict = createServer(
    { key, cert, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      subjects.push((request.socket as TLSSocket).getPeerCertificate().subject.CN as string);
      void store.answer(request, response);
    },
  );
  await new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve));
  const at = `https://localhost:${(strict.address() as { port: number }).port}`;
  const ca = file('ca.pem', authority.cert);
  const write = async (subject: string): Promise<void> => {
    const own = await certify({ subject: `CN=${subject}`, issuer: authority });
    file('own.pem', own.cert);
    file('own.key', own.key);
  };
  await write('first');
  const env = { STORE_CA_FILE: ca, STORE_CERT_FILE: join(dir, 'own.pem'), STORE_KEY_FILE: join(dir, 'own.key') };
  const started = startDelivery([at], env);
  await started.delivery.offer(recordsOf('a', 5));
  await eventually('all is stored', () => started.settled.length === 5);
  await write('second');
  await started.delivery.offer(recordsOf('b', 5));
  await eventually('all is stored', () => started.settled.length === 10);
  // Half a pair, as while it is replaced, is not used.
  file('own.key', (await certify({ issuer: authority, subject: 'CN=third' })).key);
  await started.delivery.offer(recordsOf('c', 5));
  await eventually('all is stored', () => started.settled.length === 15);
  assert.equal([...new Set(subjects)], ['first', 'second']);
  started.close();
  const nobody = startDelivery([at], { STORE_CA_FILE: ca });
  await nobody.delivery.offer(recordsOf('d', 5));
  await eventually('it is unready, and says why', () =>
    /certificate|alert|not trusted|broke off/i.test(nobody.readiness.report().checks['store']!.reason ?? ''),
  );
  assert.is(store.counts.created, 15);
  nobody.close();
  strict.closeAllConnections();
  strict.close();
});

test('half of a pair is an error at the start', () => {
  assert.throws(
    () => startDelivery([url], { STORE_CERT_FILE: file('half.pem', authority.cert) }),
    /STORE_CERT_FILE is set without STORE_KEY_FILE/,
  );
});

test.run();
