/**
 * The place in memory, and the one budget of everything that is kept or under way: what was not used for the longest
 * time goes first, and nothing is beyond the limit.
 */
import type { Stored } from './stored.ts';

export interface MemoryOptions {
  /** In bytes. */
  readonly limit: number;
  /** A response has to leave, since others need its room. */
  readonly onFull: (stored: Stored) => void;
  /** Bytes of what has left and is not collected yet: they are no room for what comes. */
  readonly uncollected?: () => number;
}

export class MemoryStore {
  readonly #options: MemoryOptions;
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

  /** Of what is under way. */
  get reserved(): number {
    return this.#reserved;
  }

  /** What is under way takes all there is. */
  get full(): boolean {
    return this.#reserved >= this.#options.limit;
  }

  get count(): number {
    return this.#count;
  }

  /** Take room for what is under way. @returns false when there is none, whatever is evicted */
  reserve(bytes: number): boolean {
    const { limit, uncollected } = this.#options;
    if (this.#reserved + bytes + (uncollected?.() ?? 0) > limit) return false;
    this.#reserved += bytes;
    this.#shrink();
    return true;
  }

  /** What has been taken already counts, too. */
  hold(bytes: number): void {
    this.#reserved += bytes;
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
  }

  /** @returns false when it has no room */
  put(stored: Stored): boolean {
    if (stored.size + this.#reserved > this.#options.limit) return false;
    stored.inMemory = true;
    this.#bytes += stored.size;
    this.#count++;
    this.#link(stored);
    this.#shrink();
    return stored.inMemory;
  }

  /** It was used just now. */
  touch(stored: Stored): void {
    if (this.#newest === stored || !stored.inMemory) return;
    this.#unlink(stored);
    this.#link(stored);
  }

  remove(stored: Stored): void {
    if (!stored.inMemory) return;
    stored.inMemory = false;
    this.#bytes -= stored.size;
    this.#count--;
    this.#unlink(stored);
  }

  /** From the one that was used last. */
  *[Symbol.iterator](): Generator<Stored> {
    for (let stored = this.#newest; stored !== undefined; stored = stored.older) yield stored;
  }

  #shrink(): void {
    while (this.#bytes + this.#reserved > this.#options.limit && this.#oldest !== undefined) {
      const stored = this.#oldest;
      this.remove(stored);
      this.#options.onFull(stored);
    }
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
