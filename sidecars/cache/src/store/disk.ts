/**
 * The place on a disk, behind the one in memory: what is stored is written there too, and read again when memory has
 * let it go, or after a restart. Nothing waits for a write, and a disk that is full or broken costs hits and nothing
 * else. Each file has a name of its own, with a serial number, so that deleting an old one never meets a new one.
 */
import { rmSync } from 'node:fs';
import { open, readFile, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '#kit/telemetry/log.ts';
import { decode, encode, fileNameOf } from './disk-file.ts';
import { makeDirectory, onDisk, scan } from './disk-scan.ts';
import { PurgeJournal } from './journal.ts';
import { indexSizeOf, type DiskFile, type Entry, type Stored } from './stored.ts';
import type { PurgeSelector } from './purge-selector.ts';

export interface DiskOptions {
  readonly directory: string;
  /** In bytes. */
  readonly limit: number;
  /** Of the index of what is on the disk, which lies in memory, in bytes. */
  readonly indexLimit: number;
  /** Largest body, in bytes. */
  readonly maxObject: number;
  /** Of what waits to be written, in bytes. */
  readonly maxWaiting: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** A file was not whole. */
  readonly onDamaged: () => void;
}

/** Whose entries they are. */
export interface DiskOwner {
  /** A write has ended; the entry has no file where it failed. */
  onWritten(entry: Entry): void;
  /** An entry has to leave the disk. */
  onDiskFull(entry: Entry): void;
}

/** Most files. */
export const MAX_FILES = 50_000;
/** After a failure nothing is written for so long, in milliseconds. */
const PAUSE = 10_000;

export class DiskStore {
  readonly #options: DiskOptions;
  readonly #objects: string;
  readonly #temporary: string;
  #journal!: PurgeJournal;
  #owner!: DiskOwner;
  /** What is written; the one that was used last is last. */
  readonly #written = new Set<Entry>();
  readonly #loading = new Map<Entry, Promise<Stored | undefined>>();
  /** To be written, in their order. */
  readonly #waiting = new Map<Entry, Stored>();
  #current: Entry | undefined;
  #waitingBytes = 0;
  #working: Promise<void> | undefined;
  /** Files that are being deleted or made stale. */
  #changing = 0;
  #bytes = 0;
  #indexBytes = 0;
  #serial = 0;
  #pausedUntil = 0;

  private constructor(options: DiskOptions) {
    this.#options = options;
    this.#objects = join(options.directory, 'objects');
    this.#temporary = join(options.directory, 'tmp');
  }

  /**
   * Read what is there. What is not whole, or was purged, is deleted.
   * @param attach takes what is there, and says whose it is
   * @throws when the directory cannot be read or written
   */
  static async open(
    options: DiskOptions,
    attach: (disk: DiskStore, entries: readonly Entry[]) => DiskOwner,
  ): Promise<DiskStore> {
    const disk = new DiskStore(options);
    const journal = join(options.directory, 'purges');
    await rm(disk.#temporary, { recursive: true, force: true });
    await makeDirectory(disk.#temporary);
    const purges = PurgeJournal.read(journal);
    // Where nobody can tell what was purged, nothing of before may be served.
    if (purges === undefined) {
      options.log.warn({ journal }, 'the journal of purges cannot be used: what is stored is deleted');
      options.onDamaged();
      await rm(disk.#objects, { recursive: true, force: true });
    }
    await makeDirectory(disk.#objects);
    const found = await scan(disk.#objects, purges ?? [], options.onDamaged);
    for (const { serial } of [...found, ...(purges ?? [])]) disk.#serial = Math.max(disk.#serial, serial);
    await rm(journal, { recursive: true, force: true });
    disk.#journal = new PurgeJournal(journal);
    const entries = found.map(({ entry }) => entry);
    disk.#owner = attach(disk, entries);
    await disk.#shrink();
    if (entries.length > 0) options.log.info({ objects: disk.count, bytes: disk.bytes }, 'found on disk');
    return disk;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#written.size;
  }

  /** It is on the disk. */
  added(entry: Entry): void {
    this.#written.add(entry);
    this.#bytes += entry.file!.size;
    this.#indexBytes += indexSizeOf(entry);
  }

  /** It was used just now. */
  touch(entry: Entry): void {
    if (this.#written.delete(entry)) this.#written.add(entry);
  }

  /** @returns undefined for what is not whole any more */
  async read(entry: Entry): Promise<Stored | undefined> {
    let loading = this.#loading.get(entry);
    if (loading === undefined) {
      const name = fileNameOf(entry, entry.file!.serial);
      loading = readFile(this.#path(name))
        .then((bytes) => decode(bytes, name))
        .catch(() => undefined)
        .finally(() => this.#loading.delete(entry));
      this.#loading.set(entry, loading);
    }
    return await loading;
  }

  /** Write it when there is time. */
  write(entry: Entry, stored: Stored): void {
    if (stored.body.length > this.#options.maxObject || Date.now() < this.#pausedUntil) return;
    if (this.#waitingBytes + stored.size > this.#options.maxWaiting) return;
    entry.file = { serial: ++this.#serial, size: 0 };
    this.#waiting.set(entry, stored);
    this.#waitingBytes += stored.size;
    this.#working ??= this.#writeAll().finally(() => {
      this.#working = undefined;
      this.#forget();
    });
  }

  /** It is being written just now. */
  isWriting(entry: Entry): boolean {
    return this.#current === entry;
  }

  /** What waits to be written has been, or was given up. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  close(): void {
    this.#journal.close();
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      const next = this.#waiting.entries().next().value;
      if (next === undefined) return;
      const [entry, stored] = next;
      this.#current = entry;
      try {
        await this.#writeOne(entry, entry.file!, stored);
      } catch (error) {
        this.#fail(error);
      } finally {
        this.#current = undefined;
        this.#unqueue(entry, stored);
        if (entry.alive) this.#owner.onWritten(entry);
      }
      await this.#shrink();
      this.#forget();
    }
  }

  async #writeOne(entry: Entry, file: DiskFile, stored: Stored): Promise<void> {
    const name = fileNameOf(entry, file.serial);
    const temporary = join(this.#temporary, name);
    const parts = encode(stored);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    await makeDirectory(this.#temporary);
    try {
      const handle = await open(temporary, 'w', 0o600);
      try {
        for (const part of parts) await handle.writeFile(part);
        // Its time says since when it is stale.
        await handle.utimes(stored.head.responseTime / 1000, (entry.staleSince ?? 0) / 1000);
      } finally {
        await handle.close();
      }
      if (!entry.alive) return;
      await makeDirectory(join(this.#objects, name.slice(0, 2)));
      await rename(temporary, this.#path(name));
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
    if (!entry.alive) return this.#delete(entry, file);
    file.size = onDisk(length);
    this.added(entry);
    if (entry.staleSince !== undefined) this.soften(entry);
  }

  /** Nothing can be written for now: what is there is still read. */
  #fail(error: unknown): void {
    this.#pausedUntil = Date.now() + PAUSE;
    this.#options.log.warn({ err: error }, `the disk store cannot write; nothing is written for ${PAUSE / 1000} s`);
    for (const [entry, stored] of this.#waiting) this.#unqueue(entry, stored);
  }

  #unqueue(entry: Entry, stored: Stored): void {
    if (!this.#waiting.delete(entry)) return;
    this.#waitingBytes -= stored.size;
    if (entry.file?.size === 0) entry.file = undefined;
  }

  /**
   * A purge begins: a restart must not bring back what it removes.
   * @param softenAt it only makes stale, from then on
   * @param found all that it finds, some of it on the disk
   */
  remember(which: PurgeSelector, softenAt: number | undefined, found: readonly Entry[]): void {
    const files = found.filter(({ file }) => file !== undefined);
    if (files.length === 0) return;
    if (this.#journal.add({ serial: ++this.#serial, which, softenAt })) return;
    // There is no room for a line: the files go before the purge is answered.
    for (const entry of files) {
      const name = fileNameOf(entry, entry.file!.serial);
      try {
        rmSync(this.#path(name), { force: true });
      } catch (error) {
        this.#options.log.warn({ err: error, name }, 'a file could not be deleted');
      }
    }
  }

  /** From now on it is stale, whatever its freshness, and after a restart, too. */
  soften(entry: Entry): void {
    const { file, staleSince } = entry;
    if (file === undefined || file.size === 0) return;
    const seconds = staleSince! / 1000;
    this.#change(utimes(this.#path(fileNameOf(entry, file.serial)), seconds, seconds));
  }

  /** It is no longer true. */
  remove(entry: Entry): void {
    const { file } = entry;
    if (file === undefined) return;
    const waiting = this.#waiting.get(entry);
    // What is being written sees that it is no longer in the index.
    if (waiting !== undefined && this.#current !== entry) this.#unqueue(entry, waiting);
    if (file.size === 0) return;
    this.#unlist(entry);
    this.#delete(entry, file);
  }

  #unlist(entry: Entry): void {
    if (!this.#written.delete(entry)) return;
    this.#bytes -= entry.file!.size;
    this.#indexBytes -= indexSizeOf(entry);
    entry.file = undefined;
  }

  #delete(entry: Entry, { serial }: DiskFile): void {
    this.#change(rm(this.#path(fileNameOf(entry, serial)), { force: true }));
  }

  #change(change: Promise<unknown>): void {
    this.#changing++;
    change
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'a file could not be changed'))
      .finally(() => {
        this.#changing--;
        this.#forget();
      });
  }

  /** Purges are remembered until every write that had begun before them has ended, and every file is gone. */
  #forget(): void {
    if (this.#journal.empty || this.#changing > 0) return;
    for (const entry of this.#waiting.keys()) {
      if (entry.file!.serial < this.#journal.last) return;
      break;
    }
    this.#journal.clear();
  }

  #path(name: string): string {
    return join(this.#objects, name.slice(0, 2), name);
  }

  async #shrink(): Promise<void> {
    const { limit, indexLimit } = this.#options;
    for (const entry of this.#written) {
      if (this.#bytes <= limit && this.#written.size <= MAX_FILES && this.#indexBytes <= indexLimit) return;
      const file = entry.file!;
      this.#unlist(entry);
      this.#owner.onDiskFull(entry);
      await rm(this.#path(fileNameOf(entry, file.serial)), { force: true }).catch(() => undefined);
    }
  }
}
