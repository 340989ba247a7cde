/** What the cache did with a request (RFC 9211), as a field. */

/** Why a request went to the application (RFC 9211, section 2.2). */
export type Forwarded = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'request' | 'stale';

export interface CacheStatus {
  /** The answer came from the store; then `fwd` is absent. */
  readonly hit?: boolean;
  readonly fwd?: Forwarded;
  /** The status that the application answered with, where it is not the client's. */
  readonly fwdStatus?: number;
  /** Seconds for which the answer is still fresh; negative for a stale one. */
  readonly ttl?: number;
  readonly stored?: boolean;
  /** It was answered by a request that another client's had caused. */
  readonly collapsed?: boolean;
  /** A token. */
  readonly detail?: string;
}

/** This cache's name in the field. */
export const CACHE_NAME = 'sidecar-cache';

/** The field's value: one member of the list, this cache's. */
export function cacheStatus({ hit, fwd, fwdStatus, ttl, stored, collapsed, detail }: CacheStatus): string {
  let value = CACHE_NAME;
  if (hit === true) value += '; hit';
  else if (fwd !== undefined) value += `; fwd=${fwd}`;
  if (fwdStatus !== undefined) value += `; fwd-status=${fwdStatus}`;
  if (ttl !== undefined) value += `; ttl=${Math.floor(ttl)}`;
  if (stored === true) value += '; stored';
  if (collapsed === true) value += '; collapsed';
  if (detail !== undefined) value += `; detail=${detail}`;
  return value;
}
