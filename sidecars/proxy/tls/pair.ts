/** A certificate with its chain and key, checked as what clients will be shown. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { CLOCK_TOLERANCE, stapleOf, type Staple } from './staple.ts';
import { normalizeDnsName, parseAltNames } from './subject-alt-names.ts';
import { certificatesIn, privateKeyIn } from './pem.ts';

/** Two files that belong together, as they were read at one moment. */
export interface PairFiles {
  /** By which configuration, metrics and logs call it. */
  readonly name: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: Buffer;
  readonly key: Buffer;
  /** DER of an OCSP response to staple, where one lies beside the certificate. */
  readonly ocsp?: Buffer;
}

/** A pair that passed all checks. */
export interface Pair extends PairFiles {
  readonly context: SecureContext;
  /** DNS names of the leaf, normalized; a leading `*.` is a wildcard. */
  readonly dnsNames: readonly string[];
  readonly serial: string;
  /** SHA-256 of the leaf, as `X509Certificate.fingerprint256` writes it. */
  readonly fingerprint: string;
  /** `ec`, `rsa` or `ed25519`: two certificates for one name go together when these differ. */
  readonly keyType: string;
  readonly staple: Staple | undefined;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** What is odd about it and no reason to refuse it. */
  readonly warnings: readonly string[];
}

/** Why a pair cannot be used: file, what is wrong with it, what is accepted. */
export class BadPair extends Error {
  readonly reason: 'malformed' | 'unreadable';
  constructor(file: string, wrong: string, accepted: string, reason: BadPair['reason'] = 'malformed') {
    super(`${file} ${wrong}; accepted is ${accepted}`);
    this.reason = reason;
  }
}

const ACCEPTED_CERT = 'PEM: the server certificate first, then each intermediate that signed the one before it';
const ACCEPTED_KEY = 'an unencrypted RSA, EC or Ed25519 private key in PEM';

/**
 * Check a pair and make its TLS context.
 * @param files what was read
 * @param options what every context of this sidecar has: protocol versions, client CA
 * @param now milliseconds since the epoch
 * @throws {BadPair} with the first thing that is wrong
 */
export function checkPair(files: PairFiles, options: SecureContextOptions, now = Date.now()): Pair {
  const chain = named(files.certFile, ACCEPTED_CERT, () => certificatesIn(files.cert.toString('latin1')));
  const key = named(files.keyFile, ACCEPTED_KEY, () => privateKeyIn(files.key.toString('latin1')));
  const leaf = chain[0]!;
  checkBelongs(files, chain, key);
  checkValidity(files.certFile, leaf, now);
  checkChain(files.certFile, chain);
  const dnsNames = named(files.certFile, 'a certificate with well-formed names', () => dnsNamesOf(leaf));
  let context: SecureContext;
  try {
    context = contextOf([files], options);
  } catch (error) {
    // What only OpenSSL knows: keys that are too short, digests that are too weak.
    throw new BadPair(
      files.certFile,
      `is refused by OpenSSL (${(error as Error).message})`,
      'a certificate of its security level, such as RSA from 2048 bits with SHA-256',
    );
  }
  const { staple, wrong } = stapleOf(files, leaf, now);
  return {
    ...files,
    context,
    dnsNames,
    serial: leaf.serialNumber,
    fingerprint: leaf.fingerprint256,
    keyType: leaf.publicKey.asymmetricKeyType ?? 'unknown',
    staple,
    notAfter: leaf.validToDate.getTime(),
    warnings: [...oddities(chain, now), ...(wrong === undefined ? [] : [wrong])],
  };
}

/** The TLS context of pairs that differ in their key's type: each client gets the one that it can verify. */
export function contextOf(pairs: readonly PairFiles[], options: SecureContextOptions): SecureContext {
  return createSecureContext({
    ...options,
    cert: pairs.map(({ cert }) => cert),
    key: pairs.map(({ key }) => key),
  });
}

/** Run a reader, and put the file's name before what it says. */
function named<T>(file: string, accepted: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BadPair(file, (error as Error).message, accepted);
  }
}

function checkBelongs({ certFile, keyFile }: PairFiles, chain: readonly X509Certificate[], key: KeyObject): void {
  const index = chain.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (index === 0) return;
  if (index > 0)
    throw new BadPair(
      certFile,
      `is in the wrong order: ${keyFile} is the key of its certificate number ${index + 1}`,
      ACCEPTED_CERT,
    );
  throw new BadPair(keyFile, `is not the key of ${certFile}`, 'the key that the certificate was made for');
}

function checkValidity(file: string, leaf: X509Certificate, now: number): void {
  const valid = 'a certificate that is valid now';
  if (leaf.validFromDate.getTime() > now + CLOCK_TOLERANCE)
    throw new BadPair(file, `is not valid before ${leaf.validFromDate.toISOString()}`, valid);
  if (leaf.validToDate.getTime() <= now)
    throw new BadPair(file, `has expired on ${leaf.validToDate.toISOString()}`, valid);
}

function checkChain(file: string, chain: readonly X509Certificate[]): void {
  for (const [index, issuer] of chain.entries()) {
    const subject = chain[index - 1];
    if (subject === undefined) continue;
    const number = `certificate number ${index + 1}`;
    if (!subject.checkIssued(issuer) || !subject.verify(issuer.publicKey))
      throw new BadPair(file, `has a broken chain: ${number} did not sign the one before it`, ACCEPTED_CERT);
    if (!issuer.ca) throw new BadPair(file, `has a broken chain: ${number} is no certificate authority`, ACCEPTED_CERT);
  }
}

function dnsNamesOf(leaf: X509Certificate): string[] {
  return parseAltNames(leaf.subjectAltName)
    .filter(({ type }) => type === 'DNS')
    .flatMap(({ value }) => normalizeDnsName(value) ?? []);
}

/** An expired intermediate is odd only: many clients know a newer path to their root. */
function oddities(chain: readonly X509Certificate[], now: number): string[] {
  return chain
    .slice(1)
    .flatMap((certificate, index) =>
      certificate.validToDate.getTime() <= now
        ? [`certificate number ${index + 2} of the chain has expired on ${certificate.validToDate.toISOString()}`]
        : [],
    );
}
