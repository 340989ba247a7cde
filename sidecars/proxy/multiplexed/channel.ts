/** One of the connections that a carrier carries: a duplex stream that is used as a socket is. */
import type { Socket } from 'node:net';
import { Http2Tunnel } from '#proxy/downstream/http2-tunnel.ts';
import { NO_ERROR, REFUSED_STREAM } from '#proxy/http2/codes.ts';
import type { Http2Connection } from '#proxy/http2/connection.ts';
import type { Http2Stream } from '#proxy/http2/stream.ts';
import type { MultiplexedUser } from '#proxy/upstream/connection.ts';

export class Channel extends Http2Tunnel<Channel> {
  /** Of the carrier's peer. */
  readonly remoteAddress: string | undefined;
  /** The peer took the connection. */
  accepted = false;
  readonly #connection: Http2Connection<Channel>;
  readonly #stream: Http2Stream<Channel>;
  readonly #user: MultiplexedUser | undefined;
  /** The user wanted no more for now. */
  #stopped = false;
  #ended = false;

  /** @param user gets the bytes instead of the stream's `data` */
  constructor(
    connection: Http2Connection<Channel>,
    stream: Http2Stream<Channel>,
    remoteAddress: string | undefined,
    user?: MultiplexedUser,
  ) {
    super(connection, stream);
    this.remoteAddress = remoteAddress;
    this.#connection = connection;
    this.#stream = stream;
    this.#user = user;
    // For the stream's `end`.
    if (user !== undefined) super.resume();
  }

  /** The used methods of a socket are there: code that takes a socket takes this. */
  get socket(): Socket {
    return this as unknown as Socket;
  }

  /** Bytes of the peer, valid during the call. @returns false when they are kept, or the user wants no more for now */
  onBytes(bytes: Buffer, start: number, end: number): boolean {
    if (this.#user === undefined) return this.receive(bytes.subarray(start, end));
    if (this.destroyed || this.#user.onBytes(bytes, start, end)) return true;
    this.#stopped = true;
    return false;
  }

  override receiveEnd(): void {
    this.#ended = true;
    super.receiveEnd();
  }

  /** The stream is over before its time. @param code of HTTP/2 */
  onReset(code: number): void {
    if (code === REFUSED_STREAM && !this.accepted) {
      // As a connection that is closed as soon as it was made.
      this.#user?.onRefused();
      this.destroy();
      return;
    }
    // What came before is read to its end: the peer only wants nothing more of this side.
    if (code === NO_ERROR && this.#ended && !this.readableEnded) this.once('end', () => this.destroy());
    else if (code === NO_ERROR && this.#ended) this.destroy();
    else this.destroy(Object.assign(new Error('the peer has reset the connection'), { code: 'ECONNRESET' }));
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#user?.onGone();
    super._destroy(error, callback);
  }

  /** The carrier's own code threw. */
  fail(error: unknown): void {
    if (this.#user === undefined) this.destroy();
    else this.#user.onInternalError(error);
  }

  override resume(): this {
    if (this.#stopped) {
      this.#stopped = false;
      this.#connection.release(this.#stream);
    }
    return super.resume();
  }

  /** As a socket's: send what was written, then end both directions. */
  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
    if (!this.writableEnded) this.end();
  }
}
