/** What failed, said once more at the end: a log of a thousand lines is mostly read from there. */

import { stripVTControlCharacters } from 'node:util';

/** Lines kept of one failure. */
const MAX_LINES = 60;

/** A line that says that something failed: at its beginning, or after the name of a stack; ✗ is a whole stack. */
const FAILED = /^(?:(?:\[[\w-]+\] )?FAILED|✗) /;
/** A line that belongs to the one before it. */
const DETAIL = /^(?:\[[\w-]+\] )? {2}/;

/** Listens to what is printed, and keeps what failed. */
export class Recap {
  readonly #failures: string[][] = [];
  /** Whether the next lines may still belong to the last failure. */
  #open = false;

  /**
   * Listen to what is printed.
   * @param text one or several lines
   */
  hear(text: string): void {
    for (const [index, line] of stripVTControlCharacters(text).split('\n').entries()) {
      if (FAILED.test(line)) {
        this.#failures.push([line]);
        this.#open = true;
      } else if (this.#open && (index > 0 || DETAIL.test(line))) {
        const last = this.#failures.at(-1)!;
        if (last.length < MAX_LINES) last.push(line);
        else if (last.length === MAX_LINES) last.push('  …');
      } else {
        this.#open = false;
      }
    }
  }

  /** The lines to print, none when nothing failed. */
  lines(): string[] {
    return this.#failures.length === 0 ? [] : ['', '# what failed', ...this.#failures.flat()];
  }
}
