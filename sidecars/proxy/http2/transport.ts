/**
 * A connection's bytes on a socket. What is written during one turn of the event loop leaves in one
 * piece at its end, so that many small frames cost one system call, and one record of TLS.
 */
import type { Duplex } from 'node:stream';
import type { Http2Connection } from './connection.ts';
import { recycle } from './output.ts';

/** Up to here a copy costs less than lending a buffer does, in bytes. */
const SMALL = 4096;
/** So much may wait in the socket before the peer, who does not read, is read no further. */
const READ_LIMIT = 256 * 1024;

type Carried = Pick<Http2Connection<unknown>, 'take' | 'transportHolds'>;

let dirty: Http2Transport[] = [];

function flushAll(): void {
  const transports = dirty;
  dirty = [];
  for (const transport of transports) {
    try {
      transport.flush();
    } catch (error) {
      transport.onInternalError(error);
    }
  }
}

export class Http2Transport {
  readonly #socket: Duplex;
  readonly #connection: Carried;
  readonly onInternalError: (error: unknown) => void;
  #scheduled = false;
  #ends = false;
  #paused = false;

  /** @param onInternalError what is told of an exception at the end of a turn, where nobody else could catch it */
  constructor(socket: Duplex, connection: Carried, onInternalError: (error: unknown) => void) {
    this.#socket = socket;
    this.#connection = connection;
    this.onInternalError = onInternalError;
  }

  /** Let what is in the output leave at the end of this turn. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (dirty.push(this) === 1) setImmediate(flushAll);
  }

  /** Send what there is, then close this side. */
  end(): void {
    this.#ends = true;
    this.schedule();
  }

  /** Look at what has left meanwhile; the socket tells of it only when it was full. */
  measure(): void {
    this.#connection.transportHolds(this.#socket.writableLength);
  }

  /** The socket has room again. */
  onDrain(): void {
    this.measure();
    this.flush();
    if (this.#paused && this.#socket.writableLength < READ_LIMIT) {
      this.#paused = false;
      this.#socket.resume();
    }
  }

  flush(): void {
    this.#scheduled = false;
    const socket = this.#socket;
    const connection = this.#connection;
    for (;;) {
      const chunk = connection.take();
      if (chunk === undefined) break;
      if (socket.destroyed || chunk.end === 0) recycle(chunk);
      else if (chunk.end <= SMALL) {
        socket.write(chunk.bytes.toString('latin1', 0, chunk.end), 'latin1');
        recycle(chunk);
      } else
        socket.write(chunk.bytes.subarray(0, chunk.end), (error) => {
          // After an error nobody knows who still looks at it.
          if (!error) recycle(chunk);
        });
      // What has left makes room for what waits in streams.
      connection.transportHolds(socket.writableLength);
    }
    if (this.#ends) socket.end();
    else if (socket.writableLength > READ_LIMIT && !this.#paused) {
      this.#paused = true;
      socket.pause();
    }
  }
}
