/**
 * Answers to POST that say that they are what a GET of the same URL gets: a Content-Location of that URL, and a freshness
 * of their own (RFC 9110, sections 8.7 and 9.3.3). They are stored as that; all others make it invalid.
 */
import type { BodySink, FilteredExchange } from '#proxy/filters/filter.ts';
import type { Response } from '#proxy/http/response.ts';
import { assess, type Assessment } from '../policy/assess.ts';
import { keyOf, namesItself, originOf, urlOfKey } from '../policy/keys.ts';
import type { RequestFacts } from '../policy/request-facts.ts';
import type { PendingResponse } from '../store/purges.ts';
import type { Store } from '../store/store.ts';
import { Stored } from '../store/stored.ts';
import { headOf } from './fetches.ts';
import type { CacheSettings } from './settings.ts';

export interface PostAnswersOptions {
  readonly settings: CacheSettings;
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A POST on its way. */
export interface PendingPost {
  readonly facts: RequestFacts;
  readonly requestTime: number;
  /** See Store.isPurged. */
  readonly begun: PendingResponse;
}

export class PostAnswers {
  readonly #options: PostAnswersOptions;

  constructor(options: PostAnswersOptions) {
    this.#options = options;
  }

  /** A POST goes to the application. */
  begin(exchange: FilteredExchange, facts: RequestFacts): PendingPost {
    const { store, now } = this.#options;
    const begun = store.begin();
    exchange.signal.addEventListener('abort', () => store.end(begun), { once: true });
    return { facts, requestTime: now(), begun };
  }

  /**
   * Its response has begun.
   * @param invalidate forget what is stored under its URL: what is stored before that is forgotten, too
   */
  onResponse(exchange: FilteredExchange, response: Response, post: PendingPost, invalidate: () => void): void {
    const { store } = this.#options;
    const assessment = this.#assess(exchange, response, post);
    const outdated =
      assessment === undefined || store.isPurged(post.begun, { url: urlOfKey(assessment.key), tags: assessment.tags });
    invalidate();
    if (outdated) return;
    const begun = store.begin();
    exchange.signal.addEventListener('abort', () => store.end(begun), { once: true });
    exchange.tee(new KeptBody(this.#options, assessment, begun));
  }

  /** @returns undefined when it is not to be stored */
  #assess(
    { request }: FilteredExchange,
    response: Response,
    { facts, requestTime }: PendingPost,
  ): (Assessment & { readonly key: string }) | undefined {
    const { settings, now } = this.#options;
    const { target, authority } = request;
    const plain = keyOf({ scheme: facts.scheme, authority, target, fields: request }, settings.key);
    if (response.status !== 200 || facts.bypass !== undefined) return undefined;
    if (!namesItself(urlOfKey(plain), response, settings.key.ignoredQuery)) return undefined;
    const assessment = assess(
      {
        // What a GET's answer would be. All of its cookies went to the application.
        method: 'GET',
        target,
        authorized: facts.authorized,
        cookies: facts.cookie !== undefined,
        noStore: /no-store/i.test(request.get('cache-control') ?? ''),
        unusual: facts.unusual,
        fields: request,
        origin: originOf(facts.scheme, authority),
      },
      { status: response.status, fields: response },
      { requestTime, responseTime: now() },
      settings,
    );
    if (assessment.not !== undefined || assessment.freshness.source !== 'explicit') return undefined;
    return { ...assessment, key: facts.port === undefined ? plain : `${plain}\nport=${facts.port}` };
  }
}

/** Keeps a body as it goes by, while there is room for it, and stores it when it is whole. */
class KeptBody implements BodySink {
  readonly #options: PostAnswersOptions;
  readonly #assessment: Assessment & { readonly key: string };
  readonly #begun: PendingResponse;
  #parts: Buffer[] | undefined = [];
  #length = 0;

  constructor(options: PostAnswersOptions, assessment: Assessment & { readonly key: string }, begun: PendingResponse) {
    this.#options = options;
    this.#assessment = assessment;
    this.#begun = begun;
  }

  onData(bytes: Buffer): void {
    if (this.#parts === undefined) return;
    const { settings, store } = this.#options;
    if (this.#length + bytes.length > settings.maxObject || !store.memory.reserve(bytes.length)) return this.onAbort();
    this.#length += bytes.length;
    this.#parts.push(Buffer.from(bytes));
  }

  onEnd(): void {
    const parts = this.#parts;
    this.onAbort();
    const { store } = this.#options;
    const { key, tags } = this.#assessment;
    if (parts === undefined || store.isPurged(this.#begun, { url: urlOfKey(key), tags })) return;
    store.put(new Stored(headOf(key, this.#assessment), Buffer.concat(parts)));
  }

  onAbort(): void {
    this.#options.store.memory.release(this.#length);
    this.#length = 0;
    this.#parts = undefined;
  }
}
