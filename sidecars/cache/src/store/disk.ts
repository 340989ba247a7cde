/**
 * The store on a disk, behind the one in memory: what is stored is written there too, and read again when
 * memory has let it go, or after a restart. An index of it is kept in memory. Nothing waits for a write,
 * and a disk that is full or broken costs hits and nothing else.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '#kit/life/log.ts';
import type { FieldsView } from '../policy/fields.ts';
import { urlOfKey } from '../policy/keys.ts';
import { selects, type Selecting } from '../policy/vary.ts';
import { decode, encode, nameOf, PREAMBLE, readHead, readPreamble } from './disk-file.ts';
import { addTo, dropFrom } from './set-index.ts';
import type { Stored } from './stored.ts';

/** What is on the disk of one response. */
export interface DiskEntry {
  readonly name: string;
  readonly key: string;
  readonly url: string;
  readonly selecting: Selecting;
  readonly tags: readonly string[];
  /** What it takes of the disk, in bytes. */
  readonly size: number;
  /** See Reusable: it is the file's time of modification, so that it outlives a restart. */
  staleSince: number | undefined;
}

export interface DiskOptions {
  readonly directory: string;
  /** In bytes. */
  readonly limit: number;
  /** Largest body, in bytes. */
  readonly maxObject: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly onEvict: (reason: 'disk' | 'damaged') => void;
}

/** Most files: their index is in memory. */
export const MAX_FILES = 50_000;
/** More than this is not kept waiting for a slow disk, in bytes. */
const MAX_WAITING = 32 * 1024 * 1024;
/** After a failure nothing is written for so long, in milliseconds. */
const PAUSE = 10_000;
/** Files are allotted in blocks. */
const BLOCK = 4096;
/** Largest head, in bytes: fields are bounded by the data plane. */
const MAX_HEAD = 2 * 1024 * 1024;
const NAME = /^[0-9a-f]{40}$/;

export class DiskStore {
  readonly #options: DiskOptions;
  readonly #objects: string;
  readonly #temporary: string;
  /** By name, the one that was used last is last. */
  readonly #entries = new Map<string, DiskEntry>();
  readonly #urls = new Map<string, Set<DiskEntry>>();
  readonly #tags = new Map<string, Set<DiskEntry>>();
  readonly #loading = new Map<string, Promise<Stored | undefined>>();
  /** To be written, by name. */
  readonly #waiting = new Map<string, Stored>();
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #bytes = 0;
  #pausedUntil = 0;

  private constructor(options: DiskOptions) {
    this.#options = options;
    this.#objects = join(options.directory, 'objects');
    this.#temporary = join(options.directory, 'tmp');
  }

