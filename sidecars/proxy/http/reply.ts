/** An answer that is not an endpoint's. */

export interface Reply {
  readonly status: number;
  /** Names and values; framing fields (Content-Length, Transfer-Encoding) are the proxy's matter. */
  readonly fields?: Iterable<readonly [name: string, value: string]>;
  /** A text, bytes, or bytes that come in time; absent for none. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Length of a body that comes in time, in bytes, where it is known; of an answer to HEAD, what GET would get. */
  readonly length?: number;
}
