/** Work for quiet times: old versions go, the repository is collected, the disk catches up. */
import { rmSync } from 'node:fs';
import type { Logger } from '#kit/telemetry/log.ts';
import { Backoff } from '#kit/time/backoff.ts';
import type { Store } from './repository/store.ts';
import type { Publisher } from './versions/publisher.ts';
import type { StateFile } from './versions/state.ts';
import type { Versions } from './versions/versions.ts';

export interface HousekeepingParts {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly versions: Versions;
  readonly state: StateFile;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** How long a version outlives its time, in milliseconds. */
  readonly stale: number;
}

/** How long after a publication things count as quiet, in milliseconds. */
const QUIET = 1000;
const TIMEOUT = 600_000;
/** The failure after which the local copy is thrown away; not after each, which would be fetched again and again. */
const ROOM_BY_FETCHING = 2;
/** Between two tries of what failed, in milliseconds: on a bad disk it may never work. */
const RETRY = { initial: 5000, max: 30_000 };
/** More versions than this are not kept, however fast they came: a disk is finite. */
const MOST_VERSIONS = 20;

export class Housekeeping {
  readonly #parts: HousekeepingParts;
  /** When there came to be work, in milliseconds of the monotonic clock. */
  #since: number | undefined = performance.now();

  readonly #retries = new Backoff(RETRY);

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
  }

  /** Something was published: there is work, when it is quiet. */
  published(): void {
    this.#retries.reset();
    this.#since = Math.min(this.#since ?? Infinity, performance.now());
  }

  /** A version was thrown away before it was published: its room is needed at once. */
  discarded(): void {
    this.#since = -Infinity;
  }

  /** Milliseconds until there is work; Infinity when nothing is foreseen. */
  due(): number {
    if (this.#since !== undefined) return Math.max(0, this.#since + QUIET - performance.now());
    const { state, publisher, versions, stale } = this.#parts;
    const kept = this.#kept();
    const { retired, published } = state.get();
    if (versions.isUnclean) return QUIET;
    const ends = publisher.list().flatMap((hash) => (kept.has(hash) ? [] : [(retired[hash] ?? 0) + stale]));
    if (versions.formers().length > 0) ends.push((published?.at ?? 0) + stale);
    return ends.length === 0 ? Infinity : Math.max(0, Math.min(...ends) - Date.now());
  }

  /** Discard what has had its time. Cheap: what was discarded goes from the disk by `run`. */
  discard(): void {
    const { publisher, versions, state, stale } = this.#parts;
    const { retired, published } = state.get();
    const all = publisher.list();
    const kept = this.#kept();
    const waiting = all
      .filter((hash) => !kept.has(hash) && (retired[hash] ?? 0) + stale > Date.now())
      .toSorted((a, b) => (retired[b] ?? 0) - (retired[a] ?? 0))
      .slice(0, MOST_VERSIONS);
    const formers = (published?.at ?? 0) + stale <= Date.now();
    if (versions.discardExcept(new Set([...kept, ...waiting]), formers) > 0) this.#since ??= performance.now();
    const left = new Set(publisher.list());
    state.set({ retired: Object.fromEntries(Object.entries(retired).filter(([hash]) => left.has(hash))) });
  }

  /**
   * The disk is full: everything goes that is not needed to go on or to go back. When that was not enough
   * the local copy goes too, since it takes room to put it in order; it is fetched anew.
   * @param failures how often in a row it was full
   */
  async makeRoom(failures: number): Promise<void> {
    const { versions, store, log } = this.#parts;
    versions.discardExcept(this.#kept());
    store.clearLocks();
    await versions.clean();
    if (failures !== ROOM_BY_FETCHING) return;
    log.warn('the local copy of the repository is thrown away to make room');
    store.destroy();
    for (const path of versions.modules()) rmSync(path, { recursive: true, force: true });
  }

  /** Do what is due; cut short, it is done next time. */
  async run(signal: AbortSignal): Promise<void> {
    const { publisher, versions, store, log } = this.#parts;
    try {
      this.discard();
      await versions.clean(signal);
      const live = publisher.live();
      if (live !== undefined) {
        await versions.settleIndex(store, live, { timeout: TIMEOUT, signal });
        await versions.makeDurable(live, signal);
      }
      for (const path of versions.unusedModules()) rmSync(path, { recursive: true, force: true });
      for (const directory of [store.directory, ...versions.modules()])
        await store.collect(directory, { timeout: TIMEOUT, signal });
      this.#since = undefined;
      this.#retries.reset();
    } catch (error) {
      if (signal.aborted) return;
      const wait = this.#retries.next();
      this.#since = performance.now() + wait;
      log.warn({ reason: (error as Error).message, retry_in_ms: Math.round(wait) }, 'housekeeping failed');
    }
  }

  /** What is live, and what may be gone back to. */
  #kept(): Set<string> {
    const { publisher, state } = this.#parts;
    const { published, previous, verified } = state.get();
    // Somebody may have removed the link just now: what was published is live all the same.
    return new Set([publisher.live(), published?.hash, previous, verified].filter((hash) => hash !== undefined));
  }
}
