/**
 * Giving memory back to the system, after a start and after a peak. V8 collects what ten thousand closed
 * connections left behind only when it needs room again, and glibc keeps the pages of freed memory that lies
 * between what is in use: without this a process stays as large as it ever was.
 *
 * It needs `--expose-gc` and `--experimental-ffi`; without them each half does nothing.
 */
import { cFunctions } from './c-library.ts';

type Collect = (options?: { readonly type: 'minor' }) => void;

/** Collect garbage, and let the C library return free pages to the system. */
export function giveMemoryBack(): void {
  (globalThis as { gc?: Collect }).gc?.();
  trimHeap();
}

/** The same for what was allocated since the last collections alone: some twenty times as fast. */
export function giveYoungMemoryBack(): void {
  (globalThis as { gc?: Collect }).gc?.({ type: 'minor' });
  trimHeap();
}

/**
 * When a start is over, in milliseconds: the sidecar has done for the first time what it does all the time, and
 * when there is work, its hot code has been compiled.
 */
const START_IS_OVER = [10_000, 60_000];

/**
 * Give back, some time from now, what was only needed to start. It keeps no process alive. For sidecars that wait most of
 * the time, or that were measured with and without it: the tls sidecar served a fifth fewer requests with it.
 */
export function giveBackAfterStart(): void {
  for (const after of START_IS_OVER)
    // What compilers had is in heaps of their threads' own. No collection: a pause for what is no garbage.
    setTimeout(trimHeap, after).unref();
}

let trim: ((keep: bigint) => unknown) | undefined;

/** `malloc_trim(3)`, in all heaps of the C library. */
function trimHeap(): void {
  trim ??=
    cFunctions({ malloc_trim: { arguments: ['u64'], return: 'i32' } })?.malloc_trim ?? ((): undefined => undefined);
  trim(0n);
}
