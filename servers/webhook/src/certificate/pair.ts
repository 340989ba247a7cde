/** Certificates of the webhook: each is its own authority, so that trusting it trusts nothing else. */
import { randomBytes, webcrypto, X509Certificate } from 'node:crypto';

/** A private key with its self-signed certificate. */
export interface Pair {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** An API server whose clock is a little behind must not see a certificate of the future. */
const BACKDATED = 5 * 60_000;

/**
 * Make one.
 * @param names DNS names of the Service
 * @param lifetime from `now`, in milliseconds
 */
export async function makePair(names: readonly string[], lifetime: number, now: number): Promise<Pair> {
  await import('#kit/net/reflect-shim.ts');
  const x509 = await import('@peculiar/x509');
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: `40${randomBytes(15).toString('hex')}`,
    // Two of one name would make a verifier try the wrong one.
    name: [{ CN: [`${names[0]} ${randomBytes(4).toString('hex')}`.slice(-64)] }],
    notBefore: new Date(now - BACKDATED),
    notAfter: new Date(now + lifetime),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
    ],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return readPair(
    `${certificate.toString('pem')}\n`,
    `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`,
  );
}

/** @throws {Error} when it is no certificate */
export function readPair(cert: string, key: string): Pair {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  return { cert, key, notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() };
}
