/** Requests to the application on behalf of the store: who shares one, and what of their answers is stored. */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import { CHUNKED, LENGTH, NO_BODY, UNKNOWN_LENGTH } from '#proxy/http/message.ts';
import { Request } from '#proxy/http/request.ts';
import type { Response } from '#proxy/http/response.ts';
import type { Cluster } from '#proxy/upstream/cluster.ts';
import { assess, storedLines, type Assessment } from '../policy/assess.ts';
import { confirms, mergedFields, validatorsOf } from '../policy/conditions.ts';
import type { FieldsView } from '../policy/fields.ts';
import { urlOfKey } from '../policy/keys.ts';
import { isError } from '../policy/reuse.ts';
import { supersedes, type NotStored, type StoringRequest } from '../policy/storing.ts';
import { FieldLines, Stored, type StoredHead } from '../store/stored.ts';
import type { PendingResponse } from '../store/purges.ts';
import type { Store } from '../store/store.ts';
import { Fill, type FillResult } from './fill.ts';
import type { CacheSettings } from './settings.ts';
import type { CacheStats } from './stats.ts';

/** What a fetch's head says to those who wait for it. */
export interface FetchHead {
  readonly status: number;
  /** All end-to-end fields, for the client that caused the fetch. */
  readonly lines: string;
  /** Of the body, in bytes; undefined when it is not known yet. */
  readonly length: number | undefined;
  readonly hasBody: boolean;
  /** Why it is not stored, so that nobody else may have it; undefined when it is. */
  readonly not: NotStored | undefined;
  /** Those who wait for it may have it, too: it is stored, or an error that says nothing of itself. */
  readonly shared: boolean;
  /** What it says, where it is stored. */
  readonly assessed: Assessment;
  /** It confirmed what was stored, which this is, with its fields brought up to date. */
  readonly confirmed: Stored | undefined;
  /** A 304 about something else. */
  readonly mismatched: boolean;
  /** The application failed, in its own words. */
  readonly failed: boolean;
}

/** The client's side of a fetch: what the request is made of. */
export interface FetchRequest {
  readonly key: string;
  readonly method: 'GET' | 'HEAD';
  /** Requests with the same one may share an answer. */
  readonly collapseKey: string;
  readonly origin: string;
  readonly target: string;
  readonly authority: string;
  /** Whole lines of the fields that go to the application. */
  readonly lines: string;
  /** The fields that the client sent. */
  readonly fields: FieldsView;
  readonly storing: StoringRequest;
  readonly cluster: Cluster;
  readonly downstream: DownstreamInfo;
}

/** A request under way. */
export class Fetch {
  readonly request: FetchRequest;
  readonly requestTime: number;
  /** On the monotonic clock, in milliseconds. */
  readonly began = performance.now();
  readonly validating: Stored | undefined;
  /** See Store.isPurged. */
  readonly begun: PendingResponse;
  readonly #store: Store;
  #outdated = false;
  /** Tags of its response, once known. */
  tags: readonly string[] = [];
  fill!: Fill<FetchHead>;
  /** What was stored of it, once it is complete. */
  readonly whole: Promise<Stored | undefined>;
  readonly settle: (stored: Stored | undefined) => void;
  /** Clients that wait for the head: they get interim responses. */
  readonly waiting = new Set<(interim: Response) => void>();

  constructor(store: Store, request: FetchRequest, validating: Stored | undefined, requestTime: number) {
    this.#store = store;
    this.begun = store.begin();
    this.request = request;
    this.validating = validating;
    this.requestTime = requestTime;
    const { promise, resolve } = Promise.withResolvers<Stored | undefined>();
    this.whole = promise;
    this.settle = resolve;
  }

  /** What it brings was invalidated before it came: it is not stored. */
  get outdated(): boolean {
    this.#outdated ||= this.#store.isPurged(this.begun, { url: urlOfKey(this.request.key), tags: this.tags });
    return this.#outdated;
  }

  /** It is over, and remembers what became of it. */
  end(): void {
    void this.outdated;
    this.#store.end(this.begun);
  }
}

