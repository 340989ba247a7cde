/** The index of all that is stored: it alone says what there is. Memory and disk are places of an entry. */
import type { FieldsView } from '../policy/fields.ts';
import { selects } from '../policy/vary.ts';
import { SetIndex } from './set-index.ts';
import type { Entry } from './stored.ts';
import { isOf, type PurgeSelector } from './purge-selector.ts';

export class Entries {
  /** Of each key; the one that was stored last is last. */
  readonly #variants = new Map<string, Entry[]>();
  /** Keys of each URL, where a key is more than that. */
  readonly #keys = new SetIndex<string>();
  readonly #tags = new SetIndex<Entry>();

  variants(key: string): readonly Entry[] {
    return this.#variants.get(key) ?? NONE;
  }

  /** The response of a key that a request selects (RFC 9111, section 4.1): of several, the last. */
  select(key: string, request: Pick<FieldsView, 'get'>): Entry | undefined {
    const variants = this.#variants.get(key);
    if (variants === undefined) return undefined;
    for (let index = variants.length - 1; index >= 0; index--) {
      const entry = variants[index]!;
      if (entry.selecting.length === 0 || selects(entry.selecting, request)) return entry;
    }
    return undefined;
  }

  /** The entry of the same key and variant. */
  same({ key, selecting }: Pick<Entry, 'key' | 'selecting'>): Entry | undefined {
    const wanted = JSON.stringify(selecting);
    return this.variants(key).find((entry) => JSON.stringify(entry.selecting) === wanted);
  }

  add(entry: Entry): void {
    const { key } = entry;
    const variants = this.#variants.get(key);
    if (variants !== undefined) variants.push(entry);
    else {
      this.#variants.set(key, [entry]);
      if (entry.url !== key) this.#keys.add(entry.url, key);
    }
    for (const tag of entry.tags) this.#tags.add(tag, entry);
    entry.alive = true;
  }

  delete(entry: Entry): void {
    if (!entry.alive) return;
    entry.alive = false;
    const { key } = entry;
    const variants = this.#variants.get(key)!;
    variants.splice(variants.indexOf(entry), 1);
    if (variants.length === 0) {
      this.#variants.delete(key);
      if (entry.url !== key) this.#keys.delete(entry.url, key);
    }
    for (const tag of entry.tags) this.#tags.delete(tag, entry);
  }

  of(which: PurgeSelector): Entry[] {
    if ('tag' in which) return [...this.#tags.of(which.tag)];
    if ('url' in which) return [which.url, ...this.#keys.of(which.url)].flatMap((key) => [...this.variants(key)]);
    return [...this.#variants.values()].flat().filter((entry) => isOf(which, entry));
  }
}

const NONE: readonly Entry[] = [];
