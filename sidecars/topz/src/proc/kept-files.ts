/**
 * Files of /proc that stay open from scan to scan: opening and closing them would be a quarter of a
 * scan. They also know their process: when it has ended they say so, also when another process got its id.
 */
import { closeSync, openSync } from 'node:fs';
import { attempt } from './attempt.ts';
import { readBounded } from './bounded.ts';
import { parseLimits } from './limits.ts';
import type { Process } from './process.ts';
import { why } from './reader.ts';

/** Most processes whose files are kept; the rest costs a little more. */
const MOST = 1024;
/** Files that are left for everything else. */
const RESERVE = 256;

export class KeptFiles {
  #free: number;

  /** @param proc where our own limit is read */
  constructor(proc: string) {
    const text = attempt(() => readBounded(`${proc}/self/limits`, 16_384)?.toString('latin1'), undefined);
    const limits = parseLimits(text ?? '');
    const soft = limits.find(({ name }) => name === 'open files')?.soft ?? RESERVE;
    this.#free = Math.max(0, Math.min(MOST, Math.floor((soft - RESERVE) / 2)));
  }

  /** Hold a process' files open, if there is room. */
  keep(process: Process, directory: string): void {
    if (this.#free === 0) return;
    let stat: number | undefined;
    try {
      stat = openSync(`${directory}/stat`, 'r');
      process.files = { stat, statm: openSync(`${directory}/statm`, 'r') };
      this.#free--;
    } catch (error) {
      if (stat !== undefined) closeSync(stat);
      why(error);
    }
  }

  release(process: Process): void {
    if (process.files === undefined) return;
    closeSync(process.files.stat);
    closeSync(process.files.statm);
    process.files = undefined;
    this.#free++;
  }
}
