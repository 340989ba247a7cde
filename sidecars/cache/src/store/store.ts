/** All that is stored: one index says what there is; memory and disk are where it lies. */
import type { FieldsView } from '../policy/fields.ts';
import type { DiskStore } from './disk.ts';
import { Entries } from './entries.ts';
import { MemoryStore } from './memory.ts';
import { Purges, type PendingResponse } from './purges.ts';
import { Entry, type Stored } from './stored.ts';
import type { PurgeSelector } from './purge-selector.ts';

export type EvictionReason = 'memory' | 'variants' | 'replaced' | 'purged' | 'invalidated' | 'disk' | 'damaged';

export interface StoreOptions {
  /** Of what lies in memory, and what is under way, in bytes. */
  readonly memory: number;
  /** Bytes of what has left memory and is not collected yet. */
  readonly uncollected?: () => number;
  /** Most responses of one key. */
  readonly maxVariants: number;
  /** A response has left a place. @param bytes of memory that it needs no longer */
  readonly onEvict: (reason: EvictionReason, bytes: number, stored?: Stored) => void;
}

export class Store {
  readonly memory: MemoryStore;
  readonly #options: StoreOptions;
  readonly #entries = new Entries();
  readonly #purges = new Purges();
  #disk: DiskStore | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.memory = new MemoryStore({
      limit: options.memory,
      onFull: (stored) => this.#onFull(stored),
      ...(options.uncollected !== undefined && { uncollected: options.uncollected }),
    });
  }

  get disk(): DiskStore | undefined {
    return this.#disk;
  }

  /** Keep responses on a disk, too. @param entries what it has already, the one that was used last is last */
  attach(disk: DiskStore, entries: Iterable<Entry>): void {
    this.#disk = disk;
    for (const entry of entries) {
      this.#entries.add(entry);
      disk.added(entry);
    }
  }

  /** Of a key, the one that was stored last is last. */
  variants(key: string): readonly Entry[] {
    return this.#entries.variants(key);
  }

  /** What answers a request. */
  find(key: string, request: Pick<FieldsView, 'get'>): Stored | undefined | Promise<Stored | undefined> {
    const entry = this.#entries.select(key, request);
    return entry === undefined || entry.stored !== undefined ? entry?.stored : this.#load(entry);
  }

  async #load(entry: Entry): Promise<Stored | undefined> {
    const bytes = entry.file!.size;
    // What is read needs room like everything else.
    if (!this.memory.reserve(bytes)) return undefined;
    const loaded = await this.#disk!.read(entry);
    this.memory.release(bytes);
    // It may have been purged or replaced while it was read: then it is no longer true.
    if (!entry.alive) return undefined;
    if (loaded === undefined) {
      this.#remove(entry, 'damaged');
      return undefined;
    }
    if (entry.stored !== undefined) return entry.stored;
    this.#disk!.touch(entry);
    if (entry.staleSince !== undefined) loaded.head = { ...loaded.head, staleSince: entry.staleSince };
    loaded.entry = entry;
    entry.stored = loaded;
    if (!this.memory.put(loaded)) this.#leaveMemory(entry, loaded);
    return loaded;
  }

  /** Something begins that may end in a response that is stored. Followed by `end`. */
  begin(): PendingResponse {
    return this.#purges.begin();
  }

  end(begun: PendingResponse): void {
    this.#purges.end(begun);
  }

  /** Whether what it brings was purged after it had begun. */
  isPurged(begun: PendingResponse, found: { readonly url: string; readonly tags: readonly string[] }): boolean {
    return this.#purges.has(begun, found);
  }

  /** Store a response in place of those that its request would have selected. */
  put(stored: Stored): void {
    const entry = new Entry(stored.head);
    const old = this.#entries.same(entry);
    if (old !== undefined) this.#remove(old, 'replaced');
    const variants = this.#entries.variants(entry.key);
    while (variants.length >= this.#options.maxVariants) this.#remove(variants[0]!, 'variants');
    this.#entries.add(entry);
    entry.stored = stored;
    stored.entry = entry;
    // Before it has to leave memory: from then on it lies on the disk.
    this.#disk?.write(entry, stored);
    if (!this.memory.put(stored)) this.#onFull(stored);
  }

  remove({ entry }: Stored, reason: EvictionReason): void {
    if (entry?.alive) this.#remove(entry, reason);
  }

  /** From now on it is stale, whatever its freshness. */
  soften({ entry }: Stored, now: number): void {
    if (entry?.alive) this.#soften(entry, now);
  }

  /**
   * Remove responses, or soften them from a time on. What is under way counts as purged, too; a restart changes nothing.
   * @returns how many
   */
  purge(which: PurgeSelector, softenAt: number | undefined, reason: 'purged' | 'invalidated'): number {
    this.#purges.remember(which);
    const found = this.#entries.of(which);
    this.#disk?.remember(which, softenAt, found);
    for (const entry of found) {
      if (softenAt === undefined) this.#remove(entry, reason);
      else this.#soften(entry, softenAt);
    }
    return found.length;
  }

  #soften(entry: Entry, now: number): void {
    entry.staleSince = now;
    if (entry.stored !== undefined) entry.stored.head = { ...entry.stored.head, staleSince: now };
    this.#disk?.soften(entry);
  }

  #remove(entry: Entry, reason: EvictionReason): void {
    this.#entries.delete(entry);
    const { stored } = entry;
    if (stored?.inMemory === false && this.#disk?.isWriting(entry) === true) this.memory.release(stored.size);
    else if (stored !== undefined) this.memory.remove(stored);
    entry.stored = undefined;
    this.#disk?.remove(entry);
    this.#options.onEvict(reason, stored?.size ?? 0, stored);
  }

  /** It has no room in memory. */
  #onFull(stored: Stored): void {
    const entry = stored.entry!;
    // It is being written: it lies in memory until that has ended.
    if (this.#disk?.isWriting(entry) === true) return this.memory.hold(stored.size);
    if (entry.file === undefined || entry.file.size === 0) return this.#remove(entry, 'memory');
    this.#leaveMemory(entry, stored);
  }

  /** It is on the disk alone from now on; a client that is still given its body keeps that from being collected. */
  #leaveMemory(entry: Entry, stored: Stored): void {
    entry.stored = undefined;
    this.#options.onEvict('memory', stored.size, stored);
  }

  /** A write has ended. */
  onWritten(entry: Entry): void {
    const { stored } = entry;
    if (stored === undefined || stored.inMemory) return;
    this.memory.release(stored.size);
    if (entry.file === undefined) this.#remove(entry, 'memory');
    else this.#leaveMemory(entry, stored);
  }

  /** It has to leave the disk. */
  onDiskFull(entry: Entry): void {
    this.#options.onEvict('disk', 0);
    if (entry.stored === undefined) this.#entries.delete(entry);
  }
}
