/** Making stored responses invalid: by URL, by the beginning of one, by tag. */
import type { FieldsView } from '../policy/fields.ts';
import type { Store } from '../store/store.ts';
import type { Stored } from '../store/stored.ts';
import type { Fetches } from './fetches.ts';

export interface Purged {
  /** How many stored responses. */
  readonly count: number;
}

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
    for (const stored of this.#store.memory.ofUrl(url)) this.#store.remove(stored, 'invalidated');
  }

  invalidateTag(tag: string): void {
    this.#purge(this.#store.memory.ofTag(tag), false, 'invalidated');
    this.#fetches().outdate((fetch) => fetch.tags.includes(tag));
  }

  /**
   * @param url with scheme and host, or a path of any
   * @param soft it only counts as stale from now on, and still answers where stale responses may
   */
  purgeUrl(url: string, soft: boolean): Purged {
    const matches = urlMatcher(url, false);
    this.#fetches().outdate((fetch) => matches(fetch.url));
    const found = url.includes('://') ? this.#store.memory.ofUrl(url) : this.#all(matches);
    return { count: this.#purge(found, soft, 'purged') };
  }

  purgePrefix(prefix: string, soft: boolean): Purged {
    const matches = urlMatcher(prefix, true);
    this.#fetches().outdate((fetch) => matches(fetch.url));
    return { count: this.#purge(this.#all(matches), soft, 'purged') };
  }

  purgeTag(tag: string, soft: boolean): Purged {
    this.#fetches().outdate((fetch) => fetch.tags.includes(tag));
    return { count: this.#purge(this.#store.memory.ofTag(tag), soft, 'purged') };
  }

  #all(matches: (url: string) => boolean): Stored[] {
    return [...this.#store.memory].filter((stored) => matches(stored.url));
  }

  #purge(found: readonly Stored[], soft: boolean, reason: 'purged' | 'invalidated'): number {
    const now = this.#now();
    for (const stored of found)
      if (soft) this.#store.soften(stored, now);
      else this.#store.remove(stored, reason);
    return found.length;
  }

  /** RFC 9111, section 4.3.5: a HEAD's answer says whether what is stored is still the same. */
  freshen(stored: Stored, response: FieldsView & { readonly status: number; readonly length: number }): void {
    if (response.status !== 200 || stored.head.status !== 200) return;
    const { fields } = stored;
    const differs =
      ['etag', 'last-modified'].some((name) => response.get(name) !== fields.get(name)) ||
      (response.length >= 0 && response.length !== stored.body.length);
    if (differs) this.#store.soften(stored, this.#now());
  }
}

function urlMatcher(wanted: string, prefix: boolean): (url: string) => boolean {
  const whole = wanted.includes('://');
  return (url) => {
    const text = whole ? url : url.slice(url.indexOf('/', url.indexOf('://') + 3));
    return prefix ? text.startsWith(wanted) : text === wanted;
  };
}
