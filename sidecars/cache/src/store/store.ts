/** Where responses are kept: in memory, and behind it on a disk where there is one. */
import type { FieldsView } from '../policy/fields.ts';
import type { DiskEntry, DiskStore } from './disk.ts';
import type { EvictionReason, MemoryStore } from './memory.ts';
import type { Stored } from './stored.ts';

/** Which responses: those of a URL, those with a tag, or those whose URL matches. */
export type Which =
  | { readonly url: string }
  | { readonly tag: string }
  | { readonly matches: (url: string) => boolean };

export class Store {
  readonly memory: MemoryStore;
  readonly disk: DiskStore | undefined;

  constructor(memory: MemoryStore, disk?: DiskStore) {
    this.memory = memory;
    this.disk = disk;
  }

  /** What answers a request. */
  find(key: string, request: Pick<FieldsView, 'get'>): Stored | undefined | Promise<Stored | undefined> {
    const found = this.memory.select(key, request);
    if (found !== undefined || this.disk === undefined) return found;
    const loading = this.disk.find(key, request);
    return loading?.then((loaded) => {
      // Somebody may have stored a newer one while this one was read.
      const newer = this.memory.select(key, request);
      if (newer !== undefined) return newer;
      if (loaded !== undefined) this.memory.put(loaded);
      return loaded;
    });
  }

  put(stored: Stored): void {
    this.memory.put(stored);
    this.disk?.write(stored);
  }

  remove(stored: Stored, reason: EvictionReason): void {
    this.memory.remove(stored, reason);
    this.disk?.remove(stored);
  }

  /** From now on it is stale, whatever its freshness. */
  soften(stored: Stored, now: number): void {
    stored.head = { ...stored.head, staleSince: now };
    const entry = this.disk?.entryOf(stored);
    if (entry !== undefined) this.disk!.soften(entry, now);
  }

  /** Remove responses, or soften them from a time on. @returns how many */
  purge(which: Which, softenAt: number | undefined, reason: 'purged' | 'invalidated'): number {
    const found = this.#inMemory(which);
    for (const stored of found) {
      if (softenAt === undefined) this.remove(stored, reason);
      else this.soften(stored, softenAt);
    }
    const { disk } = this;
    if (disk === undefined) return found.length;
    // Of those in memory the files are gone, or soft, by now.
    const rest = onDisk(disk, which).filter((entry) => softenAt === undefined || entry.staleSince !== softenAt);
    for (const entry of rest) {
      if (softenAt === undefined) disk.removeEntry(entry);
      else disk.soften(entry, softenAt);
    }
    return found.length + rest.length;
  }

  #inMemory(which: Which): Stored[] {
    if ('url' in which) return this.memory.ofUrl(which.url);
    if ('tag' in which) return this.memory.ofTag(which.tag);
    return [...this.memory].filter(({ url }) => which.matches(url));
  }
}

function onDisk(disk: DiskStore, which: Which): DiskEntry[] {
  if ('url' in which) return disk.ofUrl(which.url);
  return 'tag' in which ? disk.ofTag(which.tag) : disk.matching(which.matches);
}
