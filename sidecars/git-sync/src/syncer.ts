/**
 * One sync: where is the ref, is its commit here, is it good, is it live. Nothing is remembered between
 * two syncs but what is on the disk, so a sync after a crash is a sync like any other.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from '#kit/telemetry/log.ts';
import { ticksNow } from './clock.ts';
import { SyncError } from './repository/failure.ts';
import { isHash } from './repository/refs.ts';
import type { Secrets } from './repository/secrets.ts';
import type { GitEnvironment } from './repository/environment.ts';
import type { Limits, Store } from './repository/store.ts';
import { runGate, type GateOptions } from './gate.ts';
import type { Progress } from './receive/progress.ts';
import type { Publisher } from './versions/publisher.ts';
import { bootId, type Records } from './versions/records.ts';
import type { RefusedBy, StateFile } from './versions/state.ts';
import type { Versions } from './versions/versions.ts';

export type Outcome = 'success' | 'noop' | 'refused';
export type PublicationReason = 'new' | 'rollback' | 'repair';

export interface SyncerParts {
  readonly environment: GitEnvironment;
  readonly secrets: Secrets;
  readonly store: Store;
  readonly records: Records;
  readonly publisher: Publisher;
  readonly versions: Versions;
  readonly state: StateFile;
  readonly progress: Progress;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

export interface SyncerOptions {
  readonly ref: string;
  readonly depth: number;
  /** Milliseconds for all but the gate, which has its own. */
  readonly timeout: number;
  readonly sparseFile: string | undefined;
  readonly submodules: string;
  /** Where versions are published. */
  readonly link: string;
  readonly gate: GateOptions | undefined;
  /** The URL by which versions are verified; part of what a refusal depends on. */
  readonly verifyUrl: string | undefined;
  /** Something is live that was not before. */
  readonly onPublish: (hash: string, reason: PublicationReason) => void;
  readonly onFetch: () => void;
  readonly onGate: (result: 'passed' | 'refused') => void;
  /** A version was thrown away before it was published. */
  readonly onDiscard: () => void;
}

export class Syncer {
  readonly #parts: SyncerParts;
  readonly #options: SyncerOptions;
  /** A live version that is to be taken back. */
  #bad: { readonly hash: string; readonly by: RefusedBy; readonly reason: string } | undefined;

