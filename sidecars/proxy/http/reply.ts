/** An answer that is not an endpoint's. */
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';

export interface Reply {
  readonly status: number;
  /** Names and values; framing fields (Content-Length, Transfer-Encoding) are the proxy's matter. */
  readonly fields?: Iterable<readonly [name: string, value: string]>;
  /**
   * Whole lines that are known to be well formed, Date's among them, instead of `fields`: for answers that
   * are given again and again.
   */
  readonly lines?: string;
  /** A text, bytes, or bytes that come in time; absent for none. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Length of a body that comes in time, in bytes, where it is known; of an answer to HEAD, what GET would get. */
  readonly length?: number;
}

/** What an answer's body throws when it breaks off through no fault of the proxy's own: its client is cut off. */
export class BrokenBody extends Error {
  override readonly name = 'BrokenBody';
  readonly failure: UpstreamFailure;
  constructor(failure: UpstreamFailure) {
    super(`the body broke off: ${failure}`);
    this.failure = failure;
  }
}
