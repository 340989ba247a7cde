/** The cache as a filter of the data plane: answers from the store, or lets the request go on. */
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Response } from '#proxy/http/response.ts';
import { plainReply } from '#proxy/http/responses.ts';
import { readFacts } from '../policy/request-facts.ts';
import { reuseOf } from '../policy/reuse.ts';
import type { Stored } from '../store/stored.ts';
import { answerOf } from './answers.ts';
import { lookupOf, type CacheLookup } from './cache-lookup.ts';
import { FetchAnswers, withStatus, type FetchAnswersOptions } from './fetch-answers.ts';
import { Bypass } from './bypass.ts';
import type { Purger } from './purger.ts';

export interface CacheFilterOptions extends Omit<FetchAnswersOptions, 'bypass' | 'lookUp'> {
  readonly purger: Purger;
}

export class CacheFilter implements Filter {
  readonly #options: CacheFilterOptions;
  readonly #bypass: Bypass;
  readonly #fetched: FetchAnswers;

  constructor(options: CacheFilterOptions) {
    this.#options = options;
    this.#bypass = new Bypass(options);
    this.#fetched = new FetchAnswers({
      ...options,
      bypass: this.#bypass,
      lookUp: (lookup) => this.#lookUp(lookup),
    });
  }

  onResponse(exchange: FilteredExchange, response: Response): Reply | undefined {
    return this.#bypass.onResponse(exchange, response);
  }

  onRequest(exchange: FilteredExchange): Reply | undefined | Promise<Reply | undefined> {
    const { request, downstream } = exchange;
    const trusted = this.#options.trusts(downstream);
    const facts = readFacts(request, request.authority, trusted, downstream.secure);
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') return this.#bypass.pass(exchange, facts, 'method', undefined);
    if (request.body !== NO_BODY) return this.#bypass.pass(exchange, facts, 'bypass', 'request-body');
    if (request.upgrade !== '') return this.#bypass.pass(exchange, facts, 'bypass', 'upgrade');
    if (facts.bypass !== undefined) return this.#bypass.pass(exchange, facts, 'bypass', 'override');
    if (facts.precondition) return this.#bypass.pass(exchange, facts, 'bypass', 'precondition');
    const lookup = lookupOf(exchange, facts, this.#options.settings);
    // RFC 9111, section 5.2.1.5: nothing of it may be stored, so nobody can share it.
    if (lookup.directives.noStore) return this.#bypass.pass(exchange, facts, 'request', 'no-store', lookup);
    return this.#lookUp(lookup);
  }

  #lookUp(lookup: CacheLookup): Reply | undefined | Promise<Reply | undefined> {
    const found = this.#options.store.find(lookup.key, lookup.exchange.request);
    return found instanceof Promise ? found.then((stored) => this.#use(lookup, stored)) : this.#use(lookup, found);
  }

  /** With what is stored, if anything. */
  #use(lookup: CacheLookup, stored: Stored | undefined): Reply | undefined | Promise<Reply | undefined> {
    const { exchange, facts, directives } = lookup;
    const { stats, settings, store } = this.#options;
    const fetched = this.#fetched;
    const now = this.#options.now();
    // What is fresh by a guess alone may be another's page: a cookie says that there are others.
    if (
      stored !== undefined &&
      lookup.cookie !== undefined &&
      stored.head.freshness.source !== 'explicit' &&
      !stored.head.directives.public
    )
      stored = undefined;
    if (stored !== undefined) {
      const reuse = reuseOf(stored.head, directives, settings, now);
      const { age, ttl } = reuse;
      store.memory.touch(stored);
      if (reuse.answer === 'fresh') {
        stats.results.hit++;
        return answerOf(stored, lookup, age, { hit: true, ttl });
      }
      if (directives.onlyIfCached) {
        if (reuse.answer !== 'validate') return fetched.stale(lookup, stored, reuse, { hit: true, ttl });
        return this.#notCached();
      }
      if (reuse.answer === 'refresh') {
        fetched.refresh(lookup, stored);
        return fetched.stale(lookup, stored, reuse, { hit: true, ttl, detail: 'stale-while-revalidate' });
      }
      if (reuse.answer === 'stale')
        return fetched.stale(lookup, stored, reuse, { hit: true, ttl, detail: 'max-stale' });
      if (reuse.ifError && now < stored.askAgainAt)
        return fetched.stale(lookup, stored, reuse, { hit: true, ttl, detail: 'stale-if-error' });
      return fetched.answer(lookup, stored, ttl > 0 ? 'request' : 'stale');
    }
    if (directives.onlyIfCached) return this.#notCached();
    const fwd = store.variants(lookup.key).length > 0 ? 'vary-miss' : 'uri-miss';
    if (this.#bypass.isHitForPass(lookup)) return this.#bypass.pass(exchange, facts, fwd, 'not-stored-before', lookup);
    return fetched.answer(lookup, undefined, fwd);
  }

  /** RFC 9111, section 5.2.1.7. */
  #notCached(): Reply {
    this.#options.stats.results.miss++;
    return withStatus(plainReply(504, 0), { fwd: 'request', detail: 'only-if-cached' });
  }
}
