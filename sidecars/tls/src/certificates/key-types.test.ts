/** An EC and an RSA certificate for one name: each client gets what it can verify. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, type Server } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify, type Signer } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { openStore, serialOf, serve } from './test-store.ts';

const [ec, rsa, next, more] = await Promise.all([
  certify({ names: ['a.example', '*.a.example'] }),
  certify({ names: ['a.example', '*.a.example'], algorithm: 'rsa' }),
  certify({ names: ['a.example', '*.a.example'], algorithm: 'rsa' }),
  certify({ names: ['a.example'], algorithm: 'rsa' }),
]);

function write(directory: string, name: string, { cert, key }: Signer): void {
  writeFileSync(join(directory, `${name}.crt`), cert);
  writeFileSync(join(directory, `${name}.key`), key);
}

/** The serial number that a client sees that verifies only these signatures. */
async function seen(server: Server, sigalgs: string, servername?: string): Promise<string> {
  const socket = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    rejectUnauthorized: false,
    sigalgs,
    ...(servername !== undefined && { servername }),
  });
  await once(socket, 'secureConnect');
  const serial = socket.getPeerX509Certificate()!.serialNumber.toLowerCase();
  socket.destroy();
  return serial;
}

const ECDSA = 'ecdsa_secp256r1_sha256';
const RSA = 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256';

test('both are served under their names and to clients that name none', async () => {
  const directory = temporaryDirectory('certificates');
  write(directory, 'tls', ec);
  write(directory, 'tls-rsa', rsa);
  const { store, lines } = await openStore({ TLS_CERT_DIR: directory }, { settle: 20, confirm: 50, poll: 3_600_000 });
  const server = await serve(store);
  for (const name of ['a.example', 'b.a.example', 'unknown.example', undefined]) {
    assert.is(await seen(server, ECDSA, name), serialOf(ec.cert), name);
    assert.is(await seen(server, RSA, name), serialOf(rsa.cert), name);
    assert.is(
      await seen(server, `${RSA}:${ECDSA}`, name),
      serialOf(ec.cert),
      'EC is cheaper, whatever the client likes more',
    );
  }
  assert.equal(lines, []);
  write(directory, 'tls-rsa', next);
  await eventually(
    'one of the two is replaced',
    async () => (await seen(server, RSA, 'a.example')) === serialOf(next.cert),
  );
  assert.is(await seen(server, ECDSA, 'a.example'), serialOf(ec.cert));
  store.close();
  server.close();
});

test('a third one for a name is reported; one without a name of the default is not its companion', async () => {
  const directory = temporaryDirectory('certificates');
  write(directory, 'tls', ec);
  write(directory, 'tls-more', more);
  const { store, lines } = await openStore({ TLS_CERT_DIR: directory });
  const server = await serve(store);
  await seen(server, RSA, 'b.a.example').then(
    () => assert.unreachable('a certificate without the name'),
    () => undefined,
  );
  assert.match(lines[0]!, /^warn a\.example is in .*tls\.crt and in .*tls-more\.crt: the first is served$/);
  store.close();
  write(directory, 'tls-other', rsa);
  const both = await openStore({ TLS_CERT_DIR: directory });
  assert.equal(both.lines.length, 1, 'tls-other is the companion');
  both.store.close();
  server.close();
});

test.run();
