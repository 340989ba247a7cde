/** Who waits for changes, and is told. */
import { Refusal } from '../access/refusal.ts';
import type { Report, Version } from '../store/types.ts';

export interface Watcher {
  /** Who watches: the name of a token. */
  readonly owner: string;
  /** The documents that it watches; all when undefined. */
  readonly keys: ReadonlySet<string> | undefined;
  /** Takes the changes of one moment; `audience` is how many are told of this one. */
  readonly onChange: (change: Version, audience: number) => void;
  readonly onReport?: (key: string, version: number, report: Report) => void;
  /** The server is going away, or another needs the place. */
  readonly onEnd: () => void;
}

export class Hub {
  readonly #watchers = new Set<Watcher>();
  readonly #most: number;
  readonly #onCount: (count: number) => void;

  /**
   * @param most how many may watch at a time
   * @param onCount told how many do
   */
  constructor(most: number, onCount: (count: number) => void = () => {}) {
    this.#most = most;
    this.#onCount = onCount;
  }

  /**
   * Begin to watch. When all places are taken, who has most of them gives up its oldest one to another.
   * @returns ends it
   * @throws {Refusal} busy when too many watch
   */
  add(watcher: Watcher): () => void {
    if (this.#watchers.size >= this.#most) this.#makeRoom(watcher.owner);
    this.#watchers.add(watcher);
    this.#onCount(this.#watchers.size);
    return () => {
      this.#watchers.delete(watcher);
      this.#onCount(this.#watchers.size);
    };
  }

  #makeRoom(newcomer: string): void {
    const held = new Map([[newcomer, 0]]);
    for (const { owner } of this.#watchers) held.set(owner, (held.get(owner) ?? 0) + 1);
    const [most, count] = [...held].reduce((one, other) => (other[1] > one[1] ? other : one));
    // One more for the newcomer and one less for the other would be the same the other way round.
    if (most === newcomer || count <= held.get(newcomer)! + 1) throw new Refusal('busy', 'too many watch at a time');
    const oldest = [...this.#watchers].find(({ owner }) => owner === most)!;
    this.#watchers.delete(oldest);
    oldest.onEnd();
  }

  change(change: Version): void {
    const audience = [...this.#watchers].filter(({ keys }) => keys?.has(change.key) ?? true);
    for (const watcher of audience) watcher.onChange(change, audience.length);
  }

  report(key: string, version: number, report: Report): void {
    for (const watcher of this.#watchers) if (watcher.keys?.has(key) ?? true) watcher.onReport?.(key, version, report);
  }

  /** End every watch. */
  close(): void {
    for (const watcher of this.#watchers) watcher.onEnd();
  }
}
