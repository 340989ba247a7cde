/** When a request is tried again. */
import type { Response } from '#proxy/http/response.ts';
import type { Endpoint } from './cluster.ts';
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';

/** A try that failed, or a response that might not be the last word. */
export interface FailedTry {
  readonly endpoint: Endpoint | undefined;
  readonly failure?: UpstreamFailure;
  /** Of a failure, as the system or the protocol calls it: ECONNREFUSED, reset_REFUSED_STREAM, … */
  readonly reason?: string;
  readonly response?: Response;
  /** Tries so far. */
  readonly tries: number;
}

export interface RetryPolicy {
  /** How long one try may take until its response begins, in milliseconds; Infinity for none. */
  readonly perTryTimeout: number;
  /** So much of a request's body is kept for another try, in bytes; with a longer one there is no other. */
  readonly maxBody: number;
  /**
   * Asked about every try that failed, and about every response.
   * @returns milliseconds to wait before another try; undefined to let this one count
   */
  again(failed: FailedTry): number | undefined;
}
