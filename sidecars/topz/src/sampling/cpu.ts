/**
 * Use of the processor between two looks.
 *
 * The kernel counts in ticks of 10 ms, so a window must not be short; looks come when somebody asks,
 * so two may come at once. Two beginnings are kept, at least a window's length apart: the newer one
 * counts once it is old enough, else the older one.
 */
import type { Mark, Process } from '../proc/process.ts';

/** Least length of a window in milliseconds, somewhat less than the second between two usual looks. */
export const WINDOW = 900;
/** A first look that follows the start so soon still tells something, if not much. */
const FIRST_WINDOW = 200;

export class CpuWindow {
  /** Length of the last window in milliseconds; undefined before there is one. */
  length: number | undefined;
  #older: number | undefined;
  #newer: number | undefined;
  readonly #ticksPerSecond: number;

  constructor(ticksPerSecond: number) {
    this.#ticksPerSecond = ticksPerSecond;
  }

  /**
   * Work out each process's share since the window's beginning.
   * @param processes of a scan
   * @param now when the scan ended, on the clock of `performance.now()`
   */
  update(processes: Iterable<Process>, now: number): void {
    const old = this.#newer !== undefined && now - this.#newer >= WINDOW;
    const early = this.#older === undefined && this.#newer !== undefined && now - this.#newer >= FIRST_WINDOW;
    const useNewer = old || early;
    const begin = useNewer ? this.#newer : this.#older;
    this.length = begin === undefined ? undefined : now - begin;
    for (const process of processes) {
      process.cpuPercent =
        begin === undefined ? null : this.#share(process, useNewer ? process.newer : process.older, begin);
      if (!old && this.#newer !== undefined) continue;
      copy(process.newer, process.older);
      process.newer.ticks = process.ticks;
      process.newer.at = process.readAt;
    }
    if (old || this.#newer === undefined) {
      this.#older = this.#newer;
      this.#newer = now;
    }
  }

  /** @param begin when the window began for processes that are younger than it: they used nothing before */
  #share(process: Process, mark: Mark, begin: number): number {
    const milliseconds = process.readAt - (mark.at === 0 ? begin : mark.at);
    return ((process.ticks - mark.ticks) / this.#ticksPerSecond / milliseconds) * 100_000;
  }
}

function copy(from: Mark, to: Mark): void {
  to.ticks = from.ticks;
  to.at = from.at;
}
