/**
 * A connection's bytes on a socket. What is written during one turn of the event loop leaves in one
 * piece at its end, so that many small frames cost one system call, and one record of TLS.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { memoryBudget } from '#proxy/memory/budget.ts';
import { ByteQueue } from '#proxy/memory/byte-queue.ts';
import { charges, TurnShare } from '#proxy/loop/turn.ts';
import type { Http2Connection } from './connection.ts';
import { recycle } from './output.ts';

/** Up to here a copy costs less than lending a buffer does, in bytes. */
const SMALL = 4096;
/** So much may wait in the socket before the peer, who does not read, is read no further. */
const READ_LIMIT = 256 * 1024;
/** Frames of a peer that are read in one turn of the event loop; one of a byte costs as much as any other. */
const FRAMES_A_TURN = 256;

type Carried = Pick<Http2Connection<unknown>, 'take' | 'transportHolds' | 'receive' | 'framesReceived'>;

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
  /** The peer, who does not read, is read no further. */
  #stopped = false;
  readonly #share: TurnShare;
  /** Bytes that came, and are read in a later turn. */
  #waiting: ByteQueue | undefined;

  /** @param onInternalError what is told of an exception at the end of a turn, where nobody else could catch it */
  constructor(socket: Duplex, connection: Carried, onInternalError: (error: unknown) => void) {
    this.#socket = socket;
    this.#connection = connection;
    this.onInternalError = onInternalError;
    this.#share = new TurnShare(
      FRAMES_A_TURN,
      () => this.#onTurn(),
      () => (socket as Partial<Socket>).remoteAddress ?? this,
    );
  }

  /** Bytes of the peer that wait for a later turn. */
  get waiting(): number {
    return this.#waiting?.size ?? 0;
  }

  /**
   * Bytes of the peer, valid during the call. What is more than a turn's share is read in the next ones.
   * @returns false when the peer is read no further for now; the socket goes on by itself
   */
  receive(bytes: Buffer, start: number, end: number): boolean {
    const at = this.#waiting === undefined ? this.#read(bytes, start, end, this.#share.left) : start;
    if (at === end) return true;
    if (this.#waiting === undefined) {
      this.#waiting = new ByteQueue();
      this.#socket.pause();
      this.#share.wait();
    }
    this.#waiting.add(bytes, at, end);
    memoryBudget.charge(end - at);
    return false;
  }

  /** The peer sends nothing more: read what waits. */
  receiveRest(): void {
    while (this.waiting > 0) this.#readWaiting(Infinity);
  }

  /** @returns the first byte that was not read */
  #read(bytes: Buffer, start: number, end: number, most: number): number {
    const { framesReceived } = this.#connection;
    const before = charges();
    const at = this.#connection.receive(bytes, start, end, most);
    const frames = this.#connection.framesReceived - framesReceived;
    this.#share.spend(frames + charges() - before, frames);
    return at;
  }

  /** Read the first piece of what waits. */
  #readWaiting(most: number): void {
    const { front } = this.#waiting!;
    const at = this.#read(front, 0, front.length, most);
    this.#drop(at);
  }

  #drop(count: number): void {
    this.#waiting!.drop(count);
    memoryBudget.charge(-count);
  }

  #onTurn(): void {
    try {
      while (this.waiting > 0 && this.#share.left > 0) this.#readWaiting(this.#share.left);
    } catch (error) {
      this.onInternalError(error);
    }
    if (this.waiting > 0 && !this.#socket.destroyed) this.#share.wait();
    else {
      memoryBudget.charge(-this.waiting);
      this.#waiting = undefined;
      if (!this.#stopped) this.#socket.resume();
    }
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
    if (this.#stopped && this.#socket.writableLength < READ_LIMIT) {
      this.#stopped = false;
      if (this.#waiting === undefined) this.#socket.resume();
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
    else if (socket.writableLength > READ_LIMIT && !this.#stopped) {
      this.#stopped = true;
      socket.pause();
    }
  }
}
