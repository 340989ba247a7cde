/** Answers that a fetch brings: for the request that caused it, and for those that wait for the same one. */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Response } from '#proxy/http/response.ts';
import { STATUS_OF_FAILURE, plainReply } from '#proxy/http/responses.ts';
import { cacheStatus, type CacheStatus, type Forwarded } from '../policy/cache-status.ts';
import { isNotModified } from '../policy/conditions.ts';
import { forbidsStale, reuseOf, type Reuse } from '../policy/reuse.ts';
import { selects } from '../policy/vary.ts';
import { FieldLines, type Stored } from '../store/stored.ts';
import { answerOf, partOfBody } from './answers.ts';
import type { CacheLookup } from './cache-lookup.ts';
import { FetchRequests, type FetchRequestsOptions } from './fetch-requests.ts';
import type { Fetch, Fetches, FetchHead, FetchRequest } from './fetches.ts';
import type { FillResult } from './fill.ts';
import type { Bypass } from './bypass.ts';
import type { CacheSettings } from './settings.ts';
import type { CacheStats } from './stats.ts';

export interface FetchAnswersOptions extends FetchRequestsOptions {
  readonly settings: CacheSettings;
  readonly stats: CacheStats;
  readonly bypass: Bypass;
  readonly context: () => ProxyContext;
  readonly fetches: () => Fetches;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Credentials are asked for behind the cache. */
  readonly onChallenge: () => void;
  /** Look a request up once more. */
  readonly lookUp: (lookup: CacheLookup) => Reply | undefined | Promise<Reply | undefined>;
}

/** After a failure a stale response answers for so long without asking again, in milliseconds. */
const ASK_AGAIN_AFTER = 1000;
/** How often a lookup starts over because what was waited for was not for this request. */
const MAX_ROUNDS = 3;

/** The fetch whose head came first. */
interface Joined {
  readonly fetch: Fetch;
  /** Another request caused it. */
  readonly follows: boolean;
  readonly result: FillResult<FetchHead>;
}

export class FetchAnswers {
  readonly #options: FetchAnswersOptions;
  readonly #requests: FetchRequests;

  constructor(options: FetchAnswersOptions) {
    this.#options = options;
    this.#requests = new FetchRequests(options);
  }

  /** What is stored answers although it is stale. */
  stale(lookup: CacheLookup, stored: Stored, { age }: Reuse, status: CacheStatus): Reply {
    this.#options.stats.results.stale++;
    return answerOf(stored, lookup, age, status);
  }

  /** Ask meanwhile whether it has changed; one does for all. */
  refresh(lookup: CacheLookup, stored: Stored): void {
    const request = this.#requests.of(lookup);
    const fetches = this.#options.fetches();
    if (fetches.find(request.collapseKey) === undefined) fetches.start(request, stored, true);
  }