  constructor(parts: SyncerParts, options: SyncerOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** The next sync goes back to the version before this one, if it is still live. */
  takeBack(hash: string, by: RefusedBy, reason: string): void {
    this.#bad = { hash, by, reason };
  }

  /**
   * Bring what is live to where the ref is.
   * @param expected true when the ref has probably moved: then it is fetched at once, without a look first
   * @throws {SyncError}
   */
  async sync(expected: boolean, signal: AbortSignal): Promise<Outcome> {
    const { environment, store, publisher, state, progress } = this.#parts;
    const number = progress.begin();
    const deadline = performance.now() + this.#options.timeout;
    const limits = (): Limits => {
      const timeout = deadline - performance.now();
      if (timeout <= 0) throw new SyncError('timeout', 'the sync took too long');
      return { timeout, signal };
    };
    await this.#repair();
    await this.#goBack();
    await environment.refresh(signal);
    await store.open(limits());
    const hash = await this.#locate(expected, limits);
    progress.emit({ event: 'located', sync: number, hash });
    const { refused } = state.get();
    if (refused && (refused.hash !== hash || refused.rule !== this.#rule(refused.by)))
      state.set({ refused: undefined });
    else if (refused) {
      this.#tellRefused();
      return 'refused';
    }

    const there = this.#isThere(hash);
    if (there && publisher.live() === hash) {
      this.#tellLive(hash);
      return 'noop';
    }
    if (!there) {
      try {
        await this.#obtain(hash, limits, signal);
      } catch (error) {
        if (!(error instanceof SyncError) || error.reason !== 'gate') throw error;
        this.#refuse(hash, 'gate', error.message);
        return 'refused';
      }
    }
    await this.#publish(hash, there && state.get().published?.hash === hash ? 'repair' : 'new');
    return 'success';
  }

  /** True when the version is there, and made as it would be made now. */
  #isThere(hash: string): boolean {
    const { publisher, versions } = this.#parts;
    return publisher.has(hash) && versions.isMadeBy(hash, this.#content());
  }

  /** The commit that the ref is at; it need not be here when it is live, refused or made already. */
  async #locate(expected: boolean, limits: () => Limits): Promise<string> {
    const { store, publisher } = this.#parts;
    const { ref, depth, onFetch } = this.#options;
    const isKnown = (hash: string): boolean => this.#isThere(hash) || this.#isRefused(hash);
    if (isHash(ref) && isKnown(ref)) return ref;
    if (!expected && !isHash(ref) && publisher.list().length > 0) {
      const hash = await store.lookUp(ref, limits());
      if (isKnown(hash)) return hash;
    }
    onFetch();
    return await this.#unlessCorrupt(limits, () => store.fetch(ref, depth, limits()));
  }

  /** True when a commit is refused, and nothing that this depended on has changed. */
  #isRefused(hash: string): boolean {
    const { refused } = this.#parts.state.get();
    return refused?.hash === hash && refused.rule === this.#rule(refused.by);
  }

  /** Make the version, gate and all. */
  async #obtain(hash: string, limits: () => Limits, signal: AbortSignal): Promise<void> {
    const { store, versions, environment, secrets, progress } = this.#parts;
    const { ref, depth, gate, onGate, onFetch, onDiscard } = this.#options;
    const sparse = this.#sparse();
    const judge = async (directory: string): Promise<void> => {
      if (!gate) return;
      try {
        const onLine = (line: string): void => progress.emit({ event: 'gate', hash, line });
        await runGate(gate, { commit: hash, directory, environment, secrets, signal, onLine });
        onGate('passed');
      } catch (error) {
        if (error instanceof SyncError && error.reason === 'gate') onGate('refused');
        throw error;
      }
    };
    try {
      await this.#unlessCorrupt(
        limits,
        () => versions.make(store, hash, { sparse, rule: this.#content(), limits, gate: judge }),
        async () => {
          onFetch();
          await store.fetch(ref, depth, limits());
        },
      );
    } catch (error) {
      versions.discard(hash);
      onDiscard();
      throw error;
    }
  }

  /**
   * Do it, and when the local copy turns out to be damaged, do it once more with a new one.
   * @param prepare what has to be done first with the new one
   */
  async #unlessCorrupt<T>(limits: () => Limits, work: () => Promise<T>, prepare?: () => Promise<void>): Promise<T> {
    const { store, versions, log } = this.#parts;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SyncError) || error.reason !== 'corrupt') throw error;
      log.warn({ reason: error.message }, 'the local copy of the repository seems damaged');
      versions.distrust();
      if (!(await store.isSound(limits()))) {
        store.destroy();
        await store.open(limits());
        log.warn('the local copy of the repository is fetched anew');
      }
      await prepare?.();
      return await work();
    }
  }

  /** What was live is made so again when its link is missing or leads elsewhere; no server is needed for that. */
  async #repair(): Promise<void> {
    const { publisher, state } = this.#parts;
    const hash = state.get().published?.hash;
    if (hash === undefined || !publisher.has(hash)) return;
    if (publisher.live() === undefined || publisher.isOfOtherMode()) await this.#publish(hash, 'repair');
  }

  /** Publish the last good version again in place of one that is not. */
  async #goBack(): Promise<void> {
    const { publisher, state, log } = this.#parts;
    const bad = this.#bad;
    this.#bad = undefined;
    const live = publisher.live();
    if (live === undefined) return;
    const { verified, previous, refused } = state.get();
    // Refused and still live: we died between the two. What the gate refuses was live before the gate was
    // another one, and there is nothing better.
    const isRefused = refused?.hash === live && refused.by !== 'gate';
    if (bad?.hash !== live && !isRefused) return;
    // An operator means the one before; by itself it goes to the one that was seen healthy.
    const order = bad?.by === 'operator' ? [previous, verified] : [verified, previous];
    const target = order.find((hash) => hash !== undefined && hash !== live && publisher.has(hash));
    if (target === undefined) {
      log.error({ hash: live, reason: bad?.reason }, 'there is no version to go back to');
      return;
    }
    if (bad?.hash === live) this.#refuse(live, bad.by, bad.reason, target);
    await this.#publish(target, 'rollback');
    // What was found bad is nothing to go back to, though it was healthy once.
    state.set({ previous: undefined, ...(verified === live && { verified: undefined }) });
  }

  async #publish(hash: string, reason: PublicationReason): Promise<void> {
    const { publisher, state, log } = this.#parts;
    const { link } = this.#options;
    const before = publisher.live();
    await publisher.publish(hash);
    const { published, retired, previous, link: former } = state.get();
    if (former !== undefined && former !== link) publisher.leave(former);
    const now = Date.now();
    const others = Object.fromEntries(Object.entries(retired).filter(([other]) => other !== hash));
    const replaced = before !== undefined && before !== hash;
    state.set({
      // Each publication has its own time: it is known by it.
      published: { hash, at: Math.max(now, (published?.at ?? 0) + 1), boot: bootId(), ticks: ticksNow() },
      link,
      previous: replaced ? before : previous,
      retired: replaced ? { ...others, [before]: now } : others,
    });
    log.info({ hash, before, reason }, 'published');
    this.#options.onPublish(hash, reason);
    this.#tellLive(hash);
  }

  #tellLive(hash: string): void {
    const { state, progress } = this.#parts;
    const verifies = this.#options.verifyUrl !== undefined && state.get().verified !== hash;
    progress.emit({ event: 'live', hash, verifies });
  }

  #tellRefused(live = this.#parts.publisher.live()): void {
    const { refused } = this.#parts.state.get();
    if (refused === undefined) return;
    const { hash, by, reason } = refused;
    this.#parts.progress.emit({ event: 'refused', hash, by, reason, live });
  }

  /** @param live what is served instead, when it is not what is served now */
  #refuse(hash: string, by: RefusedBy, reason: string, live?: string): void {
    const { state, log } = this.#parts;
    state.set({ refused: { hash, by, reason, rule: this.#rule(by), at: Date.now() } });
    log.error({ hash, by, reason }, 'refused: the version before stays live');
    this.#tellRefused(live);
  }

  /** What a refusal depended on: with another gate or URL a commit gets another chance. */
  #rule(by: RefusedBy): string {
    if (by === 'gate') return this.#content();
    return digest(by === 'verification' ? this.#options.verifyUrl : by);
  }

  /** What a version's content depends on beside its commit: with another gate, say, it is made anew. */
  #content(): string {
    const { gate, submodules } = this.#options;
    return digest({ gate: gate?.argv, submodules, sparse: this.#sparse() });
  }

  #sparse(): string | undefined {
    const { sparseFile } = this.#options;
    if (sparseFile === undefined) return undefined;
    try {
      return readFileSync(sparseFile, 'utf8');
    } catch (error) {
      throw new SyncError('other', `GITSYNC_SPARSE_CHECKOUT_FILE: ${(error as Error).message}`, { cause: error });
    }
  }
}

const digest = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value ?? null))
    .digest('hex')
    .slice(0, 16);
