/** Writing the application's bytes to a client without copying the large ones. */
import type { Writable } from 'node:stream';
import { recycle, type PooledBuffer, type ReadBuffer } from '#proxy/upstream/buffers.ts';

/** Up to here a copy costs less than lending a buffer does, in bytes. */
const SMALL = 4096;
/** So much may wait for a slow client before the application is read no further, in bytes. */
const HIGH_WATER = 128 * 1024;

export class DownstreamWriter {
  readonly #target: Writable;
  /** Buffers on their way, in the order of their writes. */
  readonly #lent: PooledBuffer[] = [];
  readonly #onWritten = (error?: Error | null): void => {
    const buffer = this.#lent.shift()!;
    // After an error nobody knows who still looks at it.
    if (!error) recycle(buffer);
  };

  constructor(target: Writable) {
    this.#target = target;
  }

  /** Whether more may be written now. */
  get ready(): boolean {
    return this.#target.writableLength < HIGH_WATER;
  }

  /** Write a head, as Latin-1 text, and its whole body in one piece. @param body stays as it is */
  writeMessage(head: string, body: Buffer): void {
    if (body.length <= SMALL) {
      this.#target.write(head + body.toString('latin1'), 'latin1');
      return;
    }
    this.#target.cork();
    this.#target.write(head, 'latin1');
    this.#target.write(body);
    this.#target.uncork();
  }

  /**
   * Write a range.
   * @param from whose buffer `bytes` is; undefined when they belong to nobody else and stay as they are
   */
  write(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): void {
    if (end - start <= SMALL) this.#target.write(bytes.toString('latin1', start, end), 'latin1');
    else if (from === undefined) this.#target.write(bytes.subarray(start, end));
    else {
      this.#lent.push(from.lend());
      this.#target.write(bytes.subarray(start, end), this.#onWritten);
    }
  }
}
