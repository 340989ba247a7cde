/**
 * Giving memory back after a peak. V8 collects what ten thousand closed connections left behind only
 * when it needs room again, and glibc keeps the pages of freed memory that lies between what is in
 * use: without this a process stays as large as it ever was.
 *
 * It needs `--expose-gc` and `--experimental-ffi`; without them each half does nothing.
 */

/** Fewer than this many are not worth the pause of a collection. */
const WORTHWHILE = 500;
/** How long after the fall it is given back, in milliseconds: what falls may fall further. */
const QUIET = 1000;

/** Collect garbage, and let the C library return free pages to the system. */
export function giveMemoryBack(): void {
  (globalThis as { gc?: () => void }).gc?.();
  trim ??= findTrim();
  trim(0n);
}

let trim: ((keep: bigint) => unknown) | undefined;

/** `malloc_trim(3)`, where this process may call it and its C library has it. */
function findTrim(): (keep: bigint) => unknown {
  const nothing = (): undefined => undefined;
  if (!process.execArgv.includes('--experimental-ffi')) return nothing;
  try {
    const { dlopen } = process.getBuiltinModule('node:ffi');
    const { functions } = dlopen(null, { malloc_trim: { arguments: ['u64'], return: 'i32' } });
    return (keep) => functions.malloc_trim(keep);
  } catch {
    return nothing;
  }
}

/** Follows how many things are open, and gives memory back when most of a peak are gone. */
export class PeakMemory {
  readonly #giveBack: () => void;
  #peak = 0;
  #open = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param giveBack a test's seam */
  constructor(giveBack: () => void = giveMemoryBack) {
    this.#giveBack = giveBack;
  }

  /** @param open how many are open now */
  update(open: number): void {
    this.#open = open;
    if (open > this.#peak) this.#peak = open;
    // Each time at least half are gone: a long fall takes a few looks only.
    else if (this.#timer === undefined && open * 2 <= this.#peak && this.#peak - open >= WORTHWHILE)
      this.#timer = setTimeout(() => this.#fell(), QUIET).unref();
  }

  #fell(): void {
    this.#timer = undefined;
    if (this.#open * 2 > this.#peak) return;
    this.#peak = this.#open;
    this.#giveBack();
  }
}
