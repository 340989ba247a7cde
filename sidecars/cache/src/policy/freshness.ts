/** How long a response is fresh, and how old it is (RFC 9111, section 4.2). All times are in seconds but for instants, which are milliseconds since the epoch. */
import { MAX_DELTA, type Directives } from './directives.ts';
import { parseDate } from './dates.ts';
import type { FieldsView } from './fields.ts';
import type { PolicySettings } from './settings.ts';

/** Where a response's freshness comes from: said by the application, or guessed here. */
export type FreshnessSource = 'explicit' | 'heuristic' | 'default' | 'negative' | 'none';

export interface Freshness {
  readonly lifetime: number;
  readonly source: FreshnessSource;
}

/** Statuses that may be stored without explicit freshness (RFC 9110, section 15.1; 206 apart, which is not stored). */
const HEURISTIC = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);

export const isHeuristicallyCacheable = (status: number): boolean => HEURISTIC.has(status);

/** Errors that many requests may get at once: kept for a moment although they say nothing of it. */
const isNegative = (status: number): boolean =>
  status === 404 || status === 410 || status === 500 || (status >= 502 && status <= 504);

/** The value of Date, or when the response came where it has no valid one (RFC 9110, section 6.6.1). */
export function dateOf(fields: Pick<FieldsView, 'get'>, responseTime: number): number {
  return parseDate(fields.get('date') ?? '', responseTime) ?? responseTime;
}

/**
 * Freshness lifetime (section 4.2.1) for a shared cache: s-maxage, max-age, Expires less Date; without
 * them a heuristic one (section 4.2.2), or what the cache was configured with.
 * @param targeted the directives are CDN-Cache-Control's: Expires does not count then (RFC 9213, section 2.1)
 */
export function freshnessOf(
  response: { readonly status: number; readonly fields: FieldsView; readonly responseTime: number },
  directives: Directives,
  targeted: boolean,
  settings: Pick<PolicySettings, 'heuristic' | 'defaultTtl' | 'negativeTtl'>,
): Freshness {
  const { status, fields, responseTime } = response;
  if (directives.sMaxage !== undefined) return { lifetime: directives.sMaxage, source: 'explicit' };
  if (directives.maxAge !== undefined) return { lifetime: directives.maxAge, source: 'explicit' };
  const date = dateOf(fields, responseTime);
  const expires = targeted ? undefined : fields.getAll('expires')[0];
  if (expires !== undefined) {
    // Section 5.3: an invalid one means that it has expired, "0" above all.
    const time = parseDate(expires, responseTime);
    const lifetime = time === undefined ? 0 : Math.min(Math.max(0, (time - date) / 1000), MAX_DELTA);
    return { lifetime, source: 'explicit' };
  }
  const negative: Freshness = { lifetime: settings.negativeTtl, source: 'negative' };
  if (isNegative(status) && status >= 500 && settings.negativeTtl > 0) return negative;
  if (!isHeuristicallyCacheable(status) && !directives.public) return { lifetime: 0, source: 'none' };
  const modified = parseDate(fields.get('last-modified') ?? '', responseTime);
  if (modified !== undefined && modified < date && settings.heuristic > 0)
    return {
      lifetime: Math.min(settings.heuristic * ((date - modified) / 1000), MAX_HEURISTIC),
      source: 'heuristic',
    };
  if (settings.defaultTtl > 0) return { lifetime: settings.defaultTtl, source: 'default' };
  return isNegative(status) && settings.negativeTtl > 0 ? negative : { lifetime: 0, source: 'none' };
}

/** A heuristic lifetime is at most a day. */
export const MAX_HEURISTIC = 86_400;

/**
 * Age's value (section 5.1): of a list the first member, without its parameters.
 * @returns 0 for what is no number of seconds
 */
export function parseAge(value: string | undefined): number {
  const first = (value ?? '').split(',', 1)[0]!.split(';', 1)[0]!.trim();
  return /^\d+$/.test(first) ? Math.min(Number(first), MAX_DELTA) : 0;
}

/**
 * How old a response was when it came (section 4.2.3: corrected_initial_age).
 * @param requestTime when it was asked for
 * @param responseTime when its head was there
 */
export function initialAge(fields: Pick<FieldsView, 'get'>, requestTime: number, responseTime: number): number {
  // Date has whole seconds: what is less than one is not known.
  const apparent = Math.max(0, Math.floor((responseTime - dateOf(fields, responseTime)) / 1000));
  const delay = Math.max(0, Math.floor((responseTime - requestTime) / 1000));
  return Math.max(apparent, parseAge(fields.get('age')) + delay);
}

/** Section 4.2.3: current_age. A clock that was set back does not make it younger than it was. */
export function currentAge(
  { initialAge: initial, responseTime }: { readonly initialAge: number; readonly responseTime: number },
  now: number,
): number {
  return initial + Math.max(0, now - responseTime) / 1000;
}
