/** Who waits for changes, and is told. */
import { Refusal } from '../access/refusal.ts';
import type { Report, Version } from '../store/types.ts';

export interface Watcher {
  /** The documents that it watches; all when undefined. */
  readonly keys: ReadonlySet<string> | undefined;
  /** Takes the changes of one moment; `audience` is how many are told of this one. */
  readonly onChange: (change: Version, audience: number) => void;
  readonly onReport?: (key: string, version: number, report: Report) => void;
  /** The server is going away. */
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
   * Begin to watch.
   * @returns ends it
   * @throws {Refusal} busy when too many watch
   */
  add(watcher: Watcher): () => void {
    if (this.#watchers.size >= this.#most) throw new Refusal('busy', 'too many watch at a time');
    this.#watchers.add(watcher);
    this.#onCount(this.#watchers.size);
    return () => {
      this.#watchers.delete(watcher);
      this.#onCount(this.#watchers.size);
    };
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
