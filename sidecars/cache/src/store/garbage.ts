/**
 * What leaves the store is memory only when V8 has collected it, and it waits with that for as long as
 * its own heap is small: bodies lie outside. Without this, a process takes up to 64 MB more than it keeps.
 * A body that a slow client is still given cannot be collected: it counts against the limit until it can.
 */
import { giveMemoryBack } from '#kit/life/memory.ts';

/** Less than this is not worth the pause of a collection, in bytes. */
const WORTHWHILE = 4 * 1024 * 1024;
/** Smaller bodies are copied where they are sent, in bytes. */
const COPIED = 4096;
/** While bodies are in use that have left the store, it is looked so often whether they still are, in milliseconds. */
const LOOK_AGAIN = 1000;

export interface GarbageOptions {
  /** Bytes that may lie about. */
  readonly most: number;
  /** Bodies are in use that have left the store. @param bytes more than before, or less */
  readonly onInUse: (bytes: number) => void;
  /** A test's seam. */
  readonly collect?: () => void;
  /** Whether `collect` does anything: another test's seam. */
  readonly collects?: boolean;
}

export class Garbage {
  readonly #most: number;
  readonly #options: GarbageOptions;
  readonly #collects: boolean;
  #bytes = 0;
  #uncollected = 0;
  #scheduled = false;
  #left: { readonly body: WeakRef<ArrayBufferLike>; readonly size: number }[] = [];
  #inUse = 0;

  constructor(options: GarbageOptions) {
    this.#options = options;
    this.#most = Math.max(WORTHWHILE, options.most);
    this.#collects = options.collects ?? 'gc' in globalThis;
  }

  /** Bytes of bodies that have left the store since the last collection. */
  get uncollected(): number {
    return this.#uncollected;
  }

  /** Count bytes that are no longer needed. @param body that has left the store */
  add(bytes: number, body?: ArrayBufferLike): void {
    if (this.#collects && body !== undefined && bytes > COPIED) {
      this.#left.push({ body: new WeakRef(body), size: bytes });
      this.#uncollected += bytes;
    }
    this.#bytes += bytes;
    if (this.#bytes >= this.#most) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#bytes = 0;
      this.#uncollected = 0;
      (this.#options.collect ?? giveMemoryBack)();
      this.#count();
    });
  }

  #count(): void {
    this.#left = this.#left.filter(({ body }) => body.deref() !== undefined);
    const inUse = this.#left.reduce((sum, { size }) => sum + size, 0);
    if (inUse !== this.#inUse) this.#options.onInUse(inUse - this.#inUse);
    this.#inUse = inUse;
    if (inUse >= WORTHWHILE) setTimeout(() => this.#schedule(), LOOK_AGAIN).unref();
  }
}
