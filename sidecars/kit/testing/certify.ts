/** Certificates for tests, made in memory. */
import { createPrivateKey, webcrypto } from 'node:crypto';
import '#kit/net/reflect-shim.ts';
import * as x509 from '@peculiar/x509';

const ALGORITHMS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
  rsa1024: {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  },
  ed25519: { name: 'Ed25519' },
} as const;

export interface Signer {
  /** PEM of the certificate alone. */
  readonly cert: string;
  /** PEM, PKCS#8. */
  readonly key: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly certificate: x509.X509Certificate;
}

export interface CertificateOptions {
  readonly names?: readonly string[];
  readonly altNames?: x509.JsonGeneralNames;
  readonly subject?: string | x509.JsonNameParams;
  readonly algorithm?: keyof typeof ALGORITHMS;
  readonly ca?: boolean;
  /** Days from now. */
  readonly from?: number;
  readonly to?: number;
  readonly issuer?: Signer;
}

let serial = 1;

/** Make a certificate; self-signed without an issuer. */
export async function certify({
  names = [],
  altNames = [],
  subject = 'CN=test',
  algorithm = 'ec',
  ca = false,
  from = -1,
  to = 30,
  issuer,
}: CertificateOptions): Promise<Signer> {
  const parameters = ALGORITHMS[algorithm];
  const keys = (await webcrypto.subtle.generateKey(parameters, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const san = [...names.map((value) => ({ type: 'dns' as const, value })), ...altNames];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: (0x1000 + serial++).toString(16),
    subject: subject as string,
    issuer: issuer ? issuer.certificate.subjectName : (subject as string),
    notBefore: new Date(Date.now() + from * 86_400_000),
    notAfter: new Date(Date.now() + to * 86_400_000),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: (issuer?.keys ?? keys).privateKey.algorithm.name === 'ECDSA' ? ALGORITHMS.ec : parameters,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      ...(san.length > 0 ? [new x509.SubjectAlternativeNameExtension(san)] : []),
    ],
  });
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  return { cert: `${certificate.toString('pem')}\n`, key: String(key), keys, certificate };
}
