/** Moments, in the ways in which they are compared. */
import { readFileSync } from 'node:fs';

/** Clock ticks a second in proc(5): USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS = 100;

/**
 * Clock ticks since the machine's start, as start times of processes are counted.
 * @returns -1 where there is no /proc: then every process counts as started later
 */
export function ticksNow(): number {
  try {
    return Math.ceil(Number(readFileSync('/proc/uptime', 'latin1').split(' ', 1)[0]) * TICKS);
  } catch {
    return -1;
  }
}
