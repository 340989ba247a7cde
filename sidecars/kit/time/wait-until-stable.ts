/** Whether a state lasts: a single good look may have met the process of the version before. */
import { pause } from './backoff.ts';

export interface StableOptions {
  /** How long it must hold without a break, in milliseconds; with 0 one good look is enough. */
  readonly hold: number;
  /** The time in which an unbroken row of good looks must begin, in milliseconds from now. */
  readonly begin: number;
  /** Between two looks, in milliseconds: the first pause and the longest; each is half as long again as the one before. */
  readonly pauses: { readonly first: number; readonly longest: number };
}

/**
 * Look until a state has held without a break for long enough, or can no longer begin to in time.
 * @param look undefined when the state holds, else what is wrong; it sees to its own deadline
 * @param signal ends the wait
 * @returns undefined when it held, else what was wrong last
 * @throws the signal's reason when it is aborted, and what `look` throws
 */
export async function waitUntilStable(
  look: () => Promise<string | undefined>,
  { hold, begin, pauses }: StableOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const latest = performance.now() + begin;
  let since: number | undefined;
  let wait = pauses.first;
  for (;;) {
    const wrong = await look();
    signal.throwIfAborted();
    const now = performance.now();
    if (wrong === undefined) {
      since ??= now;
      if (now - since >= hold) return undefined;
    } else {
      since = undefined;
      // Not a last look in the time that is left: it could say no more than that it had no time.
      if (latest - now < pauses.first) return wrong;
    }
    const left = since === undefined ? latest - now : since + hold - now;
    await pause(Math.max(1, Math.min(wait, left)), signal);
    wait = Math.min(pauses.longest, wait * 1.5);
  }
}
