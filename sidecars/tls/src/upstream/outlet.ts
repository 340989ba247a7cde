/** Writing the application's bytes to a client without copying the large ones. */
import type { Writable } from 'node:stream';
import { recycle, type Arena, type Reading } from './arena.ts';

/** Up to here a copy costs less than lending a buffer does, in bytes. */
const SMALL = 4096;
/** So much may wait for a slow client before the application is read no further, in bytes. */
const HIGH_WATER = 128 * 1024;

export class Outlet {
  readonly #target: Writable;
  /** Buffers on their way, in the order of their writes. */
  readonly #lent: Arena[] = [];
  readonly #onWritten = (error?: Error | null): void => {
    const arena = this.#lent.shift()!;
    // After an error nobody knows who still looks at it.
    if (!error) recycle(arena);
  };

  constructor(target: Writable) {
    this.#target = target;
  }

  /** Whether more may be written now. */
  get ready(): boolean {
    return this.#target.writableLength < HIGH_WATER;
  }

  /**
   * Write a range.
   * @param reading whose arena `bytes` is; undefined when they are nobody else's and stay as they are
   */
  write(bytes: Buffer, start: number, end: number, reading: Reading | undefined): void {
    if (end - start <= SMALL) this.#target.write(bytes.toString('latin1', start, end), 'latin1');
    else if (reading === undefined) this.#target.write(bytes.subarray(start, end));
    else {
      this.#lent.push(reading.lend());
      this.#target.write(bytes.subarray(start, end), this.#onWritten);
    }
  }
}
