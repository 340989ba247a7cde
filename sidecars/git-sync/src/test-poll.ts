/** Waiting for what will come, in tests. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Look until something is there.
 * @param what for the error
 * @param look anything but false, undefined and null ends the wait; an error is looked at again
 * @param within milliseconds
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  within = 20_000,
): Promise<Exclude<T, false | undefined | null>> {
  const deadline = performance.now() + within;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== false && found !== undefined && found !== null)
        return found as Exclude<T, false | undefined | null>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${within} ms${last instanceof Error ? `; last: ${last.message}` : ''}`);
    }
    await sleep(10);
  }
}
