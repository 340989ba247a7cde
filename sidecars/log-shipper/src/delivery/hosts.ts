/** Several hosts: in turn, and one that fails is left alone for a while. */
import { Backoff } from '#kit/time/backoff.ts';

/** First wait of a host that failed, in milliseconds. */
const INITIAL = 200;

export class Host {
  /** Its `_bulk`. */
  readonly url: URL;
  readonly #backoff: Backoff;
  readonly #retryMax: number;
  readonly #now: () => number;
  #notBefore = 0;

  constructor(url: URL, retryMax: number, now: () => number) {
    this.url = url;
    this.#retryMax = retryMax;
    this.#backoff = new Backoff({ initial: Math.min(INITIAL, retryMax), max: retryMax });
    this.#now = now;
  }

  /** How long it is left alone from now on, in milliseconds. */
  get wait(): number {
    return Math.max(0, this.#notBefore - this.#now());
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#backoff.attempts;
  }

  /** It answered as it should. */
  succeeded(): void {
    this.#backoff.reset();
  }

  /**
   * It did not.
   * @param retryAfter how long it asks to be left alone, in milliseconds
   */
  failed(retryAfter = 0): void {
    const wait = Math.max(this.#backoff.next(), Math.min(retryAfter, this.#retryMax));
    this.#notBefore = Math.max(this.#notBefore, this.#now() + wait);
  }
}

export class Hosts {
  readonly #hosts: readonly Host[];
  #next = 0;

  /**
   * @param urls base URLs of the store
   * @param query added to each request's URL
   * @param retryMax the longest wait, in milliseconds
   * @param now a monotonic clock in milliseconds
   */
  constructor(
    urls: readonly string[],
    query: string | undefined,
    retryMax: number,
    now: () => number = () => performance.now(),
  ) {
    this.#hosts = urls.map((url) => new Host(bulkUrl(url, query), retryMax, now));
  }

  /** The next host that is not left alone. */
  pick(): Host | undefined {
    for (let step = 0; step < this.#hosts.length; step++) {
      const host = this.#hosts[(this.#next + step) % this.#hosts.length]!;
      if (host.wait > 0) continue;
      this.#next = (this.#next + step + 1) % this.#hosts.length;
      return host;
    }
    return undefined;
  }

  /** How long until one may be asked, in milliseconds. */
  get wait(): number {
    return Math.min(...this.#hosts.map((host) => host.wait));
  }
}

/** What of a response is read; Elasticsearch and OpenSearch then send no more, others may ignore it. */
const FILTER = 'filter_path=items.*.status,items.*.error.type,items.*.error.reason';

/** A base URL's `_bulk`. */
export function bulkUrl(base: string, query?: string): URL {
  return new URL(`${base.replace(/\/+$/, '')}/_bulk?${query === undefined ? '' : `${query}&`}${FILTER}`);
}
