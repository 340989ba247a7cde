/**
 * The development CA and its certificate, on disk. The CA is made once and then only ever read, since people trust it.
 * One that cannot be used, or ends soon, is set aside under another name, and a new one is made: an error in the log
 * says so, since clients must be told to trust the new one.
 *
 *   ca.crt             for clients to trust
 *   private/ca.pem     the CA's key and certificate      (0700, 0600: the sidecar's user alone)
 *   private/leaf.pem   the server's key and certificate
 *
 * A key lies in one file with its certificate, so that one link() or rename() publishes both:
 * several workers that start at once end up with one CA, and nobody ever reads half a pair.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { publishFile, type PublishOptions } from '#kit/files/atomic-file.ts';
import { readKept, UnusableFile } from '#kit/files/kept-file.ts';
import { setAside, setAsideDirectory } from '#kit/files/set-aside.ts';
import { ConfigurationError, type Problem } from '#kit/contract/parameters.ts';
import { issueCa, issueLeaf, type Issued } from './issue.ts';
import { normalizeDnsName, parseAltNames } from '#proxy/tls/subject-alt-names.ts';

/** A certificate this close to its end is replaced, in milliseconds. */
const RENEW_BEFORE = 30 * 86_400_000;

/** A file of the CA that was set aside. */
export interface Damaged {
  readonly path: string;
  /** As the end of a sentence about the CA. */
  readonly reason: string;
  /** Where it lies now. */
  readonly aside: string;
}

export class DevelopmentStore {
  readonly #directory: string;
  readonly #names: readonly string[];
  readonly #onDamaged: (damaged: Damaged) => void;

  /**
   * @param directory TLS_STATE_DIR
   * @param names TLS_DEV_NAMES
   * @param onDamaged told of each file that was set aside
   * @throws {ConfigurationError} when a name is neither a DNS name nor an address
   */
  constructor(directory: string, names: readonly string[], onDamaged: (damaged: Damaged) => void = () => undefined) {
    this.#directory = directory;
    this.#onDamaged = onDamaged;
    this.#names = [...new Set(names.map(certifiableName))];
    if (names.length === 0)
      refuse(
        'TLS_DEV_NAMES',
        'malformed',
        'holds no name; accepted is a comma-separated list of DNS names and IP addresses',
      );
  }

