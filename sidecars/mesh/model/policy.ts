/** What is done to requests besides routing them. */
import type { HeaderMatch, StringMatch } from './match.ts';

/** A token bucket of this proxy alone (Envoy's local rate limit): who finds none gets 429. */
export interface RateLimit {
  readonly maxTokens: number;
  /** Absent: 1. */
  readonly tokensPerFill?: number;
  readonly fillInterval: number;
}

export interface HeaderEdits {
  readonly set?: Readonly<Record<string, string>>;
  readonly add?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

/** What pages of other origins may do (Fetch Standard, CORS protocol); a field that is absent is not sent. */
export interface Cors {
  /** One of them fits the Origin. */
  readonly origins: readonly StringMatch[];
  /** As they are sent: `GET,POST`. */
  readonly methods?: string;
  readonly headers?: string;
  readonly exposeHeaders?: string;
  /** In seconds. */
  readonly maxAge?: string;
  readonly credentials?: boolean;
}

/** Faults for tests of what callers do about them. */
export interface Fault {
  readonly delay?: { readonly percent: number; readonly duration: number };
  readonly abort?: {
    readonly percent: number;
    readonly status: number;
    /** A gRPC status instead of one of HTTP. */
    readonly grpcStatus?: number;
  };
  /** Only requests that fit all of these. */
  readonly headers?: readonly HeaderMatch[];
}

/** Envoy's conditions of a retry (x-envoy-retry-on, and x-envoy-retry-grpc-on from `cancelled` on). */
export const RETRY_CONDITIONS = [
  '5xx',
  'gateway-error',
  'reset',
  'connect-failure',
  'refused-stream',
  'retriable-4xx',
  'retriable-status-codes',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
] as const;

export type RetryCondition = (typeof RETRY_CONDITIONS)[number];

export interface Retry {
  readonly on: readonly RetryCondition[];
  /** Tries after the first one. Absent: 1. */
  readonly attempts?: number;
  /** Until a try's response begins. Absent: as long as the route allows in all. */
  readonly perTryTimeout?: number;
  /** For `retriable-status-codes`. */
  readonly statusCodes?: readonly number[];
  /** The n-th retry waits a random time below (2^n − 1) × base, at most max. Absent: 25 and 250. */
  readonly backoff?: { readonly base: number; readonly max: number };
}
