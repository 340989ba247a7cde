/** The client's side of an exchange: what every downstream protocol offers, and an exchange calls. */
import type { Response } from '#proxy/http/response.ts';
import type { ReadBuffer } from '#proxy/upstream/buffers.ts';
import type { UpstreamConnection } from '#proxy/upstream/connection.ts';

export interface Downstream {
  /** Chunked bodies pass as they are, both ways: HTTP/1.1, and nothing else. */
  readonly takesChunks: boolean;
  /** An interim response (1xx, but for 101). */
  onInterim(response: Response): void;
  /**
   * The final response's head. Where it lies in place (`response.inPlace`), `onData` follows in the
   * same turn, perhaps with no bytes.
   * @param whole the body, where it is there already: no `onData` follows then
   */
  onResponse(response: Response, whole?: Buffer): void;
  /**
   * A part of the body, as ResponseUser.onUpstreamData has it.
   * @returns false to get no further until `exchange.resume()`
   */
  onData(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): boolean;
  /** The response is complete. @param trailers whole lines; of a CHUNKED body what is left to send */
  onEnd(trailers: string): void;
  /** The endpoint switched protocols: from here on the connection belongs to the downstream. @param rest bytes of the new protocol */
  onSwitch(response: Response, rest: Buffer, upstream: UpstreamConnection): void;
  /** The response has begun and cannot be completed: the client must notice. Must not throw. */
  onAbort(): void;
  /** More of the request's body is wanted, or the first of it. */
  onDrain(): void;
}
