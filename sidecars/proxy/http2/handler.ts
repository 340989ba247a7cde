/** The two sides of a connection's user: what it is told, and what it chooses. */
import type { FieldBlock } from './field-block.ts';
import type { MemoryBudget } from '#proxy/memory/budget.ts';
import type { Http2Stream } from './stream.ts';

/** What a connection tells its user. Each call comes after the connection's own state has changed. */
export interface Http2Handler<User> {
  /**
   * A head: a request's in a server, a response's (an interim one too) in a client. A request's
   * block can be `tooLarge`; then it is not whole, and wants a refusal.
   * @param block valid during the call
   * @param end there is no body
   */
  onHead(stream: Http2Stream<User>, block: FieldBlock, end: boolean): void;
  /** Trailers; `onEnd` follows. */
  onTrailers(stream: Http2Stream<User>, block: FieldBlock): void;
  /**
   * A part of the body; the bytes are valid during the call.
   * @returns false when they are kept: the peer gets no room for more before `release`
   */
  onData(stream: Http2Stream<User>, bytes: Buffer, start: number, end: number): boolean;
  /** The peer's body is complete. Not called for a head that came with `end`. */
  onEnd(stream: Http2Stream<User>): void;
  /** The stream is over before its time. @param byPeer the peer said so */
  onReset(stream: Http2Stream<User>, code: number, byPeer: boolean): void;
  /** What was refused by `sendData` has left: go on. */
  onDrain(stream: Http2Stream<User>): void;
  /** The peer's settings have come, or changed. */
  onSettings(): void;
  /** The peer begins or takes no further streams. */
  onGoaway(code: number): void;
  /** There are bytes to take, where there were none. */
  onOutput(): void;
  /** The connection is over: send what the output holds, then close. @param reason for logs */
  onError(code: number, reason: string): void;
}

export interface Http2Options {
  /** Most bytes of a head, or of trailers, as lines of HTTP/1. */
  readonly maxHeadSize: number;
  /** Most streams that the peer may have open at once; a server's. */
  readonly maxStreams: number;
  /** A window's first and largest size, of a stream and of the connection, in bytes. */
  readonly streamWindow: readonly [number, number];
  readonly connectionWindow: readonly [number, number];
  /** The peer is known, and may reset streams and send small frames as often as it likes. */
  readonly trusted?: boolean;
  readonly memory: MemoryBudget;
  /** A clock in milliseconds. */
  readonly now: () => number;
}

/** What suits a proxy. */
export const DEFAULTS = {
  maxStreams: 128,
  streamWindow: [256 * 1024, 4 * 1024 * 1024],
  connectionWindow: [1024 * 1024, 8 * 1024 * 1024],
} as const;
