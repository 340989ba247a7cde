/** An identity in files: tls.key, tls.crt and ca.crt in one directory, watched. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { DirectoryWatch } from '#kit/files/directory-watch.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { parseAltNames } from '#proxy/tls/subject-alt-names.ts';
import type { Credentials, Identity } from '#mesh/model/identity.ts';
import { parseSpiffeId } from '../security/spiffe-id.ts';

/** In milliseconds. */
const SETTLE = 100;
const POLL = 5000;
const FILES = ['tls.key', 'tls.crt', 'ca.crt'] as const;

export class FileIdentity implements Identity {
  current: Credentials | undefined;
  readonly #directory: string;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #listeners: ((credentials: Credentials) => void)[] = [];
  readonly #watch: DirectoryWatch;
  #seen = '';
  #looking = false;

  constructor(directory: string, log: Pick<Logger, 'info' | 'warn'>) {
    this.#directory = directory;
    this.#log = log;
    const look = (): void => void this.look();
    this.#watch = new DirectoryWatch({ onChange: look, onPoll: look, onBlind: () => {}, settle: SETTLE, poll: POLL });
  }

  onChange(listener: (credentials: Credentials) => void): void {
    this.#listeners.push(listener);
  }

  /** Read the files, if they have changed: a pair that does not fit never replaces one that does. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const paths = FILES.map((file) => join(this.#directory, file));
      await this.#watch.follow([this.#directory], paths);
      const [key, chain, trustBundle] = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
      const seen = `${key}${chain}${trustBundle}`;
      if (seen === this.#seen) return;
      this.#seen = seen;
      const credentials = credentialsOf(key!, chain!, trustBundle!);
      this.current = credentials;
      for (const listener of this.#listeners) listener(credentials);
      this.#log.info({ identity: credentials.spiffeId, notAfter: new Date(credentials.notAfter) }, 'identity in use');
    } catch (error) {
      this.#log.warn({ directory: this.#directory, reason: (error as Error).message }, 'no identity in the files');
    } finally {
      this.#looking = false;
    }
  }

  close(): void {
    this.#watch.close();
  }
}

/** @throws {Error} for what is no pair, or has no SPIFFE id */
export function credentialsOf(key: string, chain: string, trustBundle: string): Credentials {
  createSecureContext({ key, cert: chain, ca: trustBundle });
  const leaf = new X509Certificate(chain);
  const uris = parseAltNames(leaf.subjectAltName).filter(({ type }) => type === 'URI');
  const id = uris.length === 1 ? parseSpiffeId(uris[0]!.value) : undefined;
  if (id === undefined) throw new Error('the certificate has no SPIFFE id');
  return { spiffeId: id.text, key, chain, trustBundle, notAfter: leaf.validToDate.getTime() };
}