  /** Ask the application, or share the answer to another request that does already. */
  async answer(lookup: CacheLookup, stored: Stored | undefined, fwd: Forwarded): Promise<Reply | undefined> {
    const { exchange, facts } = lookup;
    const { bypass, store, lookUp } = this.#options;
    const request = this.#requests.of(lookup);
    // No room for what a fetch keeps: the request goes as it is.
    if (store.memory.full && this.#options.fetches().find(request.collapseKey) === undefined)
      return (
        this.#onFailure(lookup, stored, { fwd, detail: 'memory' }) ??
        bypass.pass(exchange, facts, fwd, 'memory', lookup)
      );
    const joined = await this.#join(lookup, stored, request);
    if (joined === undefined) {
      if (exchange.signal.aborted) return undefined;
      return this.#onFailure(lookup, stored, { fwd, detail: 'stale-after' }) ?? (await lookUp(lookup));
    }
    const { fetch, follows, result } = joined;
    const leave = (): void => fetch.fill.release();
    if (exchange.signal.aborted) {
      leave();
      return undefined;
    }
    if (result.kind === 'failure') {
      leave();
      const status = { fwd, detail: result.failure };
      return this.#onFailure(lookup, stored, status) ?? this.#failed(stored, STATUS_OF_FAILURE[result.failure], status);
    }
    const { head } = result;
    if (head.status === 401) this.#options.onChallenge();
    if (head.failed) {
      const reply = this.#onFailure(lookup, stored, { fwd, fwdStatus: head.status, detail: 'stale-if-error' });
      if (reply !== undefined) {
        leave();
        return reply;
      }
    }
    if (head.mismatched) {
      leave();
      store.remove(fetch.validating!, 'invalidated');
      return ++lookup.rounds < MAX_ROUNDS ? await lookUp(lookup) : bypass.pass(exchange, facts, fwd, undefined, lookup);
    }
    if (follows && !this.#mayShare(lookup, fetch, head)) {
      leave();
      // What varies, or has changed meanwhile, is looked up once more; what is not stored goes by itself.
      lookup.varying = head.assessed.selecting.map(([name]) => name);
      if (head.not === undefined && ++lookup.rounds < MAX_ROUNDS) return await lookUp(lookup);
      return bypass.pass(exchange, facts, fwd, undefined, lookup);
    }
    // An error is no reason to stop collapsing, and a HEAD's answer says nothing of a GET's.
    if (exchange.request.method === 'GET' && head.status < 500)
      bypass.remember(
        lookup,
        head.not !== undefined || (!lookup.range && !fetch.fill.keeps && head.confirmed === undefined),
      );
    if (head.confirmed !== undefined) {
      leave();
      return this.#confirmed(lookup, head.confirmed, fwd, follows);
    }
    if (this.#mayBeStale(lookup, stored) && head.hasBody && fetch.fill.keeps) {
      // A body that stops, or breaks off, is no reason to cut the client off.
      const whole = await within(
        fetch.whole.then((response) => ({ response })),
        this.#patience(fetch),
      );
      if (whole === undefined || (whole.response === undefined && fetch.fill.broken)) {
        leave();
        return this.#onFailure(lookup, stored, { fwd, detail: 'stale-after' }) ?? (await lookUp(lookup));
      }
    }
    if (lookup.range) return await this.#range(lookup, joined, head, fwd);
    return this.#fresh(lookup, fetch, head, fwd, follows);
  }

  /**
   * Wait for a head. Where a stale response may answer, that is not for long; others begin one more fetch when
   * the first takes too long, one for all who wait.
   * @returns undefined when a stale response answers
   */
  async #join(lookup: CacheLookup, stored: Stored | undefined, request: FetchRequest): Promise<Joined | undefined> {
    const { exchange, facts } = lookup;
    const { settings } = this.#options;
    const fetches = this.#options.fetches();
    const shareable = !facts.authorized;
    const running = shareable ? fetches.find(request.collapseKey) : undefined;
    const first = running ?? fetches.start(request, stored, shareable);
    const tell = (interim: Response): void => exchange.sendInterim(interim);
    const entered: Fetch[] = [];
    const enter = async (fetch: Fetch, follows: boolean): Promise<Joined> => {
      entered.push(fetch);
      fetch.waiting.add(tell);
      fetch.fill.expect();
      return { fetch, follows, result: await fetch.fill.result };
    };
    const head = enter(first, running !== undefined);
    const stale = this.#mayBeStale(lookup, stored);
    const patience = stale ? this.#patience(first) : running === undefined ? undefined : settings.collapseTimeout;
    let joined = await within(head, patience);
    if (joined === undefined && !stale && !exchange.signal.aborted) {
      const newest = fetches.find(request.collapseKey);
      const follows = newest !== undefined && newest !== first;
      joined = await Promise.race([head, enter(follows ? newest : fetches.start(request, stored, true), follows)]);
    }
    for (const fetch of entered) {
      fetch.waiting.delete(tell);
      if (fetch !== joined?.fetch) fetch.fill.release();
    }
    return joined;
  }

