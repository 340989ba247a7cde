/**
 * The certificate authority: a root that may be kept elsewhere, an intermediate that signs, leaves that last a day.
 * Keys of leaves are made by those who use them; only their requests come here.
 */
import { randomBytes, webcrypto } from 'node:crypto';
import '#kit/net/reflect-shim.ts';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY = 86_400_000;
const ROOT_LIFETIME = 3650 * DAY;
const INTERMEDIATE_LIFETIME = 365 * DAY;
/** Clocks that are a little behind must not see a certificate of the future. */
const BACKDATED = 5 * 60_000;
const MAX_REQUEST = 16 * 1024;

/** A certificate, or the key to one, PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A request for a certificate cannot be granted. */
export class RequestRefused extends Error {}

export interface Leaf {
  /** PEM: the leaf, then the intermediate. */
  readonly chain: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

const serialNumber = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
};

const generate = async (): Promise<webcrypto.CryptoKeyPair> =>
  (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;

const pemOf = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;

const importKey = async (pem: string): Promise<webcrypto.CryptoKey> =>
  await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), ALGORITHM, false, ['sign']);

/**
 * Make a root: for ten years from now, and for one level of intermediates. It is valid for all of the past, too: one that
 * was made while the clock was ahead would be of the future once the clock is right, and nobody would believe it.
 */
export async function makeRoot(trustDomain: string, now = Date.now()): Promise<Pair> {
  const keys = await generate();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ O: [trustDomain] }, { CN: [`${trustDomain} root ${randomBytes(4).toString('hex')}`] }],
    notBefore: new Date(0),
    notAfter: new Date(now + ROOT_LIFETIME),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: await authorityExtensions(keys, 1),
  });
  return { cert: pemOf(certificate), key: await exportKey(keys.privateKey) };
}

/** Make an intermediate: a year, for leaves alone. */
export async function makeIntermediate(root: Pair, trustDomain: string, now = Date.now()): Promise<Pair> {
  const keys = await generate();
  const parent = new x509.X509Certificate(root.cert);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ O: [trustDomain] }, { CN: [`${trustDomain} intermediate ${randomBytes(4).toString('hex')}`] }],
    issuer: parent.subjectName,
    notBefore: new Date(now - BACKDATED),
    notAfter: new Date(Math.min(now + INTERMEDIATE_LIFETIME, parent.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await importKey(root.key),
    extensions: [
      ...(await authorityExtensions(keys, 0)),
      await x509.AuthorityKeyIdentifierExtension.create(parent.publicKey),
    ],
  });
  return { cert: pemOf(certificate), key: await exportKey(keys.privateKey) };
}

const authorityExtensions = async (keys: webcrypto.CryptoKeyPair, pathLength: number): Promise<x509.Extension[]> => [
  new x509.BasicConstraintsExtension(true, pathLength, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
];

export interface AuthorityOptions {
  /** PEM of the roots that clients are to trust. */
  readonly roots: string;
  readonly intermediate: Pair;
  /** How long leaves last, in milliseconds. */
  readonly lifetime: number;
  readonly now?: () => number;
}

/** Signs leaves. */
export class Authority {
  readonly roots: string;
  readonly #issuer: x509.X509Certificate;
  readonly #issuerPem: string;
  readonly #key: webcrypto.CryptoKey;
  readonly #lifetime: number;
  readonly #now: () => number;

  private constructor(options: AuthorityOptions, key: webcrypto.CryptoKey) {
    this.roots = options.roots;
    this.#issuerPem = options.intermediate.cert;
    this.#issuer = new x509.X509Certificate(options.intermediate.cert);
    this.#key = key;
    this.#lifetime = options.lifetime;
    this.#now = options.now ?? Date.now;
  }

  /** @throws when key and certificate cannot be read */
  static async open(options: AuthorityOptions): Promise<Authority> {
    return new Authority(options, await importKey(options.intermediate.key));
  }

  /** When the intermediate ends, in milliseconds since the epoch. */
  get notAfter(): number {
    return this.#issuer.notAfter.getTime();
  }

  /**
   * Grant a request: of it, only the public key is taken.
   * @param request PEM of a PKCS#10 request that its key has signed
   * @param spiffeId the URI that the certificate is for
   * @param names DNS names besides
   * @throws {RequestRefused}
   */
  async sign(request: string, spiffeId: string, names: readonly string[] = []): Promise<Leaf> {
    const publicKey = await publicKeyOf(request);
    return await this.#issue(publicKey, spiffeId, names);
  }

  /** A key and certificate of the control plane's own. */
  async issue(spiffeId: string, names: readonly string[]): Promise<Pair & { readonly notAfter: number }> {
    const keys = await generate();
    const { chain, notAfter } = await this.#issue(keys.publicKey, spiffeId, names);
    return { cert: chain, key: await exportKey(keys.privateKey), notAfter };
  }

  async #issue(publicKey: x509.PublicKeyType, spiffeId: string, names: readonly string[]): Promise<Leaf> {
    const now = this.#now();
    const notAfter = Math.min(now + this.#lifetime, this.notAfter);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      // Everything is in the SAN (SPIFFE X.509-SVID, 2), which must then be critical (RFC 5280, 4.1.2.6).
      subject: [],
      issuer: this.#issuer.subjectName,
      notBefore: new Date(now - BACKDATED),
      notAfter: new Date(notAfter),
      signingAlgorithm: ALGORITHM,
      publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension(
          [{ type: 'url', value: spiffeId }, ...names.map((value) => ({ type: 'dns' as const, value }))],
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(this.#issuer.publicKey),
      ],
    });
    // X.509 counts whole seconds.
    return { chain: pemOf(certificate) + this.#issuerPem, notAfter: certificate.notAfter.getTime() };
  }
}

async function publicKeyOf(pem: string): Promise<x509.PublicKey> {
  if (pem.length > MAX_REQUEST) throw new RequestRefused(`the request has more than ${MAX_REQUEST} characters`);
  let request: x509.Pkcs10CertificateRequest;
  let genuine: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(pem);
    genuine = await request.verify();
  } catch (error) {
    throw new RequestRefused(`this is no certificate request: ${(error as Error).message.slice(0, 200)}`);
  }
  if (!genuine) throw new RequestRefused('the request is not signed by its own key');
  const { algorithm } = request.publicKey as {
    algorithm: { name: string; namedCurve?: string; modulusLength?: number };
  };
  const strong =
    (algorithm.name === 'ECDSA' && ['P-256', 'P-384'].includes(algorithm.namedCurve ?? '')) ||
    algorithm.name === 'Ed25519' ||
    (algorithm.name.startsWith('RSA') && (algorithm.modulusLength ?? 0) >= 2048);
  if (!strong)
    throw new RequestRefused('accepted are keys of EC P-256 or P-384, Ed25519, and RSA of 2,048 bits or more');
  return request.publicKey;
}
