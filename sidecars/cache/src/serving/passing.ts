/** Requests that go to the application as they are, and what their responses say of the store. */
import type { FilteredExchange } from '#proxy/filters/filter.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Response } from '#proxy/http/response.ts';
import { assess } from '../policy/assess.ts';
import { cacheStatus, type Forwarded } from '../policy/cache-status.ts';
import { groupName, parseGroups } from '../policy/groups.ts';
import { digest } from '../policy/digest.ts';
import { invalidatedUrls, isSafe, keyOf } from '../policy/keys.ts';
import type { RequestFacts } from '../policy/request-facts.ts';
import { storingOf, type Asked } from './asked.ts';
import { PassedKeys } from './passes.ts';
import type { Purger } from './purger.ts';
import type { CacheSettings } from './settings.ts';
import type { CacheStats } from './stats.ts';

export interface PassingOptions {
  readonly settings: CacheSettings;
  readonly stats: CacheStats;
  readonly purger: Purger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Credentials are asked for behind the cache. */
  readonly onChallenge: () => void;
}

/** A request that went to the application as it was. */
interface Passed {
  readonly fwd: Forwarded;
  readonly detail: string | undefined;
  readonly url: string;
  readonly asked: Asked | undefined;
}

export class Passing {
  readonly #options: PassingOptions;
  readonly #passed = new WeakMap<FilteredExchange, Passed>();
  readonly #keys = new PassedKeys();

  constructor(options: PassingOptions) {
    this.#options = options;
  }

  /** Let a request go on as it is. */
  pass(
    exchange: FilteredExchange,
    facts: RequestFacts,
    fwd: Forwarded,
    detail: string | undefined,
    asked?: Asked,
  ): undefined {
    const { request } = exchange;
    const url = keyOf(
      { scheme: facts.scheme, authority: request.authority, target: request.target, fields: request },
      { ...this.#options.settings.key, fields: [] },
    );
    this.#options.stats.results.pass++;
    this.#passed.set(exchange, { fwd, detail, url, asked });
    return undefined;
  }

  /** A response to a request that may have been let go: it is read, and says in Cache-Status what was done. */
  onResponse(exchange: FilteredExchange, response: Response): Reply | undefined {
    const passed = this.#passed.get(exchange);
    if (passed === undefined) return undefined;
    this.#passed.delete(exchange);
    const { stats } = this.#options;
    const { fwd, detail, asked, url } = passed;
    const { method } = exchange.request;
    const own = exchange.tried.length === 0 || exchange.outcome !== 'complete';
    stats.origin(own ? 0 : response.status);
    if (response.status === 401) this.#options.onChallenge();
    if (!isSafe(method)) this.#invalidate(url, response);
    else if (asked?.range === false && method === 'GET' && response.status < 500) this.#learn(asked, response);
    response.append('Cache-Status', cacheStatus({ fwd, ...(detail !== undefined && { detail }) }));
    return undefined;
  }

  /** Whether answers to such a request were not stored. */
  wasPassed(asked: Asked): boolean {
    const now = this.#options.now();
    return this.#keys.has(passKey(asked), now) || (asked.range && this.#keys.has(passKey(asked, true), now));
  }

  /** @param passes its answer was not stored */
  remember(asked: Asked, passes: boolean): void {
    const key = passKey(asked, asked.range);
    if (passes) this.#keys.add(key, this.#options.now());
    else this.#keys.delete(key);
  }

  /** RFC 9111, section 4.4; RFC 9875, section 3. */
  #invalidate(url: string, response: Response): void {
    const { purger } = this.#options;
    const urls = invalidatedUrls(url, response.status, response, this.#options.settings.key.ignoredQuery);
    for (const each of urls) purger.invalidateUrl(each);
    if (urls.length === 0) return;
    const origin = /^[a-z]+:\/\/[^/?]*/.exec(url)?.[0] ?? url;
    for (const group of parseGroups(response.get('cache-group-invalidation')))
      purger.invalidateTag(groupName(origin, group));
  }

  /** A key that was passed may have become one that is stored: the next request will see. */
  #learn(asked: Asked, response: Response): void {
    const now = this.#options.now();
    if (!this.#keys.has(passKey(asked), now)) return;
    const { not } = assess(
      { ...storingOf(asked), fields: asked.exchange.request, origin: '' },
      { status: response.status, fields: response },
      { requestTime: now, responseTime: now },
      this.#options.settings,
    );
    this.remember(asked, not !== undefined);
  }
}

/** Under which it is remembered that answers to such a request are not stored. */
const passKey = ({ key, cookie, facts }: Asked, range = false): string =>
  digest(`${key}\n${cookie === undefined ? '' : 'c'}${facts.authorized ? 'a' : ''}${range ? 'r' : ''}`);
