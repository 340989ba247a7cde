/** The cache as a filter of the data plane: answers from the store, or lets the request go on. */
import type { ProxyContext } from '#proxy/context.ts';
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Response } from '#proxy/http/response.ts';
import { STATUS_OF_FAILURE, plainReply } from '#proxy/http/responses.ts';
import { cacheStatus, type CacheStatus, type Forwarded } from '../policy/cache-status.ts';
import { isNotModified } from '../policy/conditions.ts';
import { readFacts } from '../policy/request-facts.ts';
import { forbidsStale, reuseOf, type Reuse } from '../policy/reuse.ts';
import { normalized } from '../policy/vary.ts';
import { FieldLines, type Stored } from '../store/stored.ts';
import { answerOf } from './answers.ts';
import { askedOf, type Asked } from './asked.ts';
import { FetchRequests, type FetchRequestsOptions } from './fetch-requests.ts';
import type { Fetch, Fetches, FetchHead } from './fetches.ts';
import { Passing } from './passing.ts';
import type { Purger } from './purger.ts';
import type { CacheSettings } from './settings.ts';
import type { CacheStats } from './stats.ts';

export interface CacheFilterOptions extends FetchRequestsOptions {
  readonly settings: CacheSettings;
  readonly stats: CacheStats;
  readonly purger: Purger;
  readonly context: () => ProxyContext;
  readonly fetches: () => Fetches;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** After a failure a stale response answers for so long without asking again, in milliseconds. */
const ASK_AGAIN_AFTER = 1000;
/** How often a lookup starts over because what was waited for was not for this request. */
const MAX_ROUNDS = 3;

export class CacheFilter implements Filter {
  readonly #options: CacheFilterOptions;
  readonly #requests: FetchRequests;
  readonly #passing: Passing;

  constructor(options: CacheFilterOptions) {
    this.#options = options;
    this.#requests = new FetchRequests(options);
    this.#passing = new Passing({
      ...options,
      onFailure: (asked, stored, status) => this.#onFailure(asked, stored, status),
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
    return this.#answer(asked);
  }

  #answer(asked: Asked): Reply | undefined | Promise<Reply | undefined> {
    const { store } = this.#options;
    const found = store.find(asked.key, asked.exchange.request);
    return found instanceof Promise ? found.then((stored) => this.#use(asked, stored)) : this.#use(asked, found);
  }

