/** Writing the application's bytes to a client without copying the large ones. */
import { TLSSocket } from 'node:tls';
import type { Writable } from 'node:stream';
import { StreamWriter } from '#proxy/memory/stream-writer.ts';
import { recycle, type PooledBuffer, type ReadBuffer } from '#proxy/upstream/buffers.ts';

/** Up to here a copy costs less than lending a buffer does, in bytes. */
const SMALL = 4096;
/** A buffer is lent for at least this part of its size: what waits for a slow client holds no more than it must. */
const WORTH_LENDING = 1 / 4;
/** So much may wait for a slow client before the application is read no further, in bytes. */
const HIGH_WATER = 128 * 1024;

export class DownstreamWriter {
  readonly #target: Writable;
  readonly #stream: StreamWriter;
  /** Buffers on their way, in the order of their writes. */
  readonly #lent: PooledBuffer[] = [];
  #lentBytes = 0;
  readonly #onWritten = (error?: Error | null): void => {
    const buffer = this.#lent.shift()!;
    this.#lentBytes -= buffer.size;
    // After an error nobody knows who still looks at it.
    if (!error) recycle(buffer);
  };

  constructor(target: Writable) {
    this.#target = target;
    this.#stream = new StreamWriter(target);
  }

  /** Whether more may be written now. */
  get ready(): boolean {
    return this.#stream.length < HIGH_WATER;
  }

  /** Bytes of memory that wait for the client: over TLS once more as they were enciphered. */
  get kept(): number {
    const bytes = Math.max(this.#stream.length, this.#lentBytes);
    return this.#target instanceof TLSSocket ? 2 * bytes : bytes;
  }

  /** Write Latin-1 text. */
  text(text: string): void {
    this.#stream.text(text);
  }

  /** Before anything else is done with the stream: let what waits in here go ahead. */
  flush(): void {
    this.#stream.flush();
  }

  /** Write a head, as Latin-1 text, and its whole body in one piece. @param body stays as it is */
  writeMessage(head: string, body: Buffer): void {
    if (body.length <= SMALL) {
      this.#stream.text(head + body.toString('latin1'));
      return;
    }
    this.#target.cork();
    this.#stream.text(head);
    this.#stream.write(body);
    this.#target.uncork();
  }

  /**
   * Write a range.
   * @param from whose buffer `bytes` is; undefined when they belong to nobody else and stay as they are
   */
  write(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): void {
    const size = end - start;
    if (size <= SMALL) this.#stream.text(bytes.toString('latin1', start, end));
    else if (from === undefined) this.#stream.write(bytes.subarray(start, end));
    else if (size < from.buffer.size * WORTH_LENDING) this.#stream.write(Buffer.from(bytes.subarray(start, end)));
    else {
      this.#stream.flush();
      const buffer = from.lend();
      this.#lent.push(buffer);
      this.#lentBytes += buffer.size;
      this.#target.write(bytes.subarray(start, end), this.#onWritten);
    }
  }
}
