/** All that is sent in one turn of the event loop leaves in one piece for each connection. */

/** Has something to write. */
export interface Flushable {
  flush(): void;
}

export class Flushing {
  /** Milliseconds, as of the beginning of this turn or the one before. */
  now = performance.now();
  #dirty: Flushable[] = [];
  #scheduled = false;

  /** Let it write at the end of this turn. */
  add(each: Flushable): void {
    this.#dirty.push(each);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    this.now = performance.now();
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const each of dirty) each.flush();
  };
}
