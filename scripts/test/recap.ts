/** What failed, said once more at the end: a log of a thousand lines is mostly read from there. */

import { stripVTControlCharacters } from 'node:util';

/** Lines kept of one failure. */
const MAX_LINES = 60;

/** A line that says that something failed: at its beginning, or after the name of a stack; ✗ is a whole stack. */
const FAILED = /^(?:(\[[\w-]+\] )?FAILED|✗) /;

/** Listens to what is printed, and keeps what failed. */
export class Recap {
  readonly #failures: string[][] = [];
  /** How the next line begins if it belongs to the last failure; undefined when none does any more. */
  #detail: string | undefined;

  /**
   * Listen to what is printed.
   * @param text one or several lines
   */
  hear(text: string): void {
    for (const [index, line] of stripVTControlCharacters(text).split('\n').entries()) {
      const failed = FAILED.exec(line);
      if (failed) {
        this.#failures.push([line]);
        // Stacks run side by side: lines of another one belong to that.
        this.#detail = `${failed[1] ?? ''}  `;
      } else if (this.#detail !== undefined && (index > 0 || line.startsWith(this.#detail))) {
        const last = this.#failures.at(-1)!;
        if (last.length < MAX_LINES) last.push(line);
        else if (last.length === MAX_LINES) last.push('  …');
      } else {
        this.#detail = undefined;
      }
    }
  }

  /** The lines to print, none when nothing failed. */
  lines(): string[] {
    return this.#failures.length === 0 ? [] : ['', '# what failed', ...this.#failures.flat()];
  }
}
