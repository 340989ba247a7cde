/** What a proxy keeps on disk to go on after a restart while the control plane is away: its identity and configuration. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { publishFile } from '#kit/files/atomic-file.ts';
import { readKept, SMALL } from '#kit/files/kept-file.ts';
import { setAside } from '#kit/files/set-aside.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import type { Credentials } from '#mesh/model/identity.ts';
import { checkConfiguration } from '../static/check.ts';
import { credentialsOf } from '../static/file-identity.ts';

type Name = 'identity.json' | 'configuration.json';
export type SavedKind = 'identity' | 'configuration';

/** Longer ones are not read, in bytes. */
const LONGEST: Readonly<Record<Name, number>> = { 'identity.json': SMALL, 'configuration.json': 32 * SMALL };

/** One who has no directory keeps nothing. No failure of the disk is the proxy's end: it is logged. */
export class SavedState {
  readonly #directory: string | undefined;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #onDamaged: (kind: SavedKind) => void;
  /** What is to be written next, by file: of several that wait only the last is. */
  readonly #waiting = new Map<Name, object>();
  #writing = false;

  /**
   * @param directory for nobody else's eyes: a private key is in it
   * @param onDamaged counts
   */
  constructor(
    directory: string | undefined,
    log: Pick<Logger, 'info' | 'warn'>,
    onDamaged: (kind: SavedKind) => void = () => {},
  ) {
    this.#directory = directory;
    this.#log = log;
    this.#onDamaged = onDamaged;
    if (directory === undefined) return;
    this.#try('nothing can be kept', () => {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      chmodSync(directory, 0o700);
    });
  }

  /** The identity that was in use last; undefined where there is none of this service that is still good. */
  credentials(service: string, now = Date.now()): Credentials | undefined {
    const credentials = this.#read('identity.json', (content) => {
      const { key, chain, trustBundle } = content as Credentials;
      return credentialsOf(key, chain, trustBundle);
    });
    return credentials && credentials.notAfter > now && credentials.spiffeId.endsWith(`/sa/${service}`)
      ? credentials
      : undefined;
  }

  /** The configuration that was in use last. */
  configuration(): Configuration | undefined {
    return this.#read('configuration.json', (content) => {
      checkConfiguration(content);
      return content as Configuration;
    });
  }

  keepCredentials({ key, chain, trustBundle }: Credentials): void {
    this.#keep('identity.json', { key, chain, trustBundle });
  }

  keepConfiguration(configuration: Configuration): void {
    this.#keep('configuration.json', configuration);
  }

  /** A file that cannot be used is put aside. */
  #read<T>(name: Name, use: (content: unknown) => T): T | undefined {
    if (this.#directory === undefined) return undefined;
    const path = join(this.#directory, name);
    try {
      const text = readKept(path, LONGEST[name]);
      return text && use(JSON.parse(String(text)));
    } catch (error) {
      if (error instanceof Error && 'syscall' in error) {
        this.#log.warn({ path, reason: error.message }, 'what was kept cannot be read');
        return undefined;
      }
      this.#onDamaged(name === 'identity.json' ? 'identity' : 'configuration');
      this.#try('a damaged file stays where it is', () => {
        this.#log.warn({ path, aside: setAside(path), reason: (error as Error).message }, 'a kept file is damaged');
      });
      return undefined;
    }
  }

  #keep(name: Name, content: object): void {
    if (this.#directory === undefined) return;
    this.#waiting.set(name, content);
    if (!this.#writing) void this.#write(this.#directory);
  }

  async #write(directory: string): Promise<void> {
    this.#writing = true;
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      const [name, content] = next;
      this.#waiting.delete(name);
      const path = join(directory, name);
      try {
        await publishFile(path, JSON.stringify(content), { mode: 0o600 });
      } catch (error) {
        this.#log.warn({ path, reason: (error as Error).message }, 'not kept: a restart needs the control plane');
      }
    }
    this.#writing = false;
  }

  #try(otherwise: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log.warn({ directory: this.#directory, reason: (error as Error).message }, otherwise);
    }
  }
}
