/** A stream of an HTTP/2 connection as a duplex stream, for what is relayed as it comes (RFC 8441). */
import { Duplex } from 'node:stream';
import { CANCEL, NO_ERROR } from '#proxy/http2/codes.ts';
import type { Http2Connection } from '#proxy/http2/connection.ts';
import type { Http2Stream } from '#proxy/http2/stream.ts';

export class Http2Tunnel<User> extends Duplex {
  readonly #connection: Http2Connection<User>;
  readonly #stream: Http2Stream<User>;
  #held = false;
  #written: (() => void) | undefined;

  constructor(connection: Http2Connection<User>, stream: Http2Stream<User>) {
    super({ allowHalfOpen: true });
    this.#connection = connection;
    this.#stream = stream;
    this.on('error', () => {});
  }

  /** Data of the client. @returns false when it is kept for now */
  receive(data: Buffer): boolean {
    if (this.push(data)) return true;
    this.#held = true;
    return false;
  }

  receiveEnd(): void {
    this.push(null);
  }

  /** The client takes more. */
  room(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  override _read(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#connection.release(this.#stream);
  }

  override _write(data: Buffer, _encoding: string, callback: () => void): void {
    if (this.#connection.sendData(this.#stream, data, 0, data.length)) callback();
    else this.#written = callback;
  }

  override _final(callback: () => void): void {
    this.#connection.sendEnd(this.#stream);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#connection.reset(this.#stream, error === null ? NO_ERROR : CANCEL);
    callback(error);
  }
}
