/** Making versions, and removing those that nobody needs. */
import { chmodSync, existsSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCommand } from '#kit/process/command.ts';
import { SyncError } from '../repository/failure.ts';
import { checkOut, gitIn, type Place } from '../repository/checkout.ts';
import { isHash } from '../repository/refs.ts';
import type { Limits, Store } from '../repository/store.ts';
import { checkOutSubmodules } from '../repository/submodules.ts';
import { gone, isGone, isPlace, namesIn, type Layout } from './layout.ts';
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
      rule,
      limits,
      gate,
    }: {
      sparse: string | undefined;
      rule: string;
      limits: () => Limits;
      gate: (directory: string) => Promise<void>;
    },
  ): Promise<void> {
    this.discard(commit);
    const place = this.#publisher.freePlace(commit);
    const directory = join(this.#layout.places[place]!, commit);
    this.#publisher.withdraw(directory);
    const to: Place = { directory, index: this.#records.index(commit, place) };
    rmSync(to.index, { force: true });
    const { share, submodules, depth, openStore } = this.#options;
    const shareWith = share ? this.#sharable(rule) : undefined;
    const modules = new Set<string>();
    await checkOut({ store, commit, to, shareWith, readOnly: share, sparse, ...limits() });
    if (submodules !== 'off') {
      const options = {
        recursive: submodules === 'recursive',
        depth,
        readOnly: share,
        openStore,
        modules: this.#layout.modules,
        used: (name: string) => modules.add(name),
      };
      await checkOutSubmodules({ store, commit }, to, options, limits, shareWith);
    }
    await gate(directory);
    const made = lstatSync(directory, { throwIfNoEntry: false });
    if (!made?.isDirectory()) throw new SyncError('gate', 'the gate removed the directory that it ran in');
    chmodSync(directory, 0o755);
    this.#records.write({
      hash: commit,
      inode: made.ino,
      ...this.#publisher.formerOf(commit),
      place,
      shared: share,
      rule,
      modules: [...modules],
    });
  }

  /** True when a version was made by these parameters. */
  isMadeBy(hash: string, rule: string): boolean {
    return this.#records.read(hash)?.rule === rule;
  }

  /** Put a version, whole or not, out of the way; `clean` removes it for good. What is served stays. */
  discard(hash: string): void {
    const served = this.#publisher.served();
    if (!this.#atLink().has(hash)) this.#records.remove(hash);
    for (const place of this.#layout.places) {
      const directory = join(place, hash);
      if (directory !== served && lstatSync(directory, { throwIfNoEntry: false }))
        renameSync(directory, gone(directory));
    }
  }

  /**
   * Discard all versions but some, and whatever else is among them. What is served stays.
   * @param formers false keeps what the kept versions were before they were made anew
   * @returns how many there were
   */
  discardExcept(kept: ReadonlySet<string>, formers = true): number {
    const served = this.#publisher.served();
    const spared = new Set(formers ? [] : this.formers());
    const discarded = new Set<string>();
    for (const place of this.#layout.places) {
      for (const name of namesIn(place)) {
        const path = join(place, name);
        if (isGone(name) || isPlace(name) || path === served || spared.has(path)) continue;
        if (kept.has(name) && path === this.#publisher.directory(name)) continue;
        renameSync(path, gone(path));
        discarded.add(name);
      }
    }
    const atLink = this.#atLink();
    for (const name of readdirSync(this.#layout.records)) {
      if (kept.has(name) || atLink.has(name)) continue;
      if (isHash(name)) this.#records.remove(name);
      else rmSync(join(this.#layout.records, name), { recursive: true, force: true });
      discarded.add(name);
    }
    return discarded.size;
  }

  /** Versions whose records are needed: by them what is at the link is known as ours. */
  #atLink(): ReadonlySet<string | undefined> {
    return new Set([this.#publisher.live(), this.#publisher.occupant()]);
  }

  /** Directories of versions that were made anew and are served from elsewhere: somebody may still read them. */
  formers(): string[] {
    return this.#publisher
      .list()
      .flatMap((hash) =>
        this.#layout.places
          .map((place) => join(place, hash))
          .filter((path) => path !== this.#publisher.directory(hash) && existsSync(path)),
      );
  }

  /** What was discarded and is still on the disk. */
  #discarded(): string[] {
    return this.#layout.places.flatMap((place) =>
      namesIn(place)
        .filter(isGone)
        .map((name) => join(place, name)),
    );
  }

  /** True when `clean` has something to remove. */
  get isUnclean(): boolean {
    return this.#discarded().length > 0;
  }

  /** Directories of submodules' objects that no version was made of. */
  unusedModules(): string[] {
    const used = new Set(this.#publisher.list().flatMap((hash) => this.#records.read(hash)?.modules ?? []));
    return this.modules().filter((path) => !used.has(basename(path)));
  }

  /** Directories of submodules' objects. */
  modules(): string[] {
    if (!existsSync(this.#layout.modules)) return [];
    return readdirSync(this.#layout.modules).map((name) => join(this.#layout.modules, name));
  }

  /** Remove from the disk what was discarded. */
  async clean(signal?: AbortSignal): Promise<void> {
    const paths = this.#discarded();
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
    const record = this.#records.read(hash);
    const index = this.#records.index(hash, record?.place);
    if (!record?.shared || !existsSync(index)) return;
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
    for (const hash of this.#publisher.list())
      rmSync(this.#records.index(hash, this.#records.read(hash)?.place), { force: true });
    rmSync(this.#layout.modules, { recursive: true, force: true });
  }

  /** The live version, when its files are read-only and it was made by the same parameters. */
  #sharable(rule: string): Place | undefined {
    const live = this.#publisher.live();
    const record = live === undefined ? undefined : this.#records.read(live);
    // git leaves what is in a submodule's place alone, so it has to be what this version wants there.
    if (live === undefined || !record?.shared || record.rule !== rule) return undefined;
    return { directory: this.#publisher.locate(live), index: this.#records.index(live, record.place) };
  }
}
