/** A request's body in HTTP/1, passed on as it comes: its chunks to who takes them, otherwise its data. */
import type { Exchange } from '#proxy/exchange/exchange.ts';
import { BodyReader } from '#proxy/http/body.ts';
import { JoinedChunks } from '#proxy/http/chunks.ts';

/** So much of an unwanted body is read to keep a connection, in bytes. */
const MAX_REST = 1024 * 1024;

export class Http1Body {
  readonly #reader: BodyReader;
  /** After `pass`: the exchange takes more at once. */
  more = true;
  /** After `pass`, where `done`: what `Exchange.endRequest` gets. */
  trailers = '';

  /** @param maxTrailers in bytes */
  constructor(maxTrailers: number) {
    this.#reader = new BodyReader(maxTrailers);
  }

  /** All of it was read. */
  get done(): boolean {
    return this.#reader.done;
  }

  /** Begin a body of a kind that message.ts names. */
  begin(kind: number, length: number): void {
    this.#reader.begin(kind, length);
  }

  /** Read the beginning of a body with a length, which goes with its head. @returns the first byte that is not of it */
  start(bytes: Buffer, at: number): number {
    this.#reader.read(bytes, at);
    return this.#reader.next;
  }

  /**
   * Pass a part of it on. The exchange may be over afterwards, and the next one may have begun.
   * @returns the first byte that is not of the body; -1 when it is not well formed
   */
  pass(exchange: Exchange, bytes: Buffer): number {
    const reader = this.#reader;
    if (reader.chunked && !exchange.rawBody) return this.#passData(exchange, bytes);
    reader.read(bytes, 0);
    if (reader.bad) return -1;
    const { next, passEnd } = reader;
    this.more = passEnd === 0 || exchange.sendBody(passEnd === bytes.length ? bytes : bytes.subarray(0, passEnd));
    this.trailers = reader.tail;
    return next;
  }

  /** A chunked body for an endpoint, or a filter, that takes data. */
  #passData(exchange: Exchange, bytes: Buffer): number {
    const reader = this.#reader;
    const data = new JoinedChunks(bytes, 0);
    reader.read(bytes, 0, data);
    if (reader.bad) return -1;
    const { next } = reader;
    this.more = data.start === data.end || exchange.sendBody(bytes.subarray(data.start, data.end));
    this.trailers = reader.trailers;
    return next;
  }

  /**
   * Read a part that nobody wants.
   * @returns the first byte that is not of the body; -1 when its end is not worth reading to
   */
  skip(bytes: Buffer): number {
    this.#reader.read(bytes, 0);
    return this.#reader.bad || (!this.#reader.done && this.#reader.exceeds(MAX_REST)) ? -1 : this.#reader.next;
  }

  /** Nobody wants the rest. @returns whether it is worth reading, so that the connection is kept */
  forget(): boolean {
    this.#reader.forget();
    return !this.#reader.exceeds(MAX_REST);
  }
}
