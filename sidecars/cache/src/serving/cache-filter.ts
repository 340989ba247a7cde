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
import { askedOf, type Asked } from './asked.ts';
import { FetchAnswers, withStatus, type FetchAnswersOptions } from './fetch-answers.ts';
import { Passing } from './passing.ts';
import type { Purger } from './purger.ts';

export interface CacheFilterOptions extends Omit<FetchAnswersOptions, 'passing' | 'lookUp'> {
  readonly purger: Purger;
}

export class CacheFilter implements Filter {
  readonly #options: CacheFilterOptions;
  readonly #passing: Passing;
  readonly #fetched: FetchAnswers;

  constructor(options: CacheFilterOptions) {
    this.#options = options;
    this.#passing = new Passing(options);
    this.#fetched = new FetchAnswers({
      ...options,
      passing: this.#passing,
      lookUp: (asked) => this.#lookUp(asked),
    });
  }

  onResponse(exchange: FilteredExchange, response: Response): Reply | undefined {
    return this.#passing.onResponse(exchange, response);
  }

  onRequest(exchange: FilteredExchange): Reply | undefined | Promise<Reply | undefined> {
    const { request, downstream } = exchange;
    const trusted = this.#options.trusts(downstream);
    const facts = readFacts(request, request.authority, trusted, downstream.secure);
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') return this.#passing.pass(exchange, facts, 'method', undefined);
    if (request.body !== NO_BODY) return this.#passing.pass(exchange, facts, 'bypass', 'request-body');
    if (request.upgrade !== '') return this.#passing.pass(exchange, facts, 'bypass', 'upgrade');
    if (facts.bypass !== undefined) return this.#passing.pass(exchange, facts, 'bypass', 'override');
    if (facts.precondition) return this.#passing.pass(exchange, facts, 'bypass', 'precondition');
    const asked = askedOf(exchange, facts, this.#options.settings);
    // RFC 9111, section 5.2.1.5: nothing of it may be stored, so nobody can share it.
    if (asked.directives.noStore) return this.#passing.pass(exchange, facts, 'request', 'no-store', asked);
    return this.#lookUp(asked);
  }

  #lookUp(asked: Asked): Reply | undefined | Promise<Reply | undefined> {
    const found = this.#options.store.find(asked.key, asked.exchange.request);
    return found instanceof Promise ? found.then((stored) => this.#use(asked, stored)) : this.#use(asked, found);
  }

  /** With what is stored, if anything. */
  #use(asked: Asked, stored: Stored | undefined): Reply | undefined | Promise<Reply | undefined> {
    const { exchange, facts, directives } = asked;
    const { stats, settings, store } = this.#options;
    const fetched = this.#fetched;
    const now = this.#options.now();
    // What is fresh by a guess alone may be another's page: a cookie says that there are others.
    if (
      stored !== undefined &&
      asked.cookie !== undefined &&
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
        return answerOf(stored, asked, age, { hit: true, ttl });
      }
      if (directives.onlyIfCached) {
        if (reuse.answer !== 'validate') return fetched.stale(asked, stored, reuse, { hit: true, ttl });
        return this.#notCached();
      }
      if (reuse.answer === 'refresh') {
        fetched.refresh(asked, stored);
        return fetched.stale(asked, stored, reuse, { hit: true, ttl, detail: 'stale-while-revalidate' });
      }
      if (reuse.answer === 'stale') return fetched.stale(asked, stored, reuse, { hit: true, ttl, detail: 'max-stale' });
      if (reuse.ifError && now < stored.askAgainAt)
        return fetched.stale(asked, stored, reuse, { hit: true, ttl, detail: 'stale-if-error' });
      return fetched.answer(asked, stored, ttl > 0 ? 'request' : 'stale');
    }
    if (directives.onlyIfCached) return this.#notCached();
    const fwd = store.variants(asked.key).length > 0 ? 'vary-miss' : 'uri-miss';
    if (this.#passing.wasPassed(asked)) return this.#passing.pass(exchange, facts, fwd, 'not-stored-before', asked);
    return fetched.answer(asked, undefined, fwd);
  }

  /** RFC 9111, section 5.2.1.7. */
  #notCached(): Reply {
    this.#options.stats.results.miss++;
    return withStatus(plainReply(504, 0), { fwd: 'request', detail: 'only-if-cached' });
  }
}
