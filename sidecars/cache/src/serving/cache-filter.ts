/** The cache as a filter of the data plane: answers from the store, or lets the request go on. */
import { STATUS_OF_FAILURE } from '#proxy/exchange.ts';
import type { ProxyContext } from '#proxy/context.ts';
import type { DownstreamInfo } from '#proxy/downstream/connection.ts';
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import { ForwardedFields } from '#proxy/filters/forwarded.ts';
import { FORWARDED, kindOf } from '#proxy/http/field-names.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Request } from '#proxy/http/request.ts';
import { Response } from '#proxy/http/response.ts';
import { plainReply } from '#proxy/http/responses.ts';
import { assess } from '../policy/assess.ts';
import { cacheStatus, type CacheStatus, type Forwarded } from '../policy/cache-status.ts';
import { CONDITIONS, isNotModified } from '../policy/conditions.ts';
import { countingCookies } from '../policy/cookies.ts';
import { parseCacheControl, type Directives } from '../policy/directives.ts';
import { groupName, parseGroups } from '../policy/groups.ts';
import { invalidatedUrls, isSafe, keyOf, originOf } from '../policy/keys.ts';
import { readFacts, type RequestFacts } from '../policy/request-facts.ts';
import { forbidsStale, isError, reuseOf, type Reuse } from '../policy/reuse.ts';
import { normalized } from '../policy/vary.ts';
import type { Store } from '../store/store.ts';
import { FieldLines, type Stored } from '../store/stored.ts';
import { answerOf } from './answers.ts';
import type { Fetch, Fetches, FetchHead, FetchRequest } from './fetches.ts';
import { PassedKeys } from './passes.ts';
import type { Purger } from './purger.ts';
import type { CacheSettings } from './settings.ts';
import type { CacheStats } from './stats.ts';

export interface CacheFilterOptions {
  readonly settings: CacheSettings;
  readonly store: Store;
  readonly stats: CacheStats;
  readonly purger: Purger;
  readonly context: () => ProxyContext;
  readonly fetches: () => Fetches;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Whose X-Forwarded-* are believed. */
  readonly trusts: (client: DownstreamInfo) => boolean;
  /** The port of a host that names none. */
  readonly publicPort: number;
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

/** A request that the store may answer. */
interface Asked {
  readonly exchange: FilteredExchange;
  readonly facts: RequestFacts;
  readonly directives: Directives;
  readonly key: string;
  readonly passKey: string;
  /** As the application will see it: without ignored cookies. */
  readonly cookie: string | undefined;
  /** How often it was looked up. */
  rounds: number;
  /** Fields that an answer to another request varied by. */
  varying: readonly string[];
}

const NO_DIRECTIVES = parseCacheControl({ getAll: () => [] });
/** After a failure a stale response answers for so long without asking again, in milliseconds. */
const ASK_AGAIN_AFTER = 1000;
/** How often a lookup starts over because what was waited for was not for this request. */
const MAX_ROUNDS = 3;

export class CacheFilter implements Filter {
  readonly #options: CacheFilterOptions;
  readonly #passed = new WeakMap<FilteredExchange, Passed>();
  readonly #passes = new PassedKeys();
  readonly #forwarded = new WeakMap<DownstreamInfo, ForwardedFields>();

  constructor(options: CacheFilterOptions) {
    this.#options = options;
  }

  onRequest(exchange: FilteredExchange): Reply | undefined | Promise<Reply | undefined> {
    const { request, downstream } = exchange;
    const trusted = this.#options.trusts(downstream);
    const facts = readFacts(request, request.authority, trusted, downstream.secure);
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') return this.#pass(exchange, facts, 'method', undefined);
    if (request.body !== NO_BODY) return this.#pass(exchange, facts, 'bypass', 'request-body');
    if (request.upgrade !== '') return this.#pass(exchange, facts, 'bypass', 'upgrade');
    if (facts.bypass !== undefined) return this.#pass(exchange, facts, 'bypass', 'override');
    if (facts.precondition) return this.#pass(exchange, facts, 'bypass', 'precondition');
    const directives = facts.directives ? parseCacheControl(request) : NO_DIRECTIVES;
    const cookie = this.#cookieOf(request, facts);
    const key = this.#keyOf(request, facts);
    const passKey = `${key}\n${cookie === undefined ? '' : 'c'}${facts.authorized ? 'a' : ''}`;
    const asked: Asked = { exchange, facts, directives, key, passKey, cookie, rounds: 0, varying: [] };
    // RFC 9111, section 5.2.1.5: nothing of it may be stored, so nobody can share it.
    if (directives.noStore) return this.#pass(exchange, facts, 'request', 'no-store', asked);
    return this.#answer(asked);
  }

  /** Cookies that count; the others are taken off, so that no answer can depend on them. */
  #cookieOf(request: Request, facts: RequestFacts): string | undefined {
    const { ignoredCookies } = this.#options.settings;
    if (facts.cookie === undefined || ignoredCookies.length === 0) return facts.cookie;
    const counting = countingCookies(facts.cookie, ignoredCookies);
    if (counting === facts.cookie) return counting;
    if (counting === undefined) request.delete('cookie');
    else request.set('Cookie', counting);
    return counting;
  }

  #keyOf(request: Request, { scheme, port }: RequestFacts): string {
    const { target, authority } = request;
    const key = keyOf({ scheme, authority, target, fields: request }, this.#options.settings.key);
    return port === undefined ? key : `${key}\nport=${port}`;
  }