  /** With what is stored, if anything. */
  #use(asked: Asked, stored: Stored | undefined): Reply | undefined | Promise<Reply | undefined> {
    const { exchange, facts, directives } = asked;
    const { stats, settings, store } = this.#options;
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
        return answerOf(stored, exchange.request, facts, age, { hit: true, ttl });
      }
      if (directives.onlyIfCached) {
        if (reuse.answer !== 'validate') return this.#stale(asked, stored, reuse, { hit: true, ttl });
        return this.#notCached();
      }
      if (reuse.answer === 'refresh') {
        this.#refresh(asked, stored);
        return this.#stale(asked, stored, reuse, { hit: true, ttl, detail: 'stale-while-revalidate' });
      }
      if (reuse.answer === 'stale') return this.#stale(asked, stored, reuse, { hit: true, ttl, detail: 'max-stale' });
      if (reuse.ifError && now < stored.askAgainAt)
        return this.#stale(asked, stored, reuse, { hit: true, ttl, detail: 'stale-if-error' });
      const fwd = ttl > 0 ? 'request' : 'stale';
      if (exchange.request.method === 'HEAD')
        return this.#passing.pass(exchange, facts, fwd, undefined, asked, { stored, reuse });
      return this.#fetch(asked, stored, fwd);
    }
    if (directives.onlyIfCached) return this.#notCached();
    const fwd = store.memory.variants(asked.key).length > 0 ? 'vary-miss' : 'uri-miss';
    if (exchange.request.method === 'HEAD') return this.#passing.pass(exchange, facts, fwd, undefined, asked);
    if (facts.range) return this.#passing.pass(exchange, facts, fwd, 'range', asked);
    if (this.#passing.wasPassed(asked)) return this.#passing.pass(exchange, facts, fwd, 'not-stored-before', asked);
    return this.#fetch(asked, undefined, fwd);
  }

  /** RFC 9111, section 5.2.1.7. */
  #notCached(): Reply {
    this.#options.stats.results.miss++;
    return withStatus(plainReply(504, 0), { fwd: 'request', detail: 'only-if-cached' });
  }

  #stale(asked: Asked, stored: Stored, { age }: Reuse, status: CacheStatus): Reply {
    this.#options.stats.results.stale++;
    return answerOf(stored, asked.exchange.request, asked.facts, age, status);
  }

  /** Ask meanwhile whether it has changed; one does for all. */
  #refresh(asked: Asked, stored: Stored): void {
    const request = this.#requests.of(asked);
    const fetches = this.#options.fetches();
    if (fetches.find(request.collapseKey) === undefined) fetches.start(request, stored, true);
  }

  /** Ask the application, or share the answer of who does already. */
  async #fetch(asked: Asked, stored: Stored | undefined, fwd: Forwarded): Promise<Reply | undefined> {
    const { exchange, facts } = asked;
    const fetches = this.#options.fetches();
    const request = this.#requests.of(asked);
    const shareable = !facts.authorized;
    const running = shareable ? fetches.find(request.collapseKey) : undefined;
    const fetch = running ?? fetches.start(request, stored, shareable);
    const follows = running !== undefined;
    const tell = (interim: Response): void => exchange.sendInterim(interim);
    fetch.waiting.add(tell);
    fetch.fill.expect();
    const result = await within(fetch.fill.result, follows ? this.#options.settings.collapseTimeout : undefined);
    fetch.waiting.delete(tell);
    const leave = (): void => fetch.fill.release();
    if (exchange.signal.aborted) {
      leave();
      return undefined;
    }
    if (result === undefined) {
      // It takes too long: this one goes by itself.
      leave();
      return this.#passing.pass(exchange, facts, fwd, 'collapse-timeout', asked);
    }
    if (result.kind === 'failure') {
      leave();
      const status = { fwd, detail: result.failure };
      return this.#onFailure(asked, stored, status) ?? this.#failed(stored, STATUS_OF_FAILURE[result.failure], status);
    }
    const { head } = result;
    if (head.failed) {
      const reply = this.#onFailure(asked, stored, { fwd, fwdStatus: head.status, detail: 'stale-if-error' });
      if (reply !== undefined) {
        leave();
        return reply;
      }
    }
    if (head.mismatched) {
      leave();
      this.#options.store.remove(fetch.validating!, 'invalidated');
      return ++asked.rounds < MAX_ROUNDS
        ? await this.#answer(asked)
        : this.#passing.pass(exchange, facts, fwd, undefined, asked);
    }
    if (follows && !this.#mayShare(asked, fetch, head)) {
      leave();
      // What varies, or has changed meanwhile, is looked up once more; what is not stored goes by itself.
      asked.varying = head.assessed.selecting.map(([name]) => name);
      if (head.not === undefined && ++asked.rounds < MAX_ROUNDS) return await this.#answer(asked);
      return this.#passing.pass(exchange, facts, fwd, undefined, asked);
    }
    this.#passing.remember(asked, head.not !== undefined);
    if (head.confirmed !== undefined) {
      leave();
      return this.#confirmed(asked, head.confirmed, fwd, follows);
    }
    return await this.#fresh(asked, fetch, head, fwd, follows);
  }

  /** A failure's answer: what is stored, where that may be used. */
  #onFailure(asked: Asked, stored: Stored | undefined, status: CacheStatus): Reply | undefined {
    if (stored === undefined) return undefined;
    const now = this.#options.now();
    const reuse = reuseOf(stored.head, asked.directives, this.#options.settings, now);
    if (!reuse.ifError) return undefined;
    stored.askAgainAt = now + ASK_AGAIN_AFTER;
    return this.#stale(asked, stored, reuse, { ...status, ttl: reuse.ttl });
  }

  /** @param code the proxy's own status for it */
  #failed(stored: Stored | undefined, code: number, status: CacheStatus): Reply {
    const { settings } = this.#options.context();
    this.#options.stats.results.miss++;
    // RFC 9111, section 5.2.2.2: what must be validated, and cannot be, is a 504.
    const actual = stored !== undefined && forbidsStale(stored.head.directives) ? 504 : code;
    return withStatus(plainReply(actual, settings.retryAfter), status);
  }

  /** Whether an answer that another request caused is this one's too. */
  #mayShare({ exchange, facts, cookie }: Asked, fetch: Fetch, head: FetchHead): boolean {
    if (head.not !== undefined || facts.range || fetch.outdated) return false;
    const { freshness, directives, selecting } = head.assessed;
    if (cookie !== undefined && freshness.source !== 'explicit' && !directives.public) return false;
    // Freshness of nothing, and no-cache: every request is to be asked for itself, unless it was asked together.
    return selecting.every(([name, value]) => normalized(name, exchange.request.get(name)) === value);
  }

  #confirmed(asked: Asked, stored: Stored, fwd: Forwarded, collapsed: boolean): Reply {
    const { stats, settings } = this.#options;
    stats.results[collapsed ? 'collapsed' : 'revalidated']++;
    const { age, ttl } = reuseOf(stored.head, asked.directives, settings, this.#options.now());
    return answerOf(stored, asked.exchange.request, asked.facts, age, {
      fwd,
      fwdStatus: 304,
      ttl,
      stored: true,
      collapsed,
    });
  }

  /** A new response, on its way. */
  async #fresh(asked: Asked, fetch: Fetch, head: FetchHead, fwd: Forwarded, collapsed: boolean): Promise<Reply> {
    const { exchange, facts } = asked;
    const { stats, settings } = this.#options;
    stats.results[collapsed ? 'collapsed' : 'miss']++;
    const keeps = head.not === undefined && fetch.fill.keeps;
    const status: CacheStatus = {
      fwd,
      stored: keeps && !fetch.outdated,
      collapsed,
      ...(head.not !== undefined && { detail: head.not }),
    };
    if (facts.range && keeps) {
      const whole = await fetch.whole;
      if (whole !== undefined) {
        fetch.fill.release();
        return answerOf(
          whole,
          exchange.request,
          facts,
          reuseOf(whole.head, asked.directives, settings, this.#options.now()).age,
          status,
        );
      }
    }
    const lines = collapsed ? head.assessed.lines : head.lines;
    const added = `Cache-Status: ${cacheStatus(status)}\r\n`;
    if (facts.conditional && head.status === 200 && head.not === undefined) {
      if (isNotModified(exchange.request, new FieldLines(lines), head.assessed.responseTime)) {
        fetch.fill.release();
        return { status: 304, lines: lines + added };
      }
    }
    if (!head.hasBody) {
      fetch.fill.release();
      return { status: head.status, lines: lines + added };
    }
    const { length } = head;
    return {
      status: head.status,
      lines: lines + added,
      body: fetch.fill.read(),
      ...(length !== undefined && { length }),
    };
  }
}

function withStatus(reply: Reply, status: CacheStatus): Reply {
  return { ...reply, fields: [...(reply.fields ?? []), ['Cache-Status', cacheStatus(status)]] };
}

/** @returns undefined when it takes longer than so many milliseconds */
async function within<T>(promise: Promise<T>, milliseconds: number | undefined): Promise<T | undefined> {
  if (milliseconds === undefined) return await promise;
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), milliseconds);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
