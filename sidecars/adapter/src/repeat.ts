/** Work that comes again and again until the end. */
import { pause } from '#kit/time/backoff.ts';

/**
 * Do it now, and again an interval after it has ended; one that fails does not end the others.
 * @param failed hears of each that threw
 * @returns when the signal is aborted and what was under way has ended
 */
export async function repeat(
  interval: number,
  signal: AbortSignal,
  work: () => Promise<void>,
  failed: (error: Error) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      failed(error as Error);
    }
    await pause(interval, signal).catch(() => {});
  }
}
