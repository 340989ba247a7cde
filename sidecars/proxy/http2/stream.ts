/** One stream of a connection: its state, windows and what waits to be sent. */

import type { ByteQueue } from '#proxy/memory/byte-queue.ts';

export class Http2Stream<User> {
  readonly id: number;
  /** Whatever the connection's user keeps for it. */
  user: User | undefined;

  // State (RFC 9113, section 5.1).
  /** The peer sends no more. */
  remoteEnded = false;
  /** This side has sent its last frame. */
  localEnded = false;
  /** Both have ended, or one has reset it. */
  closed = false;
  /** A head other than an interim one has come. */
  remoteHead = false;

  // Receiving.
  /** Bytes that the peer may still send. */
  receiveWindow: number;
  /** What the window is brought back to. */
  receiveLimit: number;
  /** Bytes that were consumed and not yet granted anew. */
  credit = 0;
  /** Bytes that the user has not consumed. */
  held = 0;
  /** The answer has no body whatever its Content-Length says: it answers HEAD. */
  bodiless = false;
  /** Declared bytes of the peer's body that have not come; -1 where none were declared. */
  expected = -1;
  /** The rest of the peer's body is unwanted: bytes of it that have come since. */
  discards = false;
  discarded = 0;

  // Sending.
  /** Bytes that may still be sent; negative after the peer made its window smaller. */
  sendWindow: number;
  /** What waits; made when something does. */
  queue: ByteQueue | undefined;
  /** After the queue comes the end. */
  ends = false;
  /** Before the end come trailers, as lines. */
  trailers = '';
  /** The user waits until more may be sent. */
  paused = false;
  /** It is among those that take turns at sending. */
  inTurn = false;
  /** Where the last frame with room for END_STREAM lies in the output. */
  lastFrame = 0;
  lastGeneration = -1;

  /** When the end is sent and the peer has not ended, the stream is reset with NO_ERROR. */
  resetsAfterEnd = false;

  // Deadlines: what was sent in all, and when a sweep saw that change.
  sent = 0;
  sweptSent = -1;
  sweptAt = 0;

  constructor(id: number, receiveWindow: number, sendWindow: number, user?: User) {
    this.id = id;
    this.user = user;
    this.receiveWindow = this.receiveLimit = receiveWindow;
    this.sendWindow = sendWindow;
  }

  /** Bytes that wait. */
  get queued(): number {
    return this.queue === undefined ? 0 : this.queue.size;
  }

  /** Something waits to be sent. */
  get waits(): boolean {
    return !this.closed && (this.queued > 0 || (this.ends && !this.localEnded));
  }
}
