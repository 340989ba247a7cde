/** Certificate requests of who wants more than is theirs, and certificates that come of them. */
import { X509Certificate as Shown, webcrypto } from 'node:crypto';
import '#kit/net/reflect-shim.ts';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Authority, makeIntermediate, makeRoot, RequestRefused } from './authority.ts';

const OWN = 'spiffe://mesh.test/ns/shop/sa/books';
const OTHER = 'spiffe://mesh.test/ns/shop/sa/control-plane';
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) };

const root = await makeRoot('mesh.test');
const authority = await Authority.open({
  roots: root.cert,
  intermediate: await makeIntermediate(root, 'mesh.test'),
  lifetime: 3_600_000,
});

type Algorithm = typeof EC | (typeof RSA & { modulusLength: number });

async function requestBy(algorithm: Algorithm, extensions: readonly x509.Extension[] = []): Promise<string> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=control-plane',
    keys,
    signingAlgorithm: algorithm,
    extensions: [...extensions],
  });
  return request.toString('pem');
}

/** Why a request is refused; fails where another error comes. */
async function refusal(request: string): Promise<string> {
  try {
    await authority.sign(request, OWN);
    return 'signed';
  } catch (error) {
    assert.instance(error, RequestRefused);
    return (error as Error).message;
  }
}

test('a request gets the identity of its caller, whatever it asks for', async () => {
  const greedy = await requestBy(EC, [
    new x509.SubjectAlternativeNameExtension([
      { type: 'url', value: OTHER },
      { type: 'dns', value: 'control-plane' },
    ]),
    new x509.BasicConstraintsExtension(true, 9, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.codeSigning]),
  ]);
  const { chain } = await authority.sign(greedy, OWN, ['books']);
  const shown = new Shown(chain);
  assert.is(shown.subjectAltName, `URI:${OWN}, DNS:books`);
  assert.is(shown.subject, undefined);
  assert.is(shown.ca, false);
  // Server and client of TLS, and nothing else.
  assert.equal(shown.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
});

test('weak keys and what is no request are refused', async () => {
  assert.match(await refusal(await requestBy({ ...RSA, modulusLength: 1024 })), 'accepted are keys of');
  assert.match(await refusal(await requestBy({ ...EC, namedCurve: 'P-521' })), 'accepted are keys of');
  assert.is(await refusal(await requestBy({ ...RSA, modulusLength: 2048 })), 'signed');
  for (const none of ['', 'x', root.cert, '-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----'])
    assert.match(await refusal(none), 'this is no certificate request');
  assert.match(await refusal('x'.repeat(1_000_000)), 'characters');
});

test('a request that was changed after it was signed is refused, or is for the same key', async () => {
  const request = await requestBy(EC);
  const bytes = Buffer.from(request.replace(/-----[^-]*-----/g, ''), 'base64');
  const keyOf = async (pem: string): Promise<string | undefined> => {
    try {
      const { chain } = await authority.sign(pem, OWN);
      return new Shown(chain).publicKey.export({ type: 'spki', format: 'pem' }) as string;
    } catch (error) {
      assert.instance(error, RequestRefused);
      return undefined;
    }
  };
  const own = await keyOf(request);
  assert.ok(own);
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (place, change) => {
      const changed = Buffer.from(bytes);
      changed[place]! ^= change;
      const body = changed.toString('base64');
      const key = await keyOf(`-----BEGIN CERTIFICATE REQUEST-----\n${body}\n-----END CERTIFICATE REQUEST-----`);
      if (key === undefined) refused += 1;
      else assert.is(key, own, `byte ${place} ^ ${change}`);
    }),
    { numRuns: 300 },
  );
  // But for lengths and tags around what is signed.
  assert.ok(refused > 250, `${refused} of 300`);
});

test.run();
