/** The streams of a connection: which are open, how the last ones were closed, and what their data holds of the windows. */
import { ENDED, RESET_HERE, ClosedStreams } from './closed-streams.ts';
import { DEFAULT_WINDOW, MAX_STREAM_ID } from './codes.ts';
import type { Http2Options } from './handler.ts';
import { consume, type ReceiveWindow } from './receive-window.ts';
import type { Sender } from './sender.ts';
import { Http2Stream } from './stream.ts';

export class Streams<User> implements ReceiveWindow {
  /** The highest stream that the peer has begun, and the next that this side begins. */
  lastPeerId = 0;
  nextId = 1;
  /** The last stream that the final GOAWAY promised to serve; streams after it are ignored. */
  lastServed = MAX_STREAM_ID;
  /** The connection is over: windows mean nothing any more. */
  over = false;
  /** Bytes of the peer that no user has consumed. */
  held = 0;
  // The window of the connection.
  receiveWindow = DEFAULT_WINDOW;
  receiveLimit = DEFAULT_WINDOW;
  credit = 0;
  readonly #server: boolean;
  readonly #options: Http2Options;
  readonly #sender: Sender<User>;
  readonly #open = new Map<number, Http2Stream<User>>();
  readonly #closed = new ClosedStreams();

  constructor(server: boolean, options: Http2Options, sender: Sender<User>) {
    this.#server = server;
    this.#options = options;
    this.#sender = sender;
  }

  get size(): number {
    return this.#open.size;
  }
  get(id: number): Http2Stream<User> | undefined {
    return this.#open.get(id);
  }
  [Symbol.iterator](): Iterator<Http2Stream<User>> {
    return this.#open.values();
  }

  /** Open a stream. */
  add(id: number, user?: User): Http2Stream<User> {
    const stream = new Http2Stream<User>(id, this.#options.streamWindow[0], this.#sender.peer.initialWindowSize, user);
    this.#open.set(id, stream);
    return stream;
  }

  /** Whether a stream has not begun. The peer's and this side's differ by their lowest bit. */
  isIdle(id: number): boolean {
    const peers = (id & 1) === (this.#server ? 1 : 0);
    return peers ? id > this.lastPeerId : id >= this.nextId;
  }

  /** How a stream that is not open was closed, if that was not long ago; see closed-streams.ts. */
  howClosed(id: number): number {
    return this.#closed.how(id);
  }

  /** Note that a stream that never was open is refused. */
  refuse(id: number): void {
    this.#closed.add(id, RESET_HERE);
  }

  close(stream: Http2Stream<User>, how: number): void {
    if (stream.closed) return;
    stream.closed = true;
    this.#open.delete(stream.id);
    this.#closed.add(stream.id, how);
    this.#sender.drop(stream);
    this.release(stream);
  }

  /** The peer has ended its side. */
  remoteEnd(stream: Http2Stream<User>): void {
    stream.remoteEnded = true;
    if (stream.localEnded) this.close(stream, ENDED);
  }

  /** Bytes were not consumed for now. */
  hold(stream: Http2Stream<User>, size: number): void {
    stream.held += size;
    this.held += size;
    this.#options.memory.charge(size);
  }

  /** What was held of a stream is consumed. */
  release(stream: Http2Stream<User>): void {
    const { held } = stream;
    if (held === 0) return;
    this.held -= held;
    this.#options.memory.charge(-held);
    stream.held = 0;
    this.consumed(stream, held);
  }

  /** Bytes of a stream, or of one that is unknown, are consumed: the peer may send as many again. */
  consumed(stream: Http2Stream<User> | undefined, size: number): void {
    if (this.over) return;
    const { memory, connectionWindow, streamWindow } = this.#options;
    const increment = consume(this, size, connectionWindow[1], memory);
    if (increment > 0) this.#sender.windowUpdate(0, increment);
    if (stream === undefined || stream.closed || stream.remoteEnded) return;
    const more = consume(stream, size, streamWindow[1], memory);
    if (more > 0) this.#sender.windowUpdate(stream.id, more);
  }
}
