/** A stream of an HTTP/2 connection as a duplex stream, for what is relayed as it comes (RFC 8441). */
import { Duplex } from 'node:stream';
import { CANCEL, NO_ERROR } from '#proxy/http2/codes.ts';
import type { Http2Connection } from '#proxy/http2/connection.ts';
import { ByteQueue } from '#proxy/memory/byte-queue.ts';
import type { Http2Stream } from '#proxy/http2/stream.ts';

export class Http2Tunnel<User> extends Duplex {
  readonly #connection: Http2Connection<User>;
  readonly #stream: Http2Stream<User>;
  /** Bytes of the peer were refused, and it waits. */
  #held = false;
  /** What came while it is read no further. */
  readonly #waiting = new ByteQueue();
  /** The reader wants more: `_read` was called, and nothing pushed since. */
  #wanted = false;
  #written: (() => void) | undefined;

  constructor(connection: Http2Connection<User>, stream: Http2Stream<User>) {
    super({ allowHalfOpen: true, decodeStrings: false });
    this.#connection = connection;
    this.#stream = stream;
    this.on('error', () => {});
  }

  /** Data of the client. @returns false when it is kept for now */
  receive(data: Buffer): boolean {
    if (this.#waiting.size === 0 && this.readableFlowing === true && this.readableLength === 0) {
      this.#wanted = false;
      if (this.push(data)) return true;
    } else {
      // All that comes in one turn is one piece: each has a price in a stream's queue.
      if (this.#wanted && this.#waiting.size === 0) queueMicrotask(() => this.#pass());
      this.#waiting.add(data, 0, data.length);
    }
    this.#held = true;
    return false;
  }

  receiveEnd(): void {
    if (this.#waiting.size > 0) this.push(this.#waiting.take());
    this.push(null);
  }

  /** Give the reader what it wants. */
  #pass(): void {
    if (!this.#wanted || this.destroyed) return;
    if (this.#waiting.size > 0) {
      this.#wanted = false;
      this.push(this.#waiting.take());
    } else if (this.#held) {
      this.#held = false;
      this.#connection.release(this.#stream);
    }
  }

  /** The client takes more. */
  room(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  override _read(): void {
    this.#wanted = true;
    this.#pass();
  }

  override _write(data: Buffer | string, encoding: BufferEncoding, callback: () => void): void {
    const bytes = typeof data === 'string' ? bytesOf(data, encoding) : data;
    const size = typeof data === 'string' && bytes === scratch ? data.length : bytes.length;
    if (this.#connection.sendData(this.#stream, bytes, 0, size)) callback();
    else this.#written = callback;
  }

  override _final(callback: () => void): void {
    this.#connection.sendEnd(this.#stream);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    // Of what was written a part may still wait for the peer: then that leaves first.
    if (error === null && this.writableFinished) this.#connection.discard(this.#stream);
    else this.#connection.reset(this.#stream, error === null ? NO_ERROR : CANCEL);
    callback(error);
  }
}

/** Whatever is sent is copied before anything else is written here. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** The bytes of a text: in `scratch`, from its beginning, where they are as many as its letters. */
function bytesOf(text: string, encoding: BufferEncoding): Buffer {
  if (encoding !== 'latin1' || text.length > scratch.length) return Buffer.from(text, encoding);
  scratch.write(text, 0, 'latin1');
  return scratch;
}
