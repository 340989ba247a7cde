/**
 * Writing to a stream in few pieces. Each piece that waits in a stream costs some hundred bytes beside its own, and may
 * hold a much larger buffer that it was cut from: so pieces that come while others are on their way are joined in
 * blocks, which leave when those have left.
 */
import type { Writable } from 'node:stream';

/** Up to here a piece is joined with others; a larger one waits by itself. In bytes. */
const JOINED = 16 * 1024;
/** The first block of a stream; further ones double up to JOINED. */
const FIRST_BLOCK = 1024;

export class StreamWriter {
  readonly #target: Writable;
  /** Pieces that wait for what is on its way. */
  #block: Buffer | undefined;
  #end = 0;
  #blockSize = FIRST_BLOCK;
  /** `#onLeft` will be called. */
  #told = false;
  readonly #onLeft = (error?: Error | null): void => {
    this.#told = false;
    if (!error) this.flush(this.#onLeft);
  };

  /** `#onTurn` will be called. */
  #scheduled = false;
  readonly #onTurn = (): void => {
    this.#scheduled = false;
    if (!this.#told) this.flush();
  };

  constructor(target: Writable) {
    this.#target = target;
  }

  /** Bytes that wait in all. */
  get length(): number {
    return this.#target.writableLength + this.#end;
  }

  /** So much waits that `drain` will tell when it has left. */
  get blocked(): boolean {
    return this.#target.writableNeedDrain;
  }

  /** Write Latin-1 text in one piece with what else is gathered before the current callback ends: a system call for all. */
  gather(text: string): void {
    if (text.length > JOINED) return this.text(text);
    const block = this.#room(text.length);
    this.#end += block.write(text, this.#end, 'latin1');
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#onTurn);
  }

  /** Write Latin-1 text. */
  text(text: string): void {
    if (this.length === 0 || text.length > JOINED) {
      this.flush();
      this.#target.write(text, 'latin1');
    } else if (this.#told || this.#block !== undefined) {
      const block = this.#room(text.length);
      this.#end += block.write(text, this.#end, 'latin1');
    } else this.#target.write(text, 'latin1', this.#tell());
  }

  /**
   * Write bytes, which are the stream's from here on where they are many, and otherwise are copied unless the stream
   * has nothing else to do.
   */
  write(bytes: Buffer): void {
    if (this.length === 0 || bytes.length > JOINED) {
      this.flush();
      this.#target.write(bytes);
    } else if (this.#told || this.#block !== undefined) {
      const block = this.#room(bytes.length);
      bytes.copy(block, this.#end);
      this.#end += bytes.length;
    } else this.#target.write(Buffer.from(bytes), this.#tell());
  }

  /** Let what was joined take its place in the stream: before anything else is done with it. */
  flush(onLeft?: (error?: Error | null) => void): void {
    const block = this.#block;
    if (block === undefined) return;
    const end = this.#end;
    this.#block = undefined;
    this.#end = 0;
    if (this.#target.destroyed || this.#target.writableEnded) return;
    if (onLeft === undefined) this.#target.write(block.subarray(0, end));
    else {
      this.#told = true;
      this.#target.write(block.subarray(0, end), onLeft);
    }
  }

  #tell(): (error?: Error | null) => void {
    this.#told = true;
    return this.#onLeft;
  }

  /** The block, with room for a number of bytes after `#end`. */
  #room(size: number): Buffer {
    if (this.#block !== undefined && this.#end + size > this.#block.length) {
      this.flush();
      this.#blockSize = Math.min(JOINED, this.#blockSize * 2);
    }
    return (this.#block ??= Buffer.allocUnsafeSlow(Math.max(size, this.#blockSize)));
  }
}
