/** The last requests and connections, for whoever looks. */
import type { AccessEntry } from './access-log.ts';

const KEPT = 100;

export class LastEntries {
  readonly #entries: (AccessEntry | undefined)[] = Array.from({ length: KEPT });
  #next = 0;

  add(entry: AccessEntry): void {
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** The oldest first. */
  list(): AccessEntry[] {
    const { length } = this.#entries;
    const ordered = Array.from({ length }, (_, index) => this.#entries[(this.#next + index) % length]);
    return ordered.filter((entry) => entry !== undefined);
  }
}
