/** Making stored responses invalid: by URL, by the beginning of one, by tag. */
import type { Store } from '../store/store.ts';
import { prefixSelector, urlSelector, type PurgeSelector } from '../store/purge-selector.ts';

export class Purger {
  readonly #store: Store;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** RFC 9111, section 4.4. @param url in its normal form */
  invalidateUrl(url: string): void {
    this.#store.purge({ url }, undefined, 'invalidated');
  }

  /** RFC 9875, section 3. */
  invalidateTag(tag: string): void {
    this.#store.purge({ tag }, undefined, 'invalidated');
  }

  /**
   * @param url with scheme and host, or a path of any
   * @param soft it only counts as stale from now on, and still answers where stale responses may
   * @returns how many responses
   */
  purgeUrl(url: string, soft: boolean): number {
    return this.#purge(urlSelector(url), soft);
  }

  purgePrefix(prefix: string, soft: boolean): number {
    return this.#purge(prefixSelector(prefix), soft);
  }

  purgeTag(tag: string, soft: boolean): number {
    return this.#purge({ tag }, soft);
  }

  #purge(which: PurgeSelector, soft: boolean): number {
    return this.#store.purge(which, soft ? this.#now() : undefined, 'purged');
  }
}