  /**
   * Read what is there. What is not whole is deleted.
   * @throws when the directory cannot be read or written
   */
  static async open(options: DiskOptions): Promise<DiskStore> {
    const disk = new DiskStore(options);
    await rm(disk.#temporary, { recursive: true, force: true });
    await mkdir(disk.#temporary, { recursive: true });
    await mkdir(disk.#objects, { recursive: true });
    await disk.#scan();
    return disk;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#entries.size;
  }

  async #scan(): Promise<void> {
    const found: { entry: DiskEntry; at: number }[] = [];
    for (const folder of await readdir(this.#objects)) {
      const path = join(this.#objects, folder);
      for (const name of await readdir(path)) {
        const read = NAME.test(name) ? await readEntry(join(path, name), name).catch(() => undefined) : undefined;
        if (read === undefined) {
          this.#options.onEvict('damaged');
          await rm(join(path, name), { recursive: true, force: true });
        } else found.push(read);
      }
    }
    for (const { entry } of found.toSorted((one, other) => one.at - other.at)) this.#add(entry);
    await this.#shrink();
    if (found.length > 0) this.#options.log.info({ objects: this.count, bytes: this.#bytes }, 'found on disk');
  }

  /** What answers a request. @returns undefined at once when there is nothing */
  find(key: string, request: Pick<FieldsView, 'get'>): Promise<Stored | undefined> | undefined {
    for (const entry of this.#urls.get(urlOfKey(key)) ?? [])
      if (entry.key === key && selects(entry.selecting, request)) return this.#load(entry);
    return undefined;
  }

  async #load(entry: DiskEntry): Promise<Stored | undefined> {
    const { name } = entry;
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) return waiting;
    let loading = this.#loading.get(name);
    if (loading === undefined) {
      loading = this.#read(entry).finally(() => this.#loading.delete(name));
      this.#loading.set(name, loading);
    }
    return await loading;
  }

  async #read(entry: DiskEntry): Promise<Stored | undefined> {
    const bytes = await readFile(this.#path(entry.name)).catch(() => undefined);
    const stored = bytes === undefined ? undefined : decode(bytes, entry.name);
    // It may have been removed or replaced meanwhile.
    if (this.#entries.get(entry.name) !== entry) return undefined;
    if (stored === undefined) {
      this.#options.onEvict('damaged');
      this.#remove(entry);
      return undefined;
    }
    this.#entries.delete(entry.name);
    this.#entries.set(entry.name, entry);
    if (entry.staleSince !== undefined) stored.head = { ...stored.head, staleSince: entry.staleSince };
    return stored;
  }

  /** Write it when there is time; what it replaces is gone from now on. */
  write(stored: Stored): void {
    const name = nameOf(stored.head);
    this.#forget(name);
    if (stored.body.length > this.#options.maxObject || Date.now() < this.#pausedUntil) return;
    if (this.#waitingBytes + stored.size > MAX_WAITING) return;
    this.#waiting.set(name, stored);
    this.#waitingBytes += stored.size;
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
  }

  /** What waits to be written has been, or was given up. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      const next = this.#waiting.entries().next().value;
      if (next === undefined) return;
      const [name, stored] = next;
      try {
        await this.#writeOne(name, stored);
      } catch (error) {
        this.#fail(error);
      } finally {
        this.#unqueue(name, stored);
      }
    }
  }

  async #writeOne(name: string, stored: Stored): Promise<void> {
    const temporary = join(this.#temporary, randomUUID());
    const parts = encode(stored);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        for (const part of parts) await file.writeFile(part);
        // Its time says since when it is stale.
        await file.utimes(stored.head.responseTime / 1000, (stored.head.staleSince ?? 0) / 1000);
      } finally {
        await file.close();
      }
      // It may have been removed, or replaced, while it was written.
      if (this.#waiting.get(name) !== stored) return;
      await mkdir(join(this.#objects, name.slice(0, 2)), { recursive: true });
      await rename(temporary, this.#path(name));
    } finally {
      await rm(temporary, { force: true });
    }
    const { key, selecting, tags, staleSince } = stored.head;
    if (this.#waiting.get(name) !== stored) {
      await rm(this.#path(name), { force: true });
      return;
    }
    this.#add({ name, key, url: urlOfKey(key), selecting, tags, size: onDisk(length), staleSince });
    await this.#shrink();
  }

  /** Nothing can be written for now: what is there is still read. */
  #fail(error: unknown): void {
    this.#pausedUntil = Date.now() + PAUSE;
    this.#options.log.warn({ err: error }, `the disk store cannot write; nothing is written for ${PAUSE / 1000} s`);
    for (const [name, stored] of this.#waiting) this.#unqueue(name, stored);
  }

  #unqueue(name: string, stored: Stored): void {
    if (this.#waiting.get(name) !== stored) return;
    this.#waiting.delete(name);
    this.#waitingBytes -= stored.size;
  }

  /** It is no longer true. */
  remove(stored: Stored): void {
    this.#forget(nameOf(stored.head));
  }

  #forget(name: string): void {
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) this.#unqueue(name, waiting);
    const entry = this.#entries.get(name);
    if (entry !== undefined) this.#remove(entry);
  }

  ofUrl(url: string): DiskEntry[] {
    return [...(this.#urls.get(url) ?? [])];
  }

  ofTag(tag: string): DiskEntry[] {
    return [...(this.#tags.get(tag) ?? [])];
  }

  matching(matches: (url: string) => boolean): DiskEntry[] {
    return [...this.#entries.values()].filter(({ url }) => matches(url));
  }

  /** From now on it is stale, whatever its freshness, and after a restart, too. */
  soften(entry: DiskEntry, now: number): void {
    entry.staleSince = now;
    utimes(this.#path(entry.name), now / 1000, now / 1000).catch(() => this.#remove(entry));
  }

  removeEntry(entry: DiskEntry): void {
    this.#forget(entry.name);
  }

  /** The entry of a response. */
  entryOf(stored: Stored): DiskEntry | undefined {
    return this.#entries.get(nameOf(stored.head));
  }

  #path(name: string): string {
    return join(this.#objects, name.slice(0, 2), name);
  }

  #add(entry: DiskEntry): void {
    const old = this.#entries.get(entry.name);
    if (old !== undefined) this.#unlist(old);
    this.#entries.set(entry.name, entry);
    this.#bytes += entry.size;
    addTo(this.#urls, entry.url, entry);
    for (const tag of entry.tags) addTo(this.#tags, tag, entry);
  }

  #unlist(entry: DiskEntry): void {
    this.#entries.delete(entry.name);
    this.#bytes -= entry.size;
    dropFrom(this.#urls, entry.url, entry);
    for (const tag of entry.tags) dropFrom(this.#tags, tag, entry);
  }

  #remove(entry: DiskEntry): void {
    if (this.#entries.get(entry.name) !== entry) return;
    this.#unlist(entry);
    // A file that stays is found at the next start: it must not come back as true.
    rm(this.#path(entry.name), { force: true }).catch((error: unknown) =>
      this.#options.log.warn({ err: error, name: entry.name }, 'a file could not be deleted'),
    );
  }

  async #shrink(): Promise<void> {
    for (const entry of this.#entries.values()) {
      if (this.#bytes <= this.#options.limit && this.#entries.size <= MAX_FILES) return;
      this.#options.onEvict('disk');
      this.#unlist(entry);
      await rm(this.#path(entry.name), { force: true });
    }
  }
}

const onDisk = (length: number): number => Math.ceil(length / BLOCK) * BLOCK;

/** @returns undefined for what is not whole */
async function readEntry(path: string, name: string): Promise<{ entry: DiskEntry; at: number } | undefined> {
  const file = await open(path, 'r');
  try {
    const { size, mtimeMs, atimeMs } = await file.stat();
    const preamble = Buffer.alloc(PREAMBLE);
    await file.read(preamble, 0, PREAMBLE, 0);
    const lengths = readPreamble(preamble);
    if (lengths === undefined || lengths.head > MAX_HEAD || size !== PREAMBLE + lengths.head + lengths.body)
      return undefined;
    const json = Buffer.alloc(lengths.head);
    await file.read(json, 0, lengths.head, PREAMBLE);
    const head = readHead(json);
    if (head === undefined || nameOf(head) !== name) return undefined;
    const { key, selecting, tags } = head;
    const staleSince = mtimeMs > 0 ? mtimeMs : undefined;
    return { entry: { name, key, url: urlOfKey(key), selecting, tags, size: onDisk(size), staleSince }, at: atimeMs };
  } finally {
    await file.close();
  }
}
