/** The store in memory: least recently used goes first, and nothing is beyond the limit. */
import { urlOfKey } from '../policy/keys.ts';
import type { FieldsView } from '../policy/fields.ts';
import { selects } from '../policy/vary.ts';
import { addTo, dropFrom } from './set-index.ts';
import type { Stored } from './stored.ts';

export type EvictionReason = 'memory' | 'variants' | 'replaced' | 'purged' | 'invalidated';

export interface MemoryOptions {
  /** In bytes, responses that are on their way into the store among them. */
  readonly limit: number;
  /** Most responses of one key. */
  readonly maxVariants: number;
  /** A response has left the store. */
  readonly onEvict: (stored: Stored, reason: EvictionReason) => void;
}

/** All that is stored under one key; the last one stored is last. */
interface Resource {
  readonly variants: Stored[];
}

export class MemoryStore {
  readonly #options: MemoryOptions;
  readonly #resources = new Map<string, Resource>();
  /** Keys of each URL, where a key is more than that. */
  readonly #keys = new Map<string, Set<string>>();
  readonly #tags = new Map<string, Set<Stored>>();
  #oldest: Stored | undefined;
  #newest: Stored | undefined;
  #bytes = 0;
  #reserved = 0;
  #count = 0;

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  /** Of what is stored. */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** Responses under a key, the last one stored last. */
  variants(key: string): readonly Stored[] {
    return this.#resources.get(key)?.variants ?? NONE;
  }

  /** The response of a key that a request selects (RFC 9111, section 4.1): of several, the last. */
  select(key: string, request: Pick<FieldsView, 'get'>): Stored | undefined {
    const variants = this.#resources.get(key)?.variants;
    if (variants === undefined) return undefined;
    for (let index = variants.length - 1; index >= 0; index--) {
      const stored = variants[index]!;
      if (stored.head.selecting.length === 0 || selects(stored.head.selecting, request)) return stored;
    }
    return undefined;
  }

  /** Take room for a response that is on its way. @returns false when there is none, whatever is evicted */
  reserve(bytes: number): boolean {
    if (this.#reserved + bytes > this.#options.limit) return false;
    this.#reserved += bytes;
    this.#shrink();
    return true;
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
  }

  /** Store a response in place of those that its request would have selected. @returns false when it has no room */
  put(stored: Stored): boolean {
    const { key, selecting, tags } = stored.head;
    let resource = this.#resources.get(key);
    if (resource !== undefined) {
      const wanted = JSON.stringify(selecting);
      for (const other of resource.variants.filter((each) => JSON.stringify(each.head.selecting) === wanted))
        this.remove(other, 'replaced');
      while (resource.variants.length >= this.#options.maxVariants) this.remove(resource.variants[0]!, 'variants');
    }
    if (stored.size + this.#reserved > this.#options.limit) return false;
    // Removing the last of a key has removed its resource.
    resource = this.#resources.get(key);
    if (resource === undefined) {
      resource = { variants: [] };
      this.#resources.set(key, resource);
      const url = urlOfKey(key);
      if (url !== key) addTo(this.#keys, url, key);
    }
    resource.variants.push(stored);
    for (const tag of tags) addTo(this.#tags, tag, stored);
    stored.alive = true;
    this.#bytes += stored.size;
    this.#count++;
    this.#link(stored);
    this.#shrink();
    return true;
  }

  /** It was used just now. */
  touch(stored: Stored): void {
    if (this.#newest === stored || !stored.alive) return;
    this.#unlink(stored);
    this.#link(stored);
  }

  remove(stored: Stored, reason: EvictionReason): void {
    if (!stored.alive) return;
    const { key, tags } = stored.head;
    stored.alive = false;
    const { variants } = this.#resources.get(key)!;
    variants.splice(variants.indexOf(stored), 1);
    if (variants.length === 0) {
      this.#resources.delete(key);
      const url = urlOfKey(key);
      if (url !== key) dropFrom(this.#keys, url, key);
    }
    for (const tag of tags) dropFrom(this.#tags, tag, stored);
    this.#bytes -= stored.size;
    this.#count--;
    this.#unlink(stored);
    this.#options.onEvict(stored, reason);
  }

  /** Everything of a URL. */
  ofUrl(url: string): Stored[] {
    const keys = [url, ...(this.#keys.get(url) ?? [])];
    return keys.flatMap((key) => [...this.variants(key)]);
  }

  ofTag(tag: string): Stored[] {
    return [...(this.#tags.get(tag) ?? [])];
  }

  /** From the one that was used last. */
  *[Symbol.iterator](): Generator<Stored> {
    for (let stored = this.#newest; stored !== undefined; stored = stored.older) yield stored;
  }

  #shrink(): void {
    while (this.#bytes + this.#reserved > this.#options.limit && this.#oldest !== undefined)
      this.remove(this.#oldest, 'memory');
  }

  #link(stored: Stored): void {
    stored.older = this.#newest;
    stored.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = stored;
    this.#newest = stored;
    this.#oldest ??= stored;
  }

  #unlink(stored: Stored): void {
    if (stored.older === undefined) this.#oldest = stored.newer;
    else stored.older.newer = stored.newer;
    if (stored.newer === undefined) this.#newest = stored.older;
    else stored.newer.older = stored.older;
    stored.older = stored.newer = undefined;
  }
}

const NONE: readonly Stored[] = [];