  /** How long a fetch is still waited for where a stale response may answer, in milliseconds. */
  #patience({ began }: Fetch): number {
    return began + this.#options.settings.staleAfter - performance.now();
  }

  #mayBeStale(lookup: CacheLookup, stored: Stored | undefined): boolean {
    const { settings, now } = this.#options;
    return stored !== undefined && reuseOf(stored.head, lookup.directives, settings, now()).ifError;
  }

  /** A failure's answer: what is stored, where that may be used. */
  #onFailure(lookup: CacheLookup, stored: Stored | undefined, status: CacheStatus): Reply | undefined {
    if (stored === undefined) return undefined;
    const now = this.#options.now();
    const reuse = reuseOf(stored.head, lookup.directives, this.#options.settings, now);
    if (!reuse.ifError) return undefined;
    stored.askAgainAt = now + ASK_AGAIN_AFTER;
    return this.stale(lookup, stored, reuse, { ...status, ttl: reuse.ttl });
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
  #mayShare({ exchange, cookie }: CacheLookup, fetch: Fetch, head: FetchHead): boolean {
    if (!head.shared || fetch.outdated) return false;
    // A body that is too long to be kept goes no faster than its slowest reader: each has its own.
    if (head.hasBody && !fetch.fill.keeps) return false;
    const { freshness, directives, selecting } = head.assessed;
    if (cookie !== undefined && freshness.source !== 'explicit' && !directives.public) return false;
    // Freshness of nothing, and no-cache: every request is to be asked for itself, unless it was asked together.
    return selects(selecting, exchange.request);
  }

  #confirmed(lookup: CacheLookup, stored: Stored, fwd: Forwarded, collapsed: boolean): Reply {
    const { stats, settings } = this.#options;
    stats.results[collapsed ? 'collapsed' : 'revalidated']++;
    const { age, ttl } = reuseOf(stored.head, lookup.directives, settings, this.#options.now());
    return answerOf(stored, lookup, age, { fwd, fwdStatus: 304, ttl, stored: true, collapsed });
  }

  #statusOf(fetch: Fetch, head: FetchHead, fwd: Forwarded, collapsed: boolean): CacheStatus {
    this.#options.stats.results[collapsed ? 'collapsed' : 'miss']++;
    return {
      fwd,
      stored: head.not === undefined && fetch.fill.keeps && !fetch.outdated,
      collapsed,
      ...(head.not !== undefined && { detail: head.not }),
    };
  }

  /** A part of a new response, which is fetched as a whole; of one that is not kept the application cuts it. */
  async #range(
    lookup: CacheLookup,
    { fetch, follows }: Joined,
    head: FetchHead,
    fwd: Forwarded,
  ): Promise<Reply | undefined> {
    const { exchange, facts } = lookup;
    const { bypass, settings, now } = this.#options;
    const { fill } = fetch;
    if (!head.shared || !fill.keeps) {
      bypass.remember(lookup, true);
      fill.release();
      return bypass.pass(exchange, facts, fwd, 'range', lookup);
    }
    const status = this.#statusOf(fetch, head, fwd, follows);
    const lines = `${follows ? head.assessed.lines : head.lines}Cache-Status: ${cacheStatus(status)}\r\n`;
    const begun = partOfBody(exchange.request, head, lines, () => fill.read());
    if (begun !== undefined) return begun;
    const whole = await fetch.whole;
    fill.release();
    if (whole === undefined) return bypass.pass(exchange, facts, fwd, 'range', lookup);
    const { age } = reuseOf(whole.head, lookup.directives, settings, now());
    return answerOf(whole, lookup, age, status);
  }

  /** A new response, on its way. */
  #fresh(lookup: CacheLookup, fetch: Fetch, head: FetchHead, fwd: Forwarded, collapsed: boolean): Reply {
    const { exchange, facts } = lookup;
    const added = `Cache-Status: ${cacheStatus(this.#statusOf(fetch, head, fwd, collapsed))}\r\n`;
    const lines = collapsed ? head.assessed.lines : head.lines;
    const { length } = head;
    const unchanged =
      facts.conditional &&
      head.status === 200 &&
      head.not === undefined &&
      isNotModified(exchange.request, new FieldLines(lines), head.assessed.responseTime);
    if (unchanged || !head.hasBody) {
      fetch.fill.release();
      if (unchanged) return { status: 304, lines: lines + added };
      const toHead = exchange.request.method === 'HEAD';
      return {
        status: head.status,
        lines: lines + added,
        ...(toHead && { body: NOTHING, ...(length !== undefined && { length }) }),
      };
    }
    return {
      status: head.status,
      lines: lines + added,
      body: fetch.fill.read(),
      ...(length !== undefined && { length }),
    };
  }
}

/** The body of an answer to HEAD, whose length is the one that a GET would get. */
const NOTHING: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => [][Symbol.iterator]() as never };

export function withStatus(reply: Reply, status: CacheStatus): Reply {
  return { ...reply, fields: [...(reply.fields ?? []), ['Cache-Status', cacheStatus(status)]] };
}

/** @returns undefined when it takes longer than the time, in milliseconds */
async function within<T>(promise: Promise<T>, milliseconds: number | undefined): Promise<T | undefined> {
  if (milliseconds === undefined) return await promise;
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), Math.max(0, milliseconds));
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
