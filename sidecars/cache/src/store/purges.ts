/**
 * Purges that are remembered until everything that was begun before them has ended: an answer that was on its way
 * when its page was purged is not stored, although its tags were not known then.
 */
import { isOf, type Purgeable, type PurgeSelector } from './purge-selector.ts';

/** More of them are remembered as one, which purges everything. */
const MOST = 10_000;

/** Something that was begun, and may end in a stored response. */
export interface PendingResponse {
  readonly serial: number;
}

export class Purges {
  #serial = 0;
  /** In the order of their beginning. */
  readonly #under = new Set<PendingResponse>();
  /** The last purge of each URL, and of each tag. */
  readonly #urls = new Map<string, number>();
  readonly #tags = new Map<string, number>();
  #others: { readonly which: PurgeSelector; readonly serial: number }[] = [];
  /** The last purge that is remembered as one of everything. */
  #everything = 0;

  begin(): PendingResponse {
    const begun = { serial: ++this.#serial };
    this.#under.add(begun);
    return begun;
  }

  /** It has ended: purges that only it had to know are forgotten. */
  end(begun: PendingResponse): void {
    this.#under.delete(begun);
    if (this.#count === 0) return;
    const oldest = this.#under.values().next().value?.serial ?? Infinity;
    if (oldest < begun.serial) return;
    for (const index of [this.#urls, this.#tags])
      // The one that was purged last is last.
      for (const [name, serial] of index) {
        if (serial > oldest) break;
        index.delete(name);
      }
    this.#others = this.#others.filter(({ serial }) => serial > oldest);
  }

  remember(which: PurgeSelector): void {
    if (this.#under.size === 0) return;
    const serial = ++this.#serial;
    if ('url' in which) setLast(this.#urls, which.url, serial);
    else if ('tag' in which) setLast(this.#tags, which.tag, serial);
    else this.#others.push({ which, serial });
    if (this.#count <= MOST) return;
    this.#urls.clear();
    this.#tags.clear();
    this.#others = [];
    this.#everything = serial;
  }

  /** Whether it was purged after it was begun. */
  has({ serial }: PendingResponse, found: Purgeable): boolean {
    const { url, tags } = found;
    return (
      this.#everything > serial ||
      (this.#urls.get(url) ?? 0) > serial ||
      (this.#tags.size > 0 && tags.some((tag) => (this.#tags.get(tag) ?? 0) > serial)) ||
      this.#others.some((each) => each.serial > serial && isOf(each.which, found))
    );
  }

  get #count(): number {
    return this.#urls.size + this.#tags.size + this.#others.length;
  }
}

function setLast(index: Map<string, number>, name: string, serial: number): void {
  index.delete(name);
  index.set(name, serial);
}
