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
import { storingOf, type CacheLookup } from './cache-lookup.ts';
import { HitForPass } from './hit-for-pass.ts';
import { PostAnswers, type PendingPost, type PostAnswersOptions } from './post-answers.ts';
import type { Purger } from './purger.ts';
import type { CacheStats } from './stats.ts';

export interface BypassOptions extends PostAnswersOptions {
  readonly stats: CacheStats;
  readonly purger: Purger;
  /** Credentials are asked for behind the cache. */
  readonly onChallenge: () => void;
}

/** A request that went to the application as it was. */
interface Bypassed {
  readonly fwd: Forwarded;
  readonly detail: string | undefined;
  readonly url: string;
  readonly lookup: CacheLookup | undefined;
  readonly post: PendingPost | undefined;
}

export class Bypass {
  readonly #options: BypassOptions;
  readonly #bypassed = new WeakMap<FilteredExchange, Bypassed>();
  readonly #keys = new HitForPass();
  readonly #posts: PostAnswers;

  constructor(options: BypassOptions) {
    this.#options = options;
    this.#posts = new PostAnswers(options);
  }

  /** Let a request go on as it is. */
  pass(
    exchange: FilteredExchange,
    facts: RequestFacts,
    fwd: Forwarded,
    detail: string | undefined,
    lookup?: CacheLookup,
  ): undefined {
    const { request } = exchange;
    const url = keyOf(
      { scheme: facts.scheme, authority: request.authority, target: request.target, fields: request },
      { ...this.#options.settings.key, fields: [] },
    );
    this.#options.stats.results.pass++;
    const post = request.method === 'POST' ? this.#posts.begin(exchange, facts) : undefined;
    this.#bypassed.set(exchange, { fwd, detail, url, lookup, post });
    return undefined;
  }

  /** A response to a request that may have been let go: it is read, and says in Cache-Status what was done. */
  onResponse(exchange: FilteredExchange, response: Response): Reply | undefined {
    const bypassed = this.#bypassed.get(exchange);
    if (bypassed === undefined) return undefined;
    this.#bypassed.delete(exchange);
    const { stats } = this.#options;
    const { fwd, detail, lookup, url, post } = bypassed;
    const { method } = exchange.request;
    const own = exchange.tried.length === 0 || exchange.outcome !== 'complete';
    stats.origin(own ? 0 : response.status);
    if (response.status === 401) this.#options.onChallenge();
    if (post !== undefined) this.#posts.onResponse(exchange, response, post, () => this.#invalidate(url, response));
    else if (!isSafe(method)) this.#invalidate(url, response);
    else if (lookup?.range === false && method === 'GET' && response.status < 500) this.#learn(lookup, response);
    response.append('Cache-Status', cacheStatus({ fwd, ...(detail !== undefined && { detail }) }));
    return undefined;
  }

  /** Whether answers to such a request were not stored. */
  isHitForPass(lookup: CacheLookup): boolean {
    const now = this.#options.now();
    return (
      this.#keys.has(hitForPassKey(lookup), now) || (lookup.range && this.#keys.has(hitForPassKey(lookup, true), now))
    );
  }

  /** @param passes its answer was not stored */
  remember(lookup: CacheLookup, passes: boolean): void {
    const key = hitForPassKey(lookup, lookup.range);
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

  /** The answer to a hit-for-pass key may be one that is stored now: then the next request is looked up again. */
  #learn(lookup: CacheLookup, response: Response): void {
    const now = this.#options.now();
    if (!this.#keys.has(hitForPassKey(lookup), now)) return;
    const { not } = assess(
      { ...storingOf(lookup), fields: lookup.exchange.request, origin: '' },
      { status: response.status, fields: response },
      { requestTime: now, responseTime: now },
      this.#options.settings,
    );
    this.remember(lookup, not !== undefined);
  }
}

/** Under which it is remembered that answers to such a request are not stored. */
const hitForPassKey = ({ key, cookie, facts }: CacheLookup, range = false): string =>
  digest(`${key}\n${cookie === undefined ? '' : 'c'}${facts.authorized ? 'a' : ''}${range ? 'r' : ''}`);
