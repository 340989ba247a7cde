/** What the parts of a connection share. */
import type { Http2Handler, Http2Options } from './handler.ts';
import type { FloodLimits } from './flood-limits.ts';
import type { Sender } from './sender.ts';
import type { Http2Stream } from './stream.ts';
import type { Streams } from './streams.ts';

export interface Core<User> {
  readonly server: boolean;
  readonly handler: Http2Handler<User>;
  readonly options: Http2Options;
  readonly sender: Sender<User>;
  readonly streams: Streams<User>;
  readonly limits: FloodLimits;
  /** The connection is over. */
  readonly over: boolean;
  /** End the connection with an error. */
  fail(code: number, reason: string): false;
  /** End a stream now. The user hears nothing more of it. */
  reset(stream: Http2Stream<User>, code: number): void;
  /** End a stream because the peer broke a rule of it. @returns false when the connection is over by that */
  streamError(id: number, code: number): boolean;
  /** Charge the peer for a frame that carries nothing. @returns false when the connection is over by that */
  spend(cost: number): boolean;
}
