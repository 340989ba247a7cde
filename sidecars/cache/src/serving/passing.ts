/** Requests that go to the application as they are, and what their responses say of the store. */
import type { FilteredExchange } from '#proxy/filters/filter.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Response } from '#proxy/http/response.ts';
import { assess } from '../policy/assess.ts';
import { cacheStatus, type CacheStatus, type Forwarded } from '../policy/cache-status.ts';
import { groupName, parseGroups } from '../policy/groups.ts';
import { invalidatedUrls, isSafe, keyOf } from '../policy/keys.ts';
import type { RequestFacts } from '../policy/request-facts.ts';
import { isError, type Reuse } from '../policy/reuse.ts';
import type { Stored } from '../store/stored.ts';
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
  /** The application failed: what is stored may answer. */
  readonly onFailure: (asked: Asked, stored: Stored, status: CacheStatus) => Reply | undefined;
}

/** A request that went to the application as it was. */
interface Passed {
  readonly fwd: Forwarded;
  readonly detail: string | undefined;
  readonly url: string;
  readonly asked: Asked | undefined;
  /** Of a HEAD request: what is stored, and may answer where the application cannot. */
  readonly stored: { readonly stored: Stored; readonly reuse: Reuse } | undefined;
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
    stored?: Passed['stored'],
  ): undefined {
    const { request } = exchange;
    const url = keyOf(
      { scheme: facts.scheme, authority: request.authority, target: request.target, fields: request },
      { ...this.#options.settings.key, fields: [] },
    );
    this.#options.stats.results.pass++;
    this.#passed.set(exchange, { fwd, detail, url, asked, stored });
    return undefined;
  }

  /** A response to a request that may have been let go: it is read, and says in Cache-Status what was done. */
  onResponse(exchange: FilteredExchange, response: Response): Reply | undefined {
    const passed = this.#passed.get(exchange);
    if (passed === undefined) return undefined;
    this.#passed.delete(exchange);
    const { stats, purger } = this.#options;
    const { fwd, detail, asked, stored, url } = passed;
    const { method } = exchange.request;
    const own = exchange.tried.length === 0 || exchange.outcome !== 'complete';
    stats.origin(own ? 0 : response.status);
    if (stored !== undefined && isError(response.status)) {
      const reply = this.#options.onFailure(asked!, stored.stored, { fwd, detail: 'stale-if-error' });
      if (reply !== undefined) return reply;
    }
    if (!isSafe(method)) this.#invalidate(url, response);
    else if (asked !== undefined && method === 'GET' && response.status < 500) this.#learn(asked, response);
    if (stored !== undefined && method === 'HEAD') purger.freshen(stored.stored, response);
    response.append('Cache-Status', cacheStatus({ fwd, ...(detail !== undefined && { detail }) }));
    return undefined;
  }

  /** Whether answers to such a request were not stored. */
  wasPassed({ passKey }: Asked): boolean {
    return this.#keys.has(passKey, this.#options.now());
  }

  /** @param passes its answer was not stored */
  remember({ passKey }: Asked, passes: boolean): void {
    if (passes) this.#keys.add(passKey, this.#options.now());
    else this.#keys.delete(passKey);
  }

  /** RFC 9111, section 4.4; RFC 9875, section 3. */
  #invalidate(url: string, response: Response): void {
    const { purger } = this.#options;
    const urls = invalidatedUrls(url, response.status, response);
    for (const each of urls) purger.invalidateUrl(each);
    if (urls.length === 0) return;
    const origin = /^[a-z]+:\/\/[^/?]*/.exec(url)?.[0] ?? url;
    for (const group of parseGroups(response.get('cache-group-invalidation')))
      purger.invalidateTag(groupName(origin, group));
  }

  /** A key that was passed may have become one that is stored: the next request will see. */
  #learn(asked: Asked, response: Response): void {
    const now = this.#options.now();
    if (!this.#keys.has(asked.passKey, now)) return;
    const { not } = assess(
      { ...storingOf(asked), fields: asked.exchange.request, origin: '' },
      { status: response.status, fields: response },
      { requestTime: now, responseTime: now },
      this.#options.settings,
    );
    this.remember(asked, not !== undefined);
  }
}
