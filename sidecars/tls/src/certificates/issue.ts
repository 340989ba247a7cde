/**
 * Making certificates. @peculiar/x509 is imported only when one is made: a sidecar with
 * certificates of its own, or with a development certificate that is still good, never loads it.
 */
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

/** A private key with its certificate, both PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY = 86_400_000;
/** Ten years: a development CA is trusted by hand, so it must outlive the patience to do so. */
const CA_LIFETIME = 3650 * DAY;
/** Apple and the CA/Browser Forum refuse server certificates of more than 398 days. */
const LEAF_LIFETIME = 397 * DAY;
/** Clients whose clock is a little behind must not see a certificate of the future. */
const BACKDATED = 5 * 60_000;

async function load() {
  await import('#kit/net/reflect-shim.ts');
  return import('@peculiar/x509');
}

/** A positive serial number of 127 random bits, in hex (RFC 5280, 4.1.2.2). */
const serialNumber = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
};

async function generateKey(): Promise<{ keys: webcrypto.CryptoKeyPair; pem: string }> {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    keys,
    pem: `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`,
  };
}

/**
 * Make a certificate authority: EC P-256, ten years, for signing leaves only (path length 0). It is
 * not name-constrained, since names are added to a development certificate long after it is trusted.
 * @param now start of its validity, in milliseconds since the epoch
 */
export async function issueCa(now = Date.now()): Promise<Issued> {
  const x509 = await load();
  const { keys, pem } = await generateKey();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    // The number tells several such authorities in one trust store apart.
    name: [{ CN: [`sidecar-stacks development CA ${randomBytes(4).toString('hex')}`] }],
    notBefore: new Date(now - BACKDATED),
    notAfter: new Date(now - BACKDATED + CA_LIFETIME),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: pem };
}

/**
 * Make a server certificate: EC P-256, 397 days, signed by `ca`.
 * @param ca from `issueCa`
 * @param names DNS names and IP addresses, at least one
 * @param now start of its validity, in milliseconds since the epoch
 */
export async function issueLeaf(ca: Issued, names: readonly string[], now = Date.now()): Promise<Issued> {
  const x509 = await load();
  const { keys, pem } = await generateKey();
  const authority = new x509.X509Certificate(ca.cert);
  const caKey = x509.PemConverter.decodeFirst(ca.key);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [names[0]!.slice(0, 64)] }],
    issuer: authority.subjectName,
    notBefore: new Date(now - BACKDATED),
    notAfter: new Date(Math.min(now - BACKDATED + LEAF_LIFETIME, authority.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey('pkcs8', caKey, ALGORITHM, false, ['sign']),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: pem };
}
