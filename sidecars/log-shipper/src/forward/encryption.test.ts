/** TLS on the forward port, by senders over real sockets, with an authority of one's own. */
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify, type Signer } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { admissionOf } from './settings.ts';
import { encode } from './test-encode.ts';
import { docker, start, type Rig } from './test-input.ts';
import { closed, shake } from './test-sender.ts';

const PATIENCE = 60_000;
const dir = temporaryDirectory('encryption');
const authority = await certify({ subject: 'CN=an authority', ca: true });
const stranger = await certify({ subject: 'CN=another authority', ca: true });
const first = await certify({ names: ['localhost'], issuer: authority });
const second = await certify({ names: ['localhost'], issuer: authority });

const certFile = join(dir, 'tls.crt');
const keyFile = join(dir, 'tls.key');
const clientCaFile = join(dir, 'clients.pem');
/** As a careful administrator does it: written beside, then renamed. */
const write = (path: string, text: string): void => {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
};
const install = ({ cert, key }: Signer): void => {
  write(certFile, cert);
  write(keyFile, key);
};

const encrypted = ({
  ca,
  key,
  timeout = PATIENCE,
}: { ca?: string; key?: string; timeout?: number } = {}): Promise<Rig> =>
  start({
    encryption: { prefix: 'FORWARD', certFile, keyFile, clientCaFile: ca, timeout },
    handshake: key === undefined ? undefined : { key, timeout: PATIENCE },
  });

const opened: TLSSocket[] = [];
/** A sender's connection, not yet established. */
function dial(rig: Rig, options: ConnectionOptions = {}): TLSSocket {
  const socket = connect({
    port: rig.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.cert,
    ...options,
  });
  socket.on('error', () => {});
  opened.push(socket);
  return socket;
}

async function sender(rig: Rig, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = dial(rig, options);
  await once(socket, 'secureConnect');
  return socket;
}

const message = (log: string): Buffer => encode(['t', 1, docker(log)]);
/** The serial number of the certificate that a sender is shown now. */
async function shown(rig: Rig): Promise<string> {
  const socket = await sender(rig);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber.toLowerCase();
}

test.before.each(() => install(first));
test.after(() => {
  for (const socket of opened) socket.destroy();
});

test('a message comes through TLS, with the shared key inside it too', async () => {
  const rig = await encrypted({ key: 'shared' });
  const socket = await sender(rig);
  assert.ok(socket.authorized);
  assert.is((await shake(socket, 'shared'))[1], true);
  socket.write(message('hello'));
  await eventually('a record', () => rig.records.length === 1);
  const wrong = await sender(rig);
  assert.is((await shake(wrong, 'guessed'))[1], false);
  await closed(wrong);
  await eventually('the refusal', () => rig.refused.length > 0);
  assert.equal(rig.refused, ['handshake']);
  await rig.close();
});

