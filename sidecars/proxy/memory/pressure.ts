/**
 * Memory of what was read and passed on. It lies outside of V8's heap, and V8 collects it only after tens of megabytes:
 * it lets its heap grow as if the process were alone, and knows no container's limit.
 */
import { giveMemoryBack, giveYoungMemoryBack } from '#kit/life/memory.ts';

/** From this part of a container's memory on, its process is under pressure. */
const PRESSURE = 0.5;
/** How often that is looked at, in milliseconds. */
const LOOK = 100;
/** Bytes read after which memory is checked as well; on loopback they may come within a few milliseconds. */
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

export interface PressureOptions {
  /** Of the container, in bytes; 0 for none. */
  readonly limit?: number;
  /** Tests' seams. */
  readonly resident?: () => number;
  readonly collect?: () => void;
  readonly collectYoung?: () => void;
}

let bytes = 0;
let look: (() => void) | undefined;

/** Count bytes that were read, into memory of their own. */
export function received(size: number): void {
  bytes += size;
  if (bytes < LOOK_AFTER) return;
  bytes = 0;
  look?.();
}

/**
 * Collect while the process nears its container's limit. Without `--expose-gc` nothing is collected.
 * @returns what ends it
 */
export function collectUnderPressure(options: PressureOptions = {}): () => void {
  const { limit = process.constrainedMemory(), resident = () => process.memoryUsage.rss() } = options;
  const { collect = giveMemoryBack, collectYoung = giveYoungMemoryBack } = options;
  const pressure = new Pressure(limit);
  look = () => {
    if (!pressure.calls(resident())) return;
    // What was only passed on is young.
    collectYoung();
    if (!pressure.calls(resident())) return;
    collect();
    pressure.collected(resident());
  };
  const timer = setInterval(look, LOOK);
  timer.unref();
  return () => {
    clearInterval(timer);
    look = undefined;
  };
}
