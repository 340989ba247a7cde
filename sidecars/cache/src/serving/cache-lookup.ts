/** A request that the store may answer, with all that is known of it. */
import type { FilteredExchange } from '#proxy/filters/filter.ts';
import type { Request } from '#proxy/http/request.ts';
import { countingCookies } from '../policy/request-cookies.ts';
import { parseCacheControl, type Directives } from '../policy/directives.ts';
import { keyOf } from '../policy/keys.ts';
import type { RequestFacts } from '../policy/request-facts.ts';
import type { StoringRequest } from '../policy/storing.ts';
import type { CacheSettings } from './settings.ts';

export interface CacheLookup {
  readonly exchange: FilteredExchange;
  readonly facts: RequestFacts;
  readonly directives: Directives;
  readonly key: string;
  /** As the application will see it: without ignored cookies. */
  readonly cookie: string | undefined;
  /** It asks for a part: Range counts for GET alone (RFC 9110, section 14.2). */
  readonly range: boolean;
  /** How often it was looked up. */
  rounds: number;
  /** Fields that an answer to another request varied by. */
  varying: readonly string[];
}

const NO_DIRECTIVES = parseCacheControl({ getAll: () => [] });

/** Of a GET or HEAD request. Cookies that do not count are taken off it. */
export function lookupOf(exchange: FilteredExchange, facts: RequestFacts, settings: CacheSettings): CacheLookup {
  const { request } = exchange;
  const directives = facts.directives ? parseCacheControl(request) : NO_DIRECTIVES;
  const cookie = takeCookie(request, facts, settings.ignoredCookies);
  const { target, authority } = request;
  const plain = keyOf({ scheme: facts.scheme, authority, target, fields: request }, settings.key);
  const key = facts.port === undefined ? plain : `${plain}\nport=${facts.port}`;
  const range = facts.range && request.method === 'GET';
  return { exchange, facts, directives, key, cookie, range, rounds: 0, varying: [] };
}

/** What storing its answer depends on. */
export function storingOf({ exchange, facts, directives, cookie }: CacheLookup): StoringRequest {
  const { target } = exchange.request;
  return {
    // Of HEAD: what a GET's answer would be.
    method: 'GET',
    target,
    authorized: facts.authorized,
    cookies: cookie !== undefined,
    noStore: directives.noStore,
    unusual: facts.unusual,
  };
}

/** Cookies that count; the others are taken off, so that no answer can depend on them. */
function takeCookie(request: Request, { cookie }: RequestFacts, ignored: readonly string[]): string | undefined {
  if (cookie === undefined || ignored.length === 0) return cookie;
  const counting = countingCookies(cookie, ignored);
  if (counting === undefined) request.delete('cookie');
  else if (counting !== cookie) request.set('Cookie', counting);
  return counting;
}
