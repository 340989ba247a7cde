/** Sessions on disk, sealed, a file each: those of the server store, and those whose cookies are out of date. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { publishFile, removeStrays } from '#kit/files/atomic-file.ts';
import { Lru } from '../lib/lru.ts';
import type { Seal } from '../lib/seal.ts';
import { asSession, type Session } from './session.ts';

/** Most sessions that are kept in memory besides. */
const CACHED = 2000;
const NAME = /^[\w-]{43}$/;

export class Records {
  readonly #directory: string;
  readonly #seal: Seal;
  readonly #cache = new Lru<Session>(CACHED);
  /** Names of all files that there are. */
  readonly #names = new Set<string>();
  /** By name, what is being written: the last one called is the last one written. */
  readonly #writing = new Map<string, Promise<void>>();

  private constructor(directory: string, seal: Seal) {
    this.#directory = directory;
    this.#seal = seal;
  }

  /** @param directory is made where it is missing @throws the file system's error */
  static async open(directory: string, seal: Seal): Promise<Records> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await removeStrays(directory);
    const records = new Records(directory, seal);
    for (const name of await readdir(directory)) if (NAME.test(name)) records.#names.add(name);
    return records;
  }

  get size(): number {
    return this.#names.size;
  }

  /** Whether there may be a record; cheap. */
  has(key: string): boolean {
    return this.#names.size > 0 && this.#names.has(nameOf(key));
  }

  /** What is in memory. */
  cached(key: string): Session | undefined {
    return this.#cache.get(key);
  }

  async get(key: string): Promise<Session | undefined> {
    const cached = this.#cache.get(key);
    if (cached !== undefined || !this.has(key)) return cached;
    const text = await readFile(join(this.#directory, nameOf(key)), 'utf8').catch(() => '');
    const session = asSession(await this.#seal.open('record', text));
    // Meanwhile somebody may have written a newer one, or removed it.
    if (session !== undefined && this.has(key) && this.#cache.get(key) === undefined) this.#cache.set(key, session);
    return this.#cache.get(key);
  }

  /** Write a session down; it is on disk when this returns. */
  async set(key: string, session: Session): Promise<void> {
    this.#cache.set(key, session);
    const name = nameOf(key);
    this.#names.add(name);
    await this.#inTurn(name, async () => {
      const text = await this.#seal.seal('record', session);
      await publishFile(join(this.#directory, name), text, { mode: 0o600, lasting: false });
    });
  }

  async delete(key: string): Promise<void> {
    this.#cache.delete(key);
    const name = nameOf(key);
    if (!this.#names.delete(name)) return;
    await this.#inTurn(name, () => unlink(join(this.#directory, name)).catch(() => {}));
  }

  async #inTurn(name: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#writing.get(name) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => {});
    this.#writing.set(name, settled);
    try {
      await turn;
    } finally {
      if (this.#writing.get(name) === settled) this.#writing.delete(name);
    }
  }

  /** Remove files that were not written for a time, in milliseconds. */
  async removeOlderThan(age: number): Promise<void> {
    for (const name of this.#names) {
      const path = join(this.#directory, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && Date.now() - found.mtimeMs < age) continue;
      this.#names.delete(name);
      await unlink(path).catch(() => {});
    }
  }
}

/** A file's name tells nothing that a cookie could be made of. */
const nameOf = (key: string): string => createHash('sha256').update(key).digest('base64url');