export interface FetchesOptions {
  readonly context: ProxyContext;
  readonly settings: CacheSettings;
  readonly store: Store;
  readonly stats: CacheStats;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export class Fetches {
  readonly #options: FetchesOptions;
  readonly #shared = new Map<string, Fetch>();

  constructor(options: FetchesOptions) {
    this.#options = options;
  }

  /** A fetch under way that a request with this key may share. */
  find(collapseKey: string): Fetch | undefined {
    const fetch = this.#shared.get(collapseKey);
    return fetch?.outdated === true ? undefined : fetch;
  }

  /**
   * Ask the application.
   * @param validating ask whether this has changed
   * @param shared others may share it
   */
  start(request: FetchRequest, validating: Stored | undefined, shared: boolean): Fetch {
    const { context } = this.#options;
    const fetch = new Fetch(this.#options.store, request, validating, this.#options.now());
    let { lines } = request;
    if (validating !== undefined && request.method === 'GET')
      for (const [name, value] of validatorsOf(validating.fields)) lines += `${name}: ${value}\r\n`;
    const { method, target, authority, cluster, downstream } = request;
    const cost = FETCH_COST + request.key.length + 2 * lines.length;
    let reserved = 0;
    let assessed: Assessment | undefined;
    const { store, stats, settings } = this.#options;
    const reserve = (bytes: number): boolean => {
      if (reserved + bytes > settings.maxObject || !store.memory.reserve(bytes)) return false;
      reserved += bytes;
      return true;
    };
    const release = (): void => {
      store.memory.release(reserved);
      reserved = 0;
    };
    const leave = (): void => {
      if (this.#shared.get(request.collapseKey) === fetch) this.#shared.delete(request.collapseKey);
    };
    fetch.fill = new Fill<FetchHead>(
      {
        context,
        cluster,
        downstream,
        request: new Request({ method, target, authority, lines }),
        timeout: context.settings.responseTimeout,
      },
      {
        onHead: (response) => {
          stats.origin(response.status);
          const head = this.#read(fetch, response);
          assessed = head.assessed;
          fetch.tags = assessed.tags;
          const keep = head.confirmed === undefined && head.shared && !head.mismatched && method === 'GET';
          const { length } = head;
          return { head, keep: keep && reserve(head.hasBody ? (length ?? 0) : 0), length };
        },
        onGrow: reserve,
        onWhole: (body) => {
          release();
          const stored = new Stored(headOf(request.key, assessed!), body);
          if (!fetch.outdated && assessed!.not === undefined) store.put(stored);
          fetch.settle(stored);
        },
        onDropped: () => {
          leave();
          release();
          fetch.settle(undefined);
        },
        onOver: (result: FillResult<FetchHead>) => {
          if (result.kind === 'failure') stats.origin(0);
          leave();
          release();
          fetch.settle(undefined);
          fetch.end();
          store.memory.release(cost);
        },
        onInterim: (response) => {
          for (const tell of fetch.waiting) tell(response);
        },
      },
    );
    store.memory.hold(cost);
    if (shared) this.#shared.set(request.collapseKey, fetch);
    fetch.fill.begin();
    return fetch;
  }

  /** What a response's head means. */
  #read(fetch: Fetch, response: Response): FetchHead {
    const { request, validating, requestTime } = fetch;
    const { settings, store } = this.#options;
    const times = { requestTime, responseTime: this.#options.now() };
    const { status } = response;
    const assessing = { ...request.storing, fields: request.fields, origin: request.origin };
    const update = status === 304 && validating !== undefined;
    const mismatched = update && !confirms(response, validating.fields);
    if (update && !mismatched) {
      // The stored response, with its fields brought up to date, is judged as if it had just come.
      const lines = storedLines(mergedFields(validating.fields, response), [], times.responseTime);
      const assessed = assess(
        assessing,
        { status: validating.head.status, fields: new FieldLines(lines) },
        times,
        settings,
      );
      const confirmed = new Stored(
        headOf(request.key, { ...assessed, lines: assessed.lines || lines }),
        validating.body,
      );
      if (assessed.not === undefined) {
        if (!fetch.outdated) store.put(confirmed);
      } else if (supersedes(assessed.not)) store.remove(validating, 'invalidated');
      const { not } = assessed;
      return { ...NO_RESPONSE, status: validating.head.status, assessed, not, shared: not === undefined, confirmed };
    }
    const failed = isError(status);
    // An error is kept for a moment where many wait for it; what is stored already is worth more.
    const worth = validating !== undefined && validating.head.freshness.source !== 'negative';
    const together = !worth && fetch.waiting.size > 1;
    const negativeTtl = status < 500 || together ? settings.negativeTtl : 0;
    const assessed = assess(assessing, { status, fields: response }, times, { ...settings, negativeTtl });
    // What took its place may not be stored: the old one is not true any more either.
    if (validating !== undefined && request.method === 'HEAD') this.#freshen(validating, response);
    else if (
      validating !== undefined &&
      assessed.not !== undefined &&
      supersedes(assessed.not) &&
      !failed &&
      !mismatched
    )
      store.remove(validating, 'invalidated');
    const { body } = response;
    return {
      ...NO_RESPONSE,
      status,
      lines: response.has('date')
        ? response.lines()
        : `${response.lines()}Date: ${new Date(times.responseTime).toUTCString()}\r\n`,
      length: body === LENGTH ? response.length : body === NO_BODY ? Math.max(0, response.length) : undefined,
      hasBody: body === LENGTH || body === CHUNKED || body === UNKNOWN_LENGTH,
      not: assessed.not,
      shared: assessed.not === undefined || (status >= 500 && assessed.not === 'no-freshness'),
      assessed,
      mismatched,
      failed,
    };
  }

  /** RFC 9111, section 4.3.5: a HEAD's answer says whether what is stored is still the same. */
  #freshen(stored: Stored, response: Response): void {
    if (response.status !== 200 || stored.head.status !== 200) return;
    const { fields } = stored;
    const differs =
      ['etag', 'last-modified'].some((name) => response.get(name) !== fields.get(name)) ||
      (response.length >= 0 && response.length !== stored.body.length);
    if (differs) this.#options.store.soften(stored, this.#options.now());
  }
}

/** What a request under way takes besides its texts, in bytes. */
const FETCH_COST = 4096;

const NO_RESPONSE = {
  lines: '',
  length: 0 as number | undefined,
  hasBody: false,
  confirmed: undefined as Stored | undefined,
  mismatched: false,
  failed: false,
};

/** Of an assessment only what is stored. */
export function headOf(key: string, assessment: Assessment): StoredHead {
  const { status, lines, selecting, tags, directives, freshness, initialAge, responseTime, staleSince } = assessment;
  return { key, status, lines, selecting, tags, directives, freshness, initialAge, responseTime, staleSince };
}
