/** Whether a stored response answers a request (RFC 9111, sections 4, 4.2.4 and 5.2.1; RFC 5861). */
import type { Directives } from './directives.ts';
import { currentAge, type Freshness } from './freshness.ts';
import type { PolicySettings } from './settings.ts';

/** What reuse depends on of a stored response. */
export interface Reusable {
  readonly directives: Directives;
  readonly freshness: Freshness;
  readonly initialAge: number;
  /** When its head came, in milliseconds since the epoch. */
  readonly responseTime: number;
  /** Since when it counts as stale whatever its freshness, in milliseconds since the epoch: a soft purge. */
  readonly staleSince: number | undefined;
}

export interface Reuse {
  /**
   * `fresh`: it answers. `stale`: it answers although it is stale. `refresh`: it answers, and is asked
   * about meanwhile (stale-while-revalidate). `validate`: the application is asked first.
   */
  readonly answer: 'fresh' | 'stale' | 'refresh' | 'validate';
  /** In seconds, as it is now. */
  readonly age: number;
  /** Seconds for which it is still fresh; negative once it is stale (RFC 9211, section 2.5). */
  readonly ttl: number;
  /** Where the application cannot answer, it may (section 4.2.4; RFC 5861, section 4). */
  readonly ifError: boolean;
}

/**
 * @param request the directives of the request's Cache-Control
 * @param now milliseconds since the epoch
 */
export function reuseOf(
  stored: Reusable,
  request: Directives,
  settings: Pick<PolicySettings, 'staleWhileRevalidate' | 'staleIfError'>,
  now: number,
): Reuse {
  const { directives, freshness, staleSince } = stored;
  const age = currentAge(stored, now);
  let ttl = freshness.lifetime - age;
  if (staleSince !== undefined) ttl = Math.min(ttl, (staleSince - now) / 1000);
  // An error that was kept for a moment is none to show later.
  const mustAsk = forbidsStale(directives) || freshness.source === 'negative';
  const stale = Math.max(0, -ttl);
  const ifError =
    !mustAsk && stale <= (directives.staleIfError ?? Math.max(settings.staleIfError, request.staleIfError ?? 0));
  const result = (answer: Reuse['answer']): Reuse => ({ answer, age, ttl, ifError });
  // Sections 5.2.2.4 and 5.2.1.4.
  if (directives.noCache || request.noCache) return result('validate');
  // Sections 5.2.1.1 and 5.2.1.3. max-age=0 is what a browser sends to reload.
  if (request.maxAge !== undefined && age >= request.maxAge && !(request.maxStale !== undefined && ttl <= 0))
    return result('validate');
  if (request.minFresh !== undefined && ttl < request.minFresh) return result('validate');
  // Section 4.2: fresh while its lifetime is greater than its age.
  if (ttl > 0) return result('fresh');
  if (mustAsk) return result('validate');
  // RFC 5861, section 3.
  const window = directives.staleWhileRevalidate ?? settings.staleWhileRevalidate;
  if (window > 0 && stale <= window) return result('refresh');
  // Section 5.2.1.2.
  if (request.maxStale !== undefined && staleSince === undefined && stale <= request.maxStale) return result('stale');
  return result('validate');
}

/** Sections 4.2.4, 5.2.2.2, 5.2.2.8 and 5.2.2.10: it must not be used stale, whatever happens. */
export function forbidsStale(directives: Directives): boolean {
  return (
    directives.noCache || directives.mustRevalidate || directives.proxyRevalidate || directives.sMaxage !== undefined
  );
}

/** Statuses that stale-if-error counts as errors (RFC 5861, section 4). */
export const isError = (status: number): boolean => status === 500 || (status >= 502 && status <= 504);