  #answer(asked: Asked): Reply | undefined | Promise<Reply | undefined> {
    const { store } = this.#options;
    const found = store.find(asked.key, asked.exchange.request);
    return found instanceof Promise ? found.then((stored) => this.#use(asked, stored)) : this.#use(asked, found);
  }

  /** With what is stored, if anything. */
  #use(asked: Asked, stored: Stored | undefined): Reply | undefined | Promise<Reply | undefined> {
    const { exchange, facts, directives, passKey } = asked;
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
        return this.#pass(exchange, facts, fwd, undefined, asked, { stored, reuse });
      return this.#fetch(asked, stored, fwd);
    }
    if (directives.onlyIfCached) return this.#notCached();
    const fwd = store.memory.variants(asked.key).length > 0 ? 'vary-miss' : 'uri-miss';
    if (exchange.request.method === 'HEAD') return this.#pass(exchange, facts, fwd, undefined, asked);
    if (facts.range) return this.#pass(exchange, facts, fwd, 'range', asked);
    if (this.#passes.has(passKey, now)) return this.#pass(exchange, facts, fwd, 'not-stored-before', asked);
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
    const request = this.#fetchRequest(asked);
    const fetches = this.#options.fetches();
    if (fetches.find(request.collapseKey) === undefined) fetches.start(request, stored, true);
  }

  /** Ask the application, or share the answer of who does already. */
  async #fetch(asked: Asked, stored: Stored | undefined, fwd: Forwarded): Promise<Reply | undefined> {
    const { exchange, facts } = asked;
    const fetches = this.#options.fetches();
    const request = this.#fetchRequest(asked);
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
      return this.#pass(exchange, facts, fwd, 'collapse-timeout', asked);
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
        : this.#pass(exchange, facts, fwd, undefined, asked);
    }
    if (follows && !this.#mayShare(asked, fetch, head)) {
      leave();
      // What varies, or has changed meanwhile, is looked up once more; what is not stored goes by itself.
      asked.varying = head.assessed.selecting.map(([name]) => name);
      if (head.not === undefined && ++asked.rounds < MAX_ROUNDS) return await this.#answer(asked);
      return this.#pass(exchange, facts, fwd, undefined, asked);
    }
    if (head.not === undefined) this.#passes.delete(asked.passKey);
    else this.#passes.add(asked.passKey, this.#options.now());
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
      const whole = await this.#wholeOf(fetch);
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

  async #wholeOf(fetch: Fetch): Promise<Stored | undefined> {
    return await fetch.whole;
  }

  #fetchRequest({ exchange, facts, directives, key, cookie, varying: heard }: Asked): FetchRequest {
    const { request, downstream, cluster } = exchange;
    const { store, trusts } = this.#options;
    const trusted = trusts(downstream);
    let lines = '';
    let said = false;
    for (const [name, value] of request) {
      if (DROPPED.has(name.toLowerCase())) continue;
      if (kindOf(name) === FORWARDED) {
        if (!trusted) continue;
        said = true;
      }
      lines += `${name}: ${value}\r\n`;
    }
    if (!said) lines += this.#forwardedOf(downstream).lines(request.authority);
    const { method, target, authority } = request;
    // Those that differ in what is known to matter do not wait for each other.
    const last = store.memory.variants(key).at(-1);
    const names = last?.head.selecting.map(([name]) => name) ?? heard;
    const varying = names.map((name) => `${name}=${normalized(name, request.get(name)) ?? '\t'}`);
    return {
      key,
      collapseKey: [key, cookie === undefined ? '' : 'c', ...varying].join('\n'),
      origin: originOf(facts.scheme, authority),
      target,
      authority,
      lines,
      fields: request,
      storing: {
        method,
        target,
        authorized: facts.authorized,
        cookies: cookie !== undefined,
        noStore: directives.noStore,
        unusual: facts.unusual,
      },
      cluster,
      downstream,
    };
  }

  #forwardedOf(downstream: DownstreamInfo): ForwardedFields {
    let fields = this.#forwarded.get(downstream);
    if (fields === undefined)
      this.#forwarded.set(downstream, (fields = new ForwardedFields(downstream, this.#options.publicPort)));
    return fields;
  }

  /** Let a request go on as it is. */
  #pass(
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
      const reply = this.#onFailure(asked!, stored.stored, { fwd, detail: 'stale-if-error' });
      if (reply !== undefined) return reply;
    }
    if (!isSafe(method)) this.#invalidate(url, response);
    else if (asked !== undefined && method === 'GET' && response.status < 500) this.#learn(asked, response);
    if (stored !== undefined && method === 'HEAD') purger.freshen(stored.stored, response);
    response.append('Cache-Status', cacheStatus({ fwd, ...(detail !== undefined && { detail }) }));
    return undefined;
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
    const { facts, cookie, passKey, directives, exchange } = asked;
    const now = this.#options.now();
    if (!this.#passes.has(passKey, now)) return;
    const { not } = assess(
      {
        method: 'GET',
        target: exchange.request.target,
        authorized: facts.authorized,
        cookies: cookie !== undefined,
        noStore: directives.noStore,
        unusual: facts.unusual,
        fields: exchange.request,
        origin: '',
      },
      { status: response.status, fields: response },
      { requestTime: now, responseTime: now },
      this.#options.settings,
    );
    if (not === undefined) this.#passes.delete(passKey);
    else this.#passes.add(passKey, now);
  }
}

/** What a fetch does not pass on: the store answers conditions and ranges itself. */
const DROPPED: ReadonlySet<string> = new Set<string>([...CONDITIONS, 'if-range']);

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
