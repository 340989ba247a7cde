/** Filter: sends a visitor's requests to one of two versions, always the same one. */
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import { Visit, type Versions } from './visit.ts';
import { cookieOf, NewVisitorIds, pointOf, setCookie } from './visitors.ts';

export interface SplitFilterOptions {
  readonly versions: Versions;
  /** The cookie's name. */
  readonly cookie: string;
  readonly newcomers: NewVisitorIds;
  /** Give the cookie to those who have none. */
  readonly sets: boolean;
}

interface Visited {
  readonly visit: Visit;
  /** The cookie's value, for who comes for the first time. */
  readonly newcomer: string | undefined;
}

export function splitFilter({ versions, cookie, newcomers, sets }: SplitFilterOptions): Filter {
  const visits = new WeakMap<FilteredExchange, Visited>();
  return {
    onRequest(exchange) {
      const { request } = exchange;
      const known = cookieOf(request.getAll('cookie'), cookie);
      const newcomer = known === undefined && sets ? newcomers.next() : undefined;
      const value = known ?? newcomer;
      const chosen = value !== undefined && pointOf(value) < versions.judge.share ? 'new' : 'old';
      const visit = new Visit(versions, chosen, request);
      visits.set(exchange, { visit, newcomer });
      exchange.cluster = visit;
      if (chosen === 'new') exchange.retry = visit;
    },
    onResponse(exchange, response) {
      const newcomer = visits.get(exchange)?.newcomer;
      if (newcomer !== undefined && exchange.failure === undefined)
        response.appendLines(`Set-Cookie: ${setCookie(cookie, newcomer)}\r\n`);
    },
    onEnd(exchange) {
      const { outcome } = exchange;
      if (outcome !== 'truncated' && outcome !== 'body_timeout') return;
      // Its head was taken for an answer: what broke off is an error beside it.
      const { judge } = versions;
      const version = visits.get(exchange)?.visit.version;
      if (version !== undefined) judge.end(judge.begin(version), true);
    },
  };
}
