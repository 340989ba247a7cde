/** All that is sent in one turn of the event loop leaves in one piece for each connection. */

import type { Writable } from 'node:stream';

/** From here on a piece is written as it is: to copy it costs more than a further piece, in bytes. */
const LARGE = 16 * 1024;

/** Write pieces in their order, in one call of the system: small ones are joined. */
export function writeTogether(stream: Writable, pieces: readonly Buffer[]): void {
  stream.cork();
  let small: Buffer[] = [];
  const join = (): void => {
    if (small.length > 0) stream.write(small.length === 1 ? small[0]! : Buffer.concat(small));
    small = [];
  };
  for (const piece of pieces) {
    if (piece.length < LARGE) small.push(piece);
    else {
      join();
      stream.write(piece);
    }
  }
  join();
  stream.uncork();
}

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
