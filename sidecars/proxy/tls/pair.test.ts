import { createPrivateKey } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BadPair, checkPair, type Pair } from './pair.ts';
import { certify } from '#kit/testing/certify.ts';

const root = await certify({ subject: 'CN=root', ca: true });
const intermediate = await certify({ subject: 'CN=intermediate', ca: true, issuer: root });
const leaf = await certify({ subject: 'CN=leaf', names: ['WWW.example.org', '*.example.org'], issuer: intermediate });
const other = await certify({ subject: 'CN=other' });

const check = (cert: string, key: string, now?: number): Pair =>
  checkPair(
    { name: 'tls', certFile: 'tls.crt', keyFile: 'tls.key', cert: Buffer.from(cert), key: Buffer.from(key) },
    {},
    now,
  );

function refusal(cert: string, key: string): string {
  try {
    check(cert, key);
  } catch (error) {
    assert.instance(error, BadPair);
    return (error as BadPair).message;
  }
  throw new Error('it was accepted');
}

test('a leaf with its chain is taken, and says its names', () => {
  const pair = check(leaf.cert + intermediate.cert + root.cert, leaf.key);
  assert.equal(pair.dnsNames, ['www.example.org', '*.example.org']);
  assert.equal(pair.warnings, []);
  assert.ok(Math.abs(pair.notAfter - Date.now() - 30 * 86_400_000) < 60_000);
});

test('EC, RSA and Ed25519 keys are taken, in PKCS#8 and in the older forms', async () => {
  for (const algorithm of ['ec', 'rsa', 'ed25519'] as const) {
    const { cert, key } = await certify({ algorithm });
    check(cert, key);
    check(cert.replaceAll('\n', '\r\n'), key.replaceAll('\n', '\r\n'));
    check(`Subject: CN=x\n${cert}`, `Bag Attributes\n${key}`);
    if (algorithm === 'ed25519') continue;
    const older = createPrivateKey(key).export({ type: algorithm === 'ec' ? 'sec1' : 'pkcs1', format: 'pem' });
    check(cert, `${older}`);
    if (algorithm === 'ec')
      check(cert, `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${older}`);
  }
});

test('a key of another certificate is refused', () => {
  assert.is(
    refusal(leaf.cert, other.key),
    'tls.key is not the key of tls.crt; accepted is the key that the certificate was made for',
  );
});

test('a chain in the wrong order says so', () => {
  assert.match(
    refusal(intermediate.cert + leaf.cert, leaf.key),
    /^tls\.crt is in the wrong order: tls\.key is the key of its certificate number 2; accepted is PEM: the server certificate first/,
  );
});

test('a chain whose links do not hold is refused', async () => {
  const namesake = await certify({ subject: 'CN=intermediate', ca: true, issuer: root });
  const lowly = await certify({ subject: 'CN=lowly', issuer: root });
  const child = await certify({ subject: 'CN=child', issuer: lowly });
  assert.match(refusal(leaf.cert + root.cert, leaf.key), /certificate number 2 did not sign/);
  assert.match(refusal(leaf.cert + namesake.cert, leaf.key), /certificate number 2 did not sign/);
  assert.match(refusal(leaf.cert + intermediate.cert + other.cert, leaf.key), /certificate number 3 did not sign/);
  assert.match(
    refusal(child.cert + lowly.cert, child.key),
    /certificate number 2 (is no certificate authority|did not sign)/,
  );
});

test('a certificate counts only while it is valid', async () => {
  const old = await certify({ from: -20, to: -1 });
  const young = await certify({ from: 1 });
  assert.match(
    refusal(old.cert, old.key),
    /^tls\.crt has expired on 20\d\d-.*Z; accepted is a certificate that is valid now$/,
  );
  assert.match(refusal(young.cert, young.key), /is not valid before/);
  const seconds = await certify({ from: 30 / 86_400 });
  check(seconds.cert, seconds.key);
});

test('an intermediate that has expired is a warning', async () => {
  const old = await certify({ subject: 'CN=old', ca: true, issuer: root, from: -20, to: -1 });
  const child = await certify({ issuer: old });
  assert.match(
    check(child.cert + old.cert, child.key).warnings[0]!,
    /^certificate number 2 of the chain has expired on/,
  );
});

test('an encrypted key is refused by that word', () => {
  const key = createPrivateKey(leaf.key);
  const modern = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  const older = key.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  for (const text of [modern, older])
    assert.match(
      refusal(leaf.cert, String(text)),
      /^tls\.key is encrypted.*; accepted is an unencrypted RSA, EC or Ed25519 private key in PEM$/,
    );
});

test('files that are not what they should be are refused by name', () => {
  assert.match(refusal('', leaf.key), /^tls\.crt holds no PEM certificate/);
  assert.match(refusal(leaf.key, leaf.key), /^tls\.crt holds no PEM certificate/);
  assert.match(refusal(leaf.cert, leaf.cert), /^tls\.key holds no PEM private key/);
  assert.match(refusal(leaf.cert.slice(0, 300), leaf.key), /^tls\.crt is cut short/);
  assert.match(refusal(leaf.cert + intermediate.cert.slice(0, 300), leaf.key), /^tls\.crt is cut short/);
  assert.match(refusal(leaf.cert.slice(0, 200) + leaf.cert, leaf.key), /^tls\.crt is cut short/);
  assert.match(refusal(leaf.cert, leaf.key.slice(0, 100)), /^tls\.key holds a malformed private key/);
  assert.match(
    refusal(leaf.cert.replace(/MII.{8}/, 'MIIAAAAAAAA'), leaf.key),
    /^tls\.crt holds a malformed certificate \(number 1 of 1\)/,
  );
});

test('a key that OpenSSL finds too weak is refused with what is accepted', async () => {
  const weak = await certify({ algorithm: 'rsa1024' });
  assert.match(refusal(weak.cert, weak.key), /is refused by OpenSSL \(.*too small.*\); accepted is/);
});

test.run();
