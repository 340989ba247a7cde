/** Which tries are worth another one: Envoy's x-envoy-retry-on and x-envoy-retry-grpc-on. */
import { isIdempotent } from '#proxy/http/message.ts';
import type { FailedTry } from '#proxy/upstream/retry.ts';
import { RETRY_CONDITIONS, type Retry, type RetryCondition } from '#mesh/model/policy.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';

/**
 * Nothing was done about a request: nobody took a connection, or the stream was refused (RFC 9113, section 8.7). It
 * may be made again whatever it is, which Istio does for every route that says nothing of retries.
 */
export const untouched = ({ failure, reason }: FailedTry): boolean =>
  failure === 'connect' || failure === 'connect_timeout' || (failure === 'closed' && reason === 'reset_REFUSED_STREAM');

/**
 * The connection was lost before an answer: whether something was done about the request nobody knows. One that may be
 * repeated (RFC 9110, section 9.2.2) is made once more, as nginx does by default. A stream that was reset was reset on
 * purpose.
 */
export const lost = ({ failure, reason = '' }: FailedTry, method: string): boolean =>
  failure === 'closed' && !reason.startsWith('reset_') && isIdempotent(method);

/** No body above this is kept for another try, in bytes. */
export const MAX_RETRIED_BODY = 64 * 1024;

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const GRPC_CODES = {
  cancelled: 1,
  'deadline-exceeded': 4,
  'resource-exhausted': 8,
  internal: 13,
  unavailable: 14,
} as const;

export class RetryRules {
  readonly attempts: number;
  readonly perTryTimeout: number;
  readonly #on: ReadonlySet<RetryCondition>;
  readonly #statuses: ReadonlySet<number>;
  readonly #grpc: ReadonlySet<string>;
  readonly #base: number;
  readonly #max: number;

  /** @throws {ConfigurationRefused} for a condition that there is not */
  constructor({ on, attempts = 1, perTryTimeout, statusCodes = [], backoff }: Retry, where: string) {
    const known: readonly string[] = RETRY_CONDITIONS;
    for (const condition of on)
      if (!known.includes(condition))
        throw new ConfigurationRefused(`${where}: ${condition} is none of ${known.join(', ')}`);
    this.attempts = attempts;
    this.perTryTimeout = perTryTimeout === undefined || perTryTimeout === 0 ? Infinity : perTryTimeout;
    this.#on = new Set(on);
    this.#statuses = new Set(statusCodes);
    this.#grpc = new Set(on.flatMap((each) => (each in GRPC_CODES ? [String(GRPC_CODES[each as 'internal'])] : [])));
    this.#base = backoff?.base ?? 25;
    this.#max = backoff?.max ?? 250;
  }

  /** Whether what came of a try is one of the conditions. */
  applies({ failure, reason, response }: FailedTry): boolean {
    const on = this.#on;
    if (on.size === 0) return false;
    if (response !== undefined) return this.#appliesTo(response.status, () => response.get('grpc-status'));
    switch (failure) {
      case 'connect':
      case 'connect_timeout':
        // Nothing has left yet: Envoy counts it among the resets.
        return on.has('connect-failure') || on.has('reset') || on.has('5xx') || on.has('gateway-error');
      case 'closed':
        // RFC 9113, section 8.7: nothing was done about a stream that is refused.
        if (reason === 'reset_REFUSED_STREAM' && on.has('refused-stream')) return true;
        return on.has('reset') || on.has('5xx') || on.has('gateway-error');
      case 'invalid_response':
        return on.has('reset') || on.has('5xx') || on.has('gateway-error');
      case 'response_timeout':
        return on.has('5xx') || on.has('gateway-error') || on.has('reset');
      default:
        return false;
    }
  }

  #appliesTo(status: number, grpcStatus: () => string | undefined): boolean {
    const on = this.#on;
    if (status >= 500 && on.has('5xx')) return true;
    if (status >= 502 && status <= 504 && on.has('gateway-error')) return true;
    if (status === 409 && on.has('retriable-4xx')) return true;
    if (on.has('retriable-status-codes') && this.#statuses.has(status)) return true;
    return this.#grpc.size > 0 && this.#grpc.has(grpcStatus() ?? '');
  }

  /**
   * Envoy's fully jittered exponential backoff: a random time below (2^n − 1) × base, at most max.
   * @param retry 1 for the first
   * @returns milliseconds
   */
  backoff(retry: number, random = Math.random()): number {
    const most = Math.min((2 ** Math.min(retry, 30) - 1) * this.#base, this.#max);
    return Math.floor(random * most);
  }
}
