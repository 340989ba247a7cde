/** For tests: wait for a state. */
import { setTimeout as pause } from 'node:timers/promises';

/** Wait until something holds, or fail after a deadline in milliseconds. */
export async function eventually(look: () => boolean, what: string, within = 30_000): Promise<void> {
  const deadline = performance.now() + within;
  while (!look()) {
    if (performance.now() > deadline) throw new Error(`waited ${within / 1000} s in vain for ${what}`);
    await pause(5);
  }
}
