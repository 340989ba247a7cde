/**
 * What leaves the store is memory only when V8 has collected it, and it waits with that for as long as
 * its own heap is small: bodies lie outside. Without this, a process takes up to 64 MB more than it keeps.
 */
import { giveMemoryBack } from '#kit/life/memory.ts';

/** Less than this is not worth the pause of a collection, in bytes. */
const WORTHWHILE = 4 * 1024 * 1024;

export class Garbage {
  readonly #most: number;
  readonly #collect: () => void;
  #bytes = 0;
  #scheduled = false;

  /**
   * @param most bytes that may lie about
   * @param collect a test's seam
   */
  constructor(most: number, collect: () => void = giveMemoryBack) {
    this.#most = Math.max(WORTHWHILE, most);
    this.#collect = collect;
  }

  /** So many bytes are no longer needed. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.#most || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#bytes = 0;
      this.#collect();
    });
  }
}