  /** Where the served certificate and key lie, for messages. */
  get leafFile(): string {
    return join(this.#directory, 'private', 'leaf.pem');
  }

  /**
   * The CA, made when there is none that can be used.
   * @throws {ConfigurationError} when the directory may not be read or written
   */
  async ca(now = Date.now()): Promise<Issued> {
    await this.#preparePrivate();
    const published = join(this.#directory, 'ca.crt');
    const kept = join(this.#directory, 'private', 'ca.pem');
    // In this order: another worker publishes ca.crt after ca.pem, so that ca.crt alone means a loss.
    const trusted = readIfThere(published);
    const pem = readIfThere(kept);
    let ca = pem === undefined ? undefined : split(pem);
    const wrong = this.#wrong(pem, ca, trusted, now);
    if (wrong !== undefined) {
      if (pem !== undefined) this.#setAside(kept, wrong, now);
      ca = undefined;
    }
    if (ca === undefined) {
      const made = await issueCa(now);
      await this.#write(kept, made.key + made.cert, { mode: 0o600, exclusive: true });
      ca = split(await readFile(kept, 'utf8')) ?? made;
    }
    if (trusted !== undefined && trusted !== ca.cert)
      this.#setAside(published, wrong ?? 'is not the certificate of the CA', now);
    if (trusted !== ca.cert) await this.#write(published, ca.cert, { mode: 0o644 });
    return ca;
  }

  /** Why a CA that is there cannot be used. */
  #wrong(
    pem: string | undefined,
    ca: Issued | undefined,
    trusted: string | undefined,
    now: number,
  ): string | undefined {
    if (pem === undefined) return trusted === undefined ? undefined : 'has lost its key';
    if (ca === undefined) return 'is damaged';
    const { validToDate } = new X509Certificate(ca.cert);
    return validToDate.getTime() < now + RENEW_BEFORE ? `ends on ${validToDate.toISOString()}` : undefined;
  }

  #setAside(path: string, reason: string, now: number): void {
    try {
      this.#onDamaged({ path, reason, aside: setAside(path, now) });
    } catch (error) {
      // Another process was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') refuseWrite(path, error);
    }
  }

  /**
   * The server's certificate, made when there is none that holds exactly these names, was signed by
   * this CA, and has more than 30 days left.
   */
  async leaf(ca: Issued, now = Date.now()): Promise<Issued> {
    const existing = readIfThere(this.leafFile);
    const found = existing === undefined ? undefined : split(existing);
    if (found !== undefined && this.#isCurrent(found, ca, now)) return found;
    const made = await issueLeaf(ca, this.#names, now);
    await this.#write(this.leafFile, made.key + made.cert, { mode: 0o600 });
    return made;
  }

  /** A damaged leaf is none: unlike the CA nobody has it in a trust store. */
  #isCurrent({ cert, key }: Issued, ca: Issued, now: number): boolean {
    try {
      const [leaf, authority] = [new X509Certificate(cert), new X509Certificate(ca.cert)];
      const names = parseAltNames(leaf.subjectAltName).map(({ type, value }) =>
        type === 'IP Address' ? canonicalIp(value) : value,
      );
      return (
        leaf.checkPrivateKey(createPrivateKey(key)) &&
        leaf.checkIssued(authority) &&
        leaf.verify(authority.publicKey) &&
        leaf.validFromDate.getTime() <= now &&
        leaf.validToDate.getTime() > now + RENEW_BEFORE &&
        names.toSorted().join() === this.#names.toSorted().join()
      );
    } catch {
      return false;
    }
  }

  async #preparePrivate(): Promise<void> {
    const directory = join(this.#directory, 'private');
    try {
      await mkdir(this.#directory, { recursive: true });
      await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      const { mode } = await stat(directory);
      if ((mode & 0o077) !== 0) await chmod(directory, 0o700);
    } catch (error) {
      refuseWrite(directory, error);
    }
  }

  /** Publish a file; one that is there already stays with `exclusive`: another worker was first, and its CA is ours too. */
  async #write(path: string, content: string, options: PublishOptions): Promise<void> {
    try {
      setAsideDirectory(path);
      await publishFile(path, content, options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') refuseWrite(path, error);
    }
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readKept(path)?.toString();
  } catch (error) {
    // It is damaged, as if it were empty.
    if (error instanceof UnusableFile) return '';
    const { code } = error as NodeJS.ErrnoException;
    return refuse(
      'TLS_STATE_DIR',
      'unreadable',
      `${path} cannot be read (${code}); accepted is a directory that the sidecar's user (uid ${process.getuid?.()}) wrote or may read`,
    );
  }
}

/** Key and certificate out of one file; undefined when it is damaged, or they do not belong together. */
function split(pem: string): Issued | undefined {
  const [, key, cert] =
    /^(-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n)(-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n)$/.exec(
      pem,
    ) ?? [];
  try {
    if (key !== undefined && new X509Certificate(cert!).checkPrivateKey(createPrivateKey(key)))
      return { key, cert: cert! };
  } catch {
    // It is damaged.
  }
  return undefined;
}

function certifiableName(name: string): string {
  if (isIP(name)) return canonicalIp(name);
  return (
    normalizeDnsName(name) ??
    refuse(
      'TLS_DEV_NAMES',
      'malformed',
      `${JSON.stringify(name)} is neither a DNS name nor an IP address; accepted is such as app.localhost,*.app.localhost,127.0.0.1`,
    )
  );
}

/** `0:0:0:0:0:0:0:1` as `::1`, so that addresses can be compared. */
function canonicalIp(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function refuseWrite(path: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return refuse(
    'TLS_STATE_DIR',
    'unreadable',
    `${path} cannot be written (${code}); accepted is a directory, best a volume, that the sidecar's user (uid ${process.getuid?.()}) may write`,
  );
}

function refuse(parameter: string, reason: Problem['reason'], message: string): never {
  throw new ConfigurationError([{ parameter, reason, message: `${parameter}: ${message}` }]);
}