test('a sender whose TLS is too old is refused, and that is said', async () => {
  const rig = await encrypted();
  const socket = dial(rig, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
  await closed(socket);
  await eventually('the refusal', () => rig.refused.length > 0);
  assert.equal(rig.refused, ['tls']);
  assert.match(rig.logged[0]!, /its TLS handshake failed: unsupported protocol/);
  await rig.close();
});

for (const [what, bytes] of [
  ["a plain message, as Docker's driver sends it", message('hello')],
  ['a plain message in Forward mode', encode(['t', [[1, docker('hello')]]])],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
] as const) {
  test(`refused at the TLS port, and told why in the log: ${what}`, async () => {
    const rig = await encrypted();
    const socket = await rig.connect();
    socket.resume();
    socket.write(bytes);
    await closed(socket);
    await eventually('the refusal', () => rig.refused.length > 0);
    assert.equal(rig.refused, ['tls']);
    assert.is(rig.records.length, 0);
    assert.match(rig.logged[0]!, /it does not speak TLS/);
    assert.match(rig.logged[0]!, /"remote":"127\.0\.0\.1"/);
    const good = await sender(rig);
    good.write(message('still here'));
    await eventually('a record', () => rig.records.length === 1);
    await rig.close();
  });
}

test('a connection that is silent instead of a TLS handshake is closed, and delays no shutdown', async () => {
  const rig = await encrypted({ timeout: 300 });
  const silent = await rig.connect();
  silent.resume();
  await closed(silent);
  await eventually('the refusal', () => rig.refused.length > 0);
  assert.equal(rig.refused, ['tls']);
  assert.match(rig.logged[0]!, /took too long/);
  await rig.close();
  const other = await encrypted();
  const left = await other.connect();
  left.resume();
  const gone = closed(left);
  await other.close();
  await gone;
});

test('a new certificate holds from the next connection on; an unusable one changes nothing', async () => {
  const rig = await encrypted();
  const before = await sender(rig);
  assert.is(await shown(rig), first.certificate.serialNumber);
  // Halfway through: the certificate of one pair, the key of another.
  write(certFile, second.cert);
  assert.is(await shown(rig), first.certificate.serialNumber);
  await shown(rig);
  assert.is(rig.logged.length, 1, 'said once');
  assert.match(rig.logged[0]!, /not used/);
  write(keyFile, second.key);
  assert.is(await shown(rig), second.certificate.serialNumber);
  before.write(message('the old connection goes on'));
  await eventually('a record', () => rig.records.length === 1);
  assert.equal(rig.refused, []);
  await rig.close();
});

test('with a client authority, who has no certificate of it cannot send', async () => {
  write(clientCaFile, authority.cert);
  const rig = await encrypted({ ca: clientCaFile });
  const known = await certify({ subject: 'CN=a sender', issuer: authority });
  const unknown = await certify({ subject: 'CN=a sender', issuer: stranger });
  for (const identity of [{}, { cert: unknown.cert, key: unknown.key }]) {
    const bad = dial(rig, identity);
    bad.resume();
    bad.write(message('smuggled'));
    await closed(bad);
  }
  await eventually('two refusals', () => rig.refused.length === 2);
  assert.equal(rig.refused, ['tls', 'tls']);
  assert.match(rig.logged[0]!, /peer did not return a certificate/);
  assert.match(rig.logged[1]!, /its certificate is not accepted: UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
  const good = await sender(rig, { cert: known.cert, key: known.key });
  good.write(message('hello'));
  await eventually('a record', () => rig.records.length === 1);
  assert.not.match(JSON.stringify(rig.documents()), /smuggled/);
  // The authorities may change too.
  write(clientCaFile, stranger.cert);
  const later = await sender(rig, { cert: unknown.cert, key: unknown.key });
  later.write(message('hello'));
  await eventually('another record', () => rig.records.length === 2);
  await rig.close();
});

test('the number of connections is limited, those in the handshake included', async () => {
  const rig = await encrypted();
  for (let at = 0; at < 3; at++) await rig.connect();
  await closed(dial(rig));
  await eventually('a refusal', () => rig.refused.includes('connections'));
  await rig.close();
});

/** The shared key, and users from a file. */
function users(name: string, text?: string): { FORWARD_SHARED_KEY: string; FORWARD_USERS_FILE: string } {
  const file = join(dir, name);
  if (text !== undefined) write(file, text);
  return { FORWARD_SHARED_KEY: 'k', FORWARD_USERS_FILE: file };
}

test('files that cannot be used, or one without another, end the start with a sentence', async () => {
  write(keyFile, second.key);
  for (const files of [
    { certFile, keyFile },
    { certFile: join(dir, 'absent'), keyFile },
  ])
    await start({ encryption: { prefix: 'FORWARD', ...files, clientCaFile: undefined, timeout: PATIENCE } }).then(
      () => assert.unreachable(),
      (error: Error) => {
        assert.is(error.name, 'ConfigurationError');
        assert.match(error.message, /^FORWARD_TLS_CERT_FILE, .*accepted are readable files/);
      },
    );
  for (const [values, why] of [
    [{ FORWARD_TLS_CERT_FILE: certFile }, /FORWARD_TLS_CERT_FILE is set without FORWARD_TLS_KEY_FILE/],
    [{ FORWARD_TLS_KEY_FILE: keyFile }, /FORWARD_TLS_KEY_FILE is set without FORWARD_TLS_CERT_FILE/],
    [{ FORWARD_TLS_CLIENT_CA_FILE: clientCaFile }, /FORWARD_TLS_CLIENT_CA_FILE is set without FORWARD_TLS_CERT_FILE/],
    [{ FORWARD_USERS_FILE: '/users' }, /FORWARD_USERS_FILE is set without FORWARD_SHARED_KEY/],
    [users('absent'), /^FORWARD_USERS_FILE: .*absent cannot be read \(ENOENT\)/],
    [users('none', '\n'), /^FORWARD_USERS_FILE: .* has no user/],
    [users('bad', 'a:b\n\nsecret\n'), /^FORWARD_USERS_FILE: \S+, line 3 is no user:password; (?!.*secret)/],
    [users('twice', 'a:b\na:c'), /^FORWARD_USERS_FILE: \S+, line 2 has a user that is there already/],
  ] as const)
    assert.throws(
      () =>
        admissionOf({
          FORWARD_TLS_CERT_FILE: undefined,
          FORWARD_TLS_KEY_FILE: undefined,
          FORWARD_TLS_CLIENT_CA_FILE: undefined,
          FORWARD_SHARED_KEY: undefined,
          FORWARD_USERS_FILE: undefined,
          ...values,
        }),
      (error: Error) => why.test(error.message),
    );
});

test.run();
