/** Making stored responses invalid: by URL, by the beginning of one, by tag. */
import type { Store } from '../store/store.ts';
import type { Fetches } from './fetches.ts';

export class Purger {
  readonly #store: Store;
  readonly #fetches: () => Fetches;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(store: Store, fetches: () => Fetches, now: () => number) {
    this.#store = store;
    this.#fetches = fetches;
    this.#now = now;
  }

  /** RFC 9111, section 4.4. */
  invalidateUrl(url: string): void {
    this.#fetches().outdate((fetch) => fetch.url === url);
    this.#store.purge({ url }, undefined, 'invalidated');
  }

  /** RFC 9875, section 3. */
  invalidateTag(tag: string): void {
    this.#fetches().outdate((fetch) => fetch.tags.includes(tag));
    this.#store.purge({ tag }, undefined, 'invalidated');
  }

  /**
   * @param url with scheme and host, or a path of any
   * @param soft it only counts as stale from now on, and still answers where stale responses may
   * @returns how many responses
   */
  purgeUrl(url: string, soft: boolean): number {
    const matches = urlMatcher(url, false);
    this.#fetches().outdate((fetch) => matches(fetch.url));
    return this.#store.purge(url.includes('://') ? { url } : { matches }, this.#from(soft), 'purged');
  }

  purgePrefix(prefix: string, soft: boolean): number {
    const matches = urlMatcher(prefix, true);
    this.#fetches().outdate((fetch) => matches(fetch.url));
    return this.#store.purge({ matches }, this.#from(soft), 'purged');
  }

  purgeTag(tag: string, soft: boolean): number {
    this.#fetches().outdate((fetch) => fetch.tags.includes(tag));
    return this.#store.purge({ tag }, this.#from(soft), 'purged');
  }

  #from(soft: boolean): number | undefined {
    return soft ? this.#now() : undefined;
  }
}

function urlMatcher(wanted: string, prefix: boolean): (url: string) => boolean {
  const whole = wanted.includes('://');
  return (url) => {
    const text = whole ? url : url.slice(url.indexOf('/', url.indexOf('://') + 3));
    return prefix ? text.startsWith(wanted) : text === wanted;
  };
}
