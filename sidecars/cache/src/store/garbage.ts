/**
 * What leaves the store is memory only when V8 has collected it, and it waits with that for as long as
 * its own heap is small: bodies lie outside. Without this, a process takes up to 64 MB more than it keeps.
 * A body that a slow client is still given cannot be collected: it counts against the limit until it can.
 */
import { giveMemoryBack, giveYoungMemoryBack } from '#kit/life/memory.ts';

/** Less than this is not worth the pause of a collection, in bytes. */
const WORTHWHILE = 4 * 1024 * 1024;
/** Smaller bodies are copied where they are sent, in bytes. */
const COPIED = 4096;
/** While bodies are in use that have left the store, it is looked so often whether they still are, in milliseconds. */
const LOOK_AGAIN = 1000;

/** From this part of a container's memory on, its process is under pressure. */
const PRESSURE = 0.5;
/** How often that is looked at, in milliseconds. */
const LOOK = 100;
/** Bytes after which memory is checked as well; on loopback they may come within a few milliseconds. */
const LOOK_AFTER = 8 * 1024 * 1024;
/** So much more than after the last collection is worth another one, in bytes. */
const GROWN = 16 * 1024 * 1024;

/** Whether a process that nears its container's limit has grown so much that a collection is worth its pause. */
export class Pressure {
  readonly #limit: number;
  /** The least since the last collection. */
  #least = 0;

  /** @param limit of the container, in bytes; 0 for none */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param resident bytes of the process now */
  calls(resident: number): boolean {
    this.#least = Math.min(this.#least, resident);
    return this.#limit > 0 && resident >= this.#limit * PRESSURE && resident >= this.#least + GROWN;
  }

  /** @param resident bytes of the process after a collection */
  collected(resident: number): void {
    this.#least = resident;
  }
}

export interface PressureWatch {
  /** Count bytes that have come, each read into memory of its own. */
  received(bytes: number): void;
  stop(): void;
}

export interface PressureOptions {
  /** Of the container, in bytes; 0 for none. */
  readonly limit?: number;
  /** Tests' seams. */
  readonly resident?: () => number;
  readonly collect?: () => void;
  readonly collectYoung?: () => void;
}

/** Collect while the process nears its container's limit: V8 lets its heap grow as if it were alone, and knows no limit. */
export function collectUnderPressure(options: PressureOptions = {}): PressureWatch {
  const { limit = process.constrainedMemory(), resident = () => process.memoryUsage.rss() } = options;
  const { collect = giveMemoryBack, collectYoung = giveYoungMemoryBack } = options;
  const pressure = new Pressure(limit);
  let bytes = 0;
  const look = (): void => {
    bytes = 0;
    if (!pressure.calls(resident())) return;
    // What was only passed on is young.
    collectYoung();
    if (!pressure.calls(resident())) return;
    collect();
    pressure.collected(resident());
  };
  const timer = setInterval(look, LOOK);
  timer.unref();
  return {
    received(more) {
      bytes += more;
      if (bytes >= LOOK_AFTER) look();
    },
    stop: () => clearInterval(timer),
  };
}

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
