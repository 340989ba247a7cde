/** For tests: a file that moves while others are looked at. */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file beside those of the writer that is called otherwise whenever it is looked at, so many times. */
export class Neighbour {
  readonly #directory: string;
  #number = 0;
  #left = 0;

  constructor(directory: string) {
    this.#directory = directory;
    writeFileSync(this.#path, '');
  }

  get #path(): string {
    return join(this.#directory, `neighbour-${this.#number}.log`);
  }

  begin(moves: number): void {
    this.#left = moves;
    appendFileSync(this.#path, `neighbour ${this.#number}\n`);
  }

  /** It is about to be looked at. @returns whether it has moved for the last time */
  moves(path: string | undefined): boolean {
    if (path !== this.#path || this.#left === 0) return false;
    const before = this.#path;
    this.#number += 1;
    this.#left -= 1;
    renameSync(before, this.#path);
    return this.#left === 0;
  }
}
