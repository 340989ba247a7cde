/** Making versions, and removing those that nobody needs. */
import { chmodSync, existsSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '#kit/command.ts';
import { SyncError } from '../failure.ts';
import { checkOut, gitIn, type Place } from '../repository/checkout.ts';
import { isHash } from '../repository/refs.ts';
import type { Limits, Store } from '../repository/store.ts';
import { checkOutSubmodules } from '../repository/submodules.ts';
import { gone, isGone, type Layout } from './layout.ts';
import type { Publisher } from './publisher.ts';
import type { Records } from './records.ts';
import type { RepositoryAddress } from '../repository/url.ts';

export interface VersionOptions {
  readonly submodules: 'recursive' | 'shallow' | 'off';
  readonly depth: number;
  readonly share: boolean;
  readonly openStore: (address: RepositoryAddress, directory: string) => Store;
}

const REMOVAL_TIMEOUT = 600_000;

export class Versions {
  readonly #layout: Layout;
  readonly #records: Records;
  readonly #publisher: Publisher;
  readonly #options: VersionOptions;

  constructor(layout: Layout, records: Records, publisher: Publisher, options: VersionOptions) {
    this.#layout = layout;
    this.#records = records;
    this.#publisher = publisher;
    this.#options = options;
  }

  /**
   * Make a version: its files, and what `gate` makes of them. Only when all of that succeeded does it count.
   * @param gate runs in the new directory, and throws to refuse it
   */
  async make(
    store: Store,
    commit: string,
    {
      sparse,
      limits,
      gate,
    }: { sparse: string | undefined; limits: () => Limits; gate: (directory: string) => Promise<void> },
  ): Promise<void> {
    const directory = this.#publisher.directory(commit);
    this.#publisher.withdraw(commit);
    this.discard(commit);
    const to: Place = { directory, index: this.#records.index(commit) };
    const { share, submodules, depth, openStore } = this.#options;
    const shareWith = share ? this.#sharable() : undefined;
    await checkOut({ store, commit, to, shareWith, readOnly: share, sparse, ...limits() });
    if (submodules !== 'off') {
      const options = {
        recursive: submodules === 'recursive',
        depth,
        readOnly: share,
        openStore,
        modules: this.#layout.modules,
      };
      await checkOutSubmodules({ store, commit }, to, options, limits, shareWith);
    }
    await gate(directory);
    const made = lstatSync(directory, { throwIfNoEntry: false });
    if (!made?.isDirectory()) throw new SyncError('gate', 'the gate removed the directory that it ran in');
    chmodSync(directory, 0o755);
    this.#records.write({ hash: commit, inode: made.ino, shared: share, submodules });
  }

  /** Put a version, whole or not, out of the way; `clean` removes it for good. */
  discard(hash: string): void {
    this.#records.remove(hash);
    const directory = this.#publisher.directory(hash);
    if (lstatSync(directory, { throwIfNoEntry: false })) renameSync(directory, gone(directory));
  }

  /**
   * Discard all versions but some, and whatever else is among them.
   * @returns how many there were
   */
  discardExcept(kept: ReadonlySet<string>): number {
    let count = 0;
    const directories = readdirSync(this.#layout.versions).filter((name) => !isGone(name));
    for (const name of new Set([...directories, ...readdirSync(this.#layout.records)])) {
      if (kept.has(name)) continue;
      count += 1;
      if (isHash(name)) this.discard(name);
      else {
        const path = join(this.#layout.versions, name);
        if (lstatSync(path, { throwIfNoEntry: false })) renameSync(path, gone(path));
        rmSync(join(this.#layout.records, name), { recursive: true, force: true });
      }
    }
    return count;
  }

  /** Remove from the disk what was discarded. */
  async clean(signal?: AbortSignal): Promise<void> {
    const paths = readdirSync(this.#layout.versions)
      .filter(isGone)
      .map((name) => join(this.#layout.versions, name));
    if (paths.length === 0) return;
    const options = { timeout: REMOVAL_TIMEOUT, ...(signal && { signal }) };
    try {
      await runCommand(['rm', '-rf', '--', ...paths], options);
    } catch (error) {
      if (signal?.aborted) throw error;
      // A gate may have left directories that not even their owner may write.
      await runCommand(['chmod', '-R', 'u+rwX', '--', ...paths], options).catch(() => {});
      await runCommand(['rm', '-rf', '--', ...paths], options);
    }
  }

  /**
   * Write the index of a version anew, once its files are older than it: git reads the content of those
   * that are not, and the next version, which takes the index over, would wait for that.
   */
  async settleIndex(store: Store, hash: string, limits: Limits): Promise<void> {
    const index = this.#records.index(hash);
    if (!this.#records.read(hash)?.shared || !existsSync(index)) return;
    const place = { directory: this.#publisher.locate(hash), index };
    await gitIn(store, place, ['update-index', '-q', '--refresh', '--force-write-index'], limits);
  }

  /** Flush all that was written to the disk, and remember that it was. */
  async makeDurable(hash: string, signal?: AbortSignal): Promise<void> {
    if (this.#records.read(hash)?.durable !== false) return;
    await runCommand(['sync', '--file-system', '--', this.#layout.root], {
      timeout: REMOVAL_TIMEOUT,
      ...(signal && { signal }),
    });
    this.#records.markDurable(hash);
  }

  /** Damaged things are suspected: nothing is taken over from what is there, and submodules are fetched anew. */
  distrust(): void {
    for (const hash of this.#publisher.list()) rmSync(this.#records.index(hash), { force: true });
    rmSync(this.#layout.modules, { recursive: true, force: true });
  }

  /** The live version, when its files are read-only. */
  #sharable(): Place | undefined {
    const live = this.#publisher.live();
    const record = live === undefined ? undefined : this.#records.read(live);
    // git leaves what is in a submodule's place alone, so it has to be what this version wants there.
    if (live === undefined || !record?.shared || record.submodules !== this.#options.submodules) return undefined;
    return { directory: this.#publisher.locate(live), index: this.#records.index(live) };
  }
}
