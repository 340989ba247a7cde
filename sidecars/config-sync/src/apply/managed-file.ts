/**
 * One file through its whole loop: validate → publish → notify → verify, and back when the
 * application did not take it. Every step is written down before the next one, so that a kill
 * between any two is made good by `prepare` and `settle` of the next start.
 */
import type { Logger } from '../../../kit/log.ts';
import type { FilePlan } from '../settings/settings.ts';
import { Invalid } from '../validate/invalid.ts';
import { validate } from '../validate/validate.ts';
import { Application, type Told } from './application.ts';
import { digestOf, nameOf, same, type Document, type Identity } from './document.ts';
import { Store, type Journal } from './store.ts';
import { Target, writing } from './target.ts';

/** What became of a version. */
export type Outcome =
  | 'applied'
  | 'rejected'
  | 'rolled_back'
  /** In place, but the application is not there to take it. */
  | 'waiting'
  /** It is in place already, or was refused before. */
  | 'unchanged'
  /** The document is needed again. */
  | 'again';

export interface FileEvents {
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /**
   * Tell the source what became of a version. Resolves when that is kept; it comes before the journal
   * says the same, so that a kill between them makes for a second report, not for none.
   */
  readonly report: (version: string, state: 'applied' | 'rejected' | 'rolled-back', reason?: string) => Promise<void>;
  readonly notifyFailed: () => void;
  readonly drifted: () => void;
}

export interface ManagedFileOptions {
  readonly plan: FilePlan;
  readonly stateDirectory: string;
  readonly events: FileEvents;
  /** Only put files in place: the application is not up yet, and somebody else verifies. */
  readonly oneTime: boolean;
  readonly signal: AbortSignal;
}

export class ManagedFile {
  readonly plan: FilePlan;
  readonly #store: Store;
  readonly #target: Target;
  readonly #application: Application;
  readonly #events: FileEvents;
  readonly #signal: AbortSignal;
  readonly #oneTime: boolean;
  #journal: Journal;
  #inPlace = false;
  /** Since when a candidate waits for the application, on the monotonic clock. */
  #waitingSince = 0;
  #waitingFor: string | undefined;
  /** A candidate that was verified, when only writing that down failed. */
  #verified = false;
  /** Put back because the application was not up; tried again once it is. */
  #deferred: Identity | undefined;
  /** Why the good version, which was put back, does not show. */
  #unconfirmed: string | undefined;

  constructor({ plan, stateDirectory, events, oneTime, signal }: ManagedFileOptions) {
    this.plan = plan;
    this.#store = new Store(stateDirectory, plan.path, plan.key);
    this.#target = new Target(plan.path, plan.mode);
    this.#application = new Application(plan, events.notifyFailed);
    this.#events = events;
    this.#oneTime = oneTime;
    this.#signal = signal;
    this.#journal = { key: plan.key };
  }

  /** True when the application could start: a validated file is there. */
  get inPlace(): boolean {
    return this.#inPlace;
  }

  get journal(): Journal {
    return this.#journal;
  }

  /** What is not as it should be, although nothing failed just now. */
  get trouble(): string | undefined {
    const { candidate, good, refused } = this.#journal;
    if (candidate && !this.#oneTime)
      return `${nameOf(candidate)} is in place, not verified: ${this.#waitingFor ?? 'not looked at yet'}`;
    if (this.#unconfirmed !== undefined)
      return `${nameOf(good!)} was put back, and is not verified: ${this.#unconfirmed}`;
    if (!good && refused) return `${nameOf(refused)} was refused, and there is no earlier one: ${refused.reason}`;
    return good ? undefined : 'there is no version yet';
  }

  /** True while `settle` has something to do. */
  get unsettled(): boolean {
    return this.#journal.candidate !== undefined || this.#unconfirmed !== undefined || this.#deferred !== undefined;
  }

  /**
   * Bring file and journal together after a start, without asking anybody.
   * @throws {StorageError}
   */
  async prepare(): Promise<void> {
    await this.#target.tidy();
    this.#journal = await this.#reading(() => this.#store.load());
    const there = await this.#target.digest();
    const { candidate, refused } = this.#journal;
    if (candidate && !candidate.failure && candidate.digest !== there) {
      // Killed before it was published.
      this.#journal = { ...this.#journal, candidate: undefined };
    }
    const good = await this.#keptGood();
    if (candidate?.failure !== undefined && good && good.digest !== there) {
      // Killed on the way back. The rest of that way, the application included, is `settle`'s.
      await this.#target.publish((await this.#store.content(good))!, good.digest);
    } else if (!this.#journal.candidate && good && good.digest !== there) {
      this.#events.log.warn(
        { file: this.plan.path },
        `the file is not ${nameOf(good)}, which was verified: it is put back`,
      );
      await this.#target.publish((await this.#store.content(good))!, good.digest);
    } else if (!good && !this.#journal.candidate && there !== undefined && there !== refused?.digest) {
      // What the application had before is what it can go back to.
      const content = (await this.#target.read())!;
      await this.#writing(() => this.#store.keep(content, digestOf(content)));
      await this.#write({ ...this.#journal, good: { version: '', digest: digestOf(content) } }, true);
    }
    this.#waitingSince = performance.now();
    this.#inPlace = (await this.#target.digest()) !== undefined;
    await this.#store.tidy(this.#journal.good).catch(() => {});
  }

  /**
   * Take a document through the loop.
   * @throws {StorageError} when the file system refuses; to be called again with the same document
   * @throws the signal's reason
   */
  async apply(document: Document): Promise<Outcome> {
    if (this.#journal.candidate?.failure !== undefined) await this.#rollBack();
    const { candidate, good, refused } = this.#journal;
    if (same(document, refused)) return 'unchanged';
    if (same(document, candidate)) return await this.settle();
    if (same(document, this.#deferred) && (await this.#application.absence(this.#signal)) !== undefined)
      return 'waiting';
    // The content is in place already: only the name of the version is new, if anything.
    if (!candidate && this.#unconfirmed === undefined && document.digest === good?.digest)
      return await this.#keepUp(document);
    return await this.#replace(document);
  }

  /** Refuse a version whose content was not even read. */
  async refuse(id: Identity, reason: string): Promise<Outcome> {
    if (same(id, this.#journal.refused)) return 'unchanged';
    return await this.#reject(id, reason);
  }

  /**
   * Go on with what is not finished: a candidate that waits for its application, a rollback that was
   * cut short, a good version that does not show yet.
   * @returns 'waiting' when there is still something to do, 'again' when the document is to be applied
   * anew: a deferred one, once the application is there to take it
   * @throws {StorageError}, and the signal's reason
   */
  async settle(): Promise<Outcome> {
    const { candidate, good } = this.#journal;
    if (candidate?.failure !== undefined) return await this.#rollBack();
    if (candidate) return await this.#settleCandidate(candidate);
    if (this.#unconfirmed !== undefined && good) {
      const content = await this.#store.content(good);
      this.#unconfirmed = content && (await this.#application.refusal(good, content, this.#signal, 0));
      if (this.#unconfirmed !== undefined) return 'waiting';
      this.#events.log.info({ file: this.plan.path }, `the application shows ${nameOf(good)} again`);
    }
    if (!this.#deferred) return 'unchanged';
    if ((await this.#application.absence(this.#signal)) !== undefined) return 'waiting';
    this.#deferred = undefined;
    return 'again';
  }

  /**
   * See to it that the file is still what it was made.
   * @returns 'again' when what was lost is not on disk, or was not verified
   * @throws {StorageError}
   */
  async check(): Promise<'unchanged' | 'again'> {
    const { candidate, good } = this.#journal;
    const meant = candidate ?? good;
    if (!meant || candidate?.failure !== undefined || (await this.#target.digest()) === meant.digest)
      return 'unchanged';
    this.#events.drifted();
    const content = good && (await this.#store.content(good));
    this.#events.log.warn(
      { file: this.plan.path },
      `the file was changed or removed${content ? `: ${nameOf(good)} is put back` : ''}`,
    );
    if (content) await this.#target.publish(content, good.digest);
    if (candidate || !content)
      await this.#write({ ...this.#journal, candidate: undefined, good: content && good }, false);
    if (content) await this.#tellAgain();
    return candidate || !content ? 'again' : 'unchanged';
  }

  async #keepUp(document: Document): Promise<Outcome> {
    if ((await this.check()) === 'again') return await this.#replace(document);
    this.#deferred = undefined;
    if (same(document, this.#journal.good)) return 'unchanged';
    await this.#events.report(document.version, 'applied');
    await this.#write({ key: this.plan.key, good: { version: document.version, digest: document.digest } }, true);
    this.#events.log.info({ file: this.plan.path, version: document.version }, 'same content under a new version');
    return 'applied';
  }

  async #replace(document: Document): Promise<Outcome> {
    const { version, digest, content } = document;
    // Whether the application is there before the change: only then the change is to blame if it is not after.
    const silence = this.#oneTime ? Promise.resolve('one-time mode') : this.#application.silence(this.#signal);
    try {
      await this.#writing(() =>
        validate(content, this.plan.rules, {
          path: this.plan.path,
          directory: this.#store.staging,
          signal: this.#signal,
        }),
      );
      this.plan.verification?.expectation(document, content);
    } catch (error) {
      await silence;
      if (!(error instanceof Invalid)) throw error;
      return await this.#reject(document, error.message);
    }
    const before = this.#journal;
    const next = { ...before, candidate: { version, digest } };
    // A kill after this line finds a candidate that is not in place, and forgets it.
    await this.#writing(() => this.#store.save(next, false));
    await this.#target.publish(content, digest);
    this.#journal = next;
    this.#inPlace = true;
    this.#verified = false;
    this.#deferred = undefined;
    this.#unconfirmed = undefined;
    this.#waitingSince = performance.now();
    // Told before that answer is waited for, which is only needed when something is wrong; but for an
    // application that is ended, and would end its answer too.
    if (this.plan.notification?.kind === 'terminate') await silence;
    const told: Told = this.#oneTime ? { kind: 'unheard', reason: '' } : await this.#application.tell(this.#signal);
    this.#waitingFor = await silence;
    if (told.kind === 'unheard') this.#waitingFor ??= await this.#application.absence(this.#signal);
    if (this.#waitingFor !== undefined) {
      this.#events.log.info({ file: this.plan.path, version }, `in place; not verified yet: ${this.#waitingFor}`);
      return 'waiting';
    }
    return await this.#introduce(next.candidate, content, told);
  }

  /** See whether the application takes the candidate; `first` is what came of telling it. */
  async #introduce(id: Identity, content: Uint8Array, first: Told): Promise<Outcome> {
    const told = first.kind === 'unheard' ? await this.#application.insist(this.#signal) : first;
    if (told.kind === 'refused') return await this.#fail(id, told.reason);
    if (told.kind === 'unheard') {
      this.#waitingFor = `it could not be told: ${told.reason}`;
      this.#events.log.warn({ file: this.plan.path, version: id.version }, this.#waitingFor);
      return 'waiting';
    }
    const refusal = await this.#application.refusal(id, content, this.#signal);
    return refusal === undefined ? await this.#commit(id, content) : await this.#fail(id, refusal);
  }

  async #settleCandidate(candidate: Identity): Promise<Outcome> {
    const content = await this.#target.read();
    if (!content || digestOf(content) !== candidate.digest) return await this.check();
    if (this.#verified) return await this.#commit(candidate, content);
    const absent = await this.#application.absence(this.#signal);
    if (absent === undefined) {
      if (await this.#application.tookItself(candidate, content, this.#signal))
        return await this.#commit(candidate, content);
      return await this.#introduce(candidate, content, await this.#application.tell(this.#signal));
    }
    this.#waitingFor = absent;
    const waited = performance.now() - this.#waitingSince;
    const { good } = this.#journal;
    if (!good || !this.#application.verifiable || waited < this.plan.startTimeout) return 'waiting';
    const kept = await this.#store.content(good);
    if (!kept) return 'waiting';
    const reason = `the application did not come up within ${this.plan.startTimeout / 1000} s: ${absent}`;
    this.#events.log.warn(
      { file: this.plan.path, version: candidate.version },
      `${reason}; ${nameOf(good)} is put back until it does`,
    );
    await this.#target.publish(kept, good.digest);
    await this.#events.report(candidate.version, 'rolled-back', `${reason}; it is tried again once it is up`);
    await this.#write({ ...this.#journal, candidate: undefined }, false);
    this.#deferred = candidate;
    return 'rolled_back';
  }

  /** The candidate is good. */
  async #commit({ version, digest }: Identity, content: Uint8Array): Promise<Outcome> {
    this.#verified = true;
    await this.#writing(() => this.#store.keep(content, digest));
    await this.#events.report(version, 'applied');
    await this.#write({ key: this.plan.key, good: { version, digest } }, true);
    this.#events.log.info({ file: this.plan.path, version, digest }, 'applied');
    await this.#store.tidy(this.#journal.good).catch(() => {});
    return 'applied';
  }

  async #reject({ version, digest }: Identity, reason: string): Promise<Outcome> {
    const at = new Date().toISOString();
    await this.#events.report(version, 'rejected', reason);
    await this.#write({ ...this.#journal, refused: { version, digest, state: 'rejected', reason, at } }, true);
    this.#events.log.error({ file: this.plan.path, version }, `rejected: ${reason}`);
    return 'rejected';
  }

  /** The application did not take the candidate. */
  async #fail({ version, digest }: Identity, reason: string): Promise<Outcome> {
    this.#events.log.error({ file: this.plan.path, version }, `the application does not take it: ${reason}`);
    const at = new Date().toISOString();
    const refused = { version, digest, state: 'rolled-back' as const, reason, at };
    // In memory first: even when it cannot be written down, the way is back.
    this.#journal = { ...this.#journal, candidate: { version, digest, failure: reason }, refused };
    return await this.#rollBack();
  }

  /** Put the good version back in place of a candidate that failed. */
  async #rollBack(): Promise<Outcome> {
    const { candidate, good } = this.#journal;
    const { version, failure = '' } = candidate!;
    await this.#write(this.#journal, true);
    const content = good && (await this.#store.content(good));
    if (!content) {
      await this.#events.report(version, 'rejected', `${failure}; there is no earlier version to go back to`);
      await this.#write({ ...this.#journal, candidate: undefined }, true);
      this.#events.log.error({ file: this.plan.path, version }, 'no earlier version to go back to: it stays in place');
      return 'rejected';
    }
    await this.#target.publish(content, good.digest);
    await this.#tellAgain();
    this.#unconfirmed = this.#oneTime ? undefined : await this.#application.refusal(good, content, this.#signal);
    const still = this.#unconfirmed === undefined ? '' : `; since then: ${this.#unconfirmed}`;
    await this.#events.report(version, 'rolled-back', `${failure}${still}`);
    await this.#write({ ...this.#journal, candidate: undefined }, true);
    this.#events.log.warn(
      { file: this.plan.path, version, good: good.version },
      `rolled back to ${nameOf(good)}${still}`,
    );
    return 'rolled_back';
  }

  /** Tell the application of the old file; when it is down, it will read it as it comes up. */
  async #tellAgain(): Promise<void> {
    if (this.#oneTime) return;
    const told = await this.#application.insist(this.#signal);
    if (told.kind !== 'told') this.#events.log.warn({ file: this.plan.path }, `it could not be told: ${told.reason}`);
  }

  /** The good version, if its content is still there. */
  async #keptGood(): Promise<Identity | undefined> {
    const { good } = this.#journal;
    if (!good || (await this.#reading(() => this.#store.content(good)))) return good;
    this.#events.log.error({ file: this.plan.path }, `the copy of ${nameOf(good)} is lost or damaged`);
    this.#journal = { ...this.#journal, good: undefined };
    return undefined;
  }

  async #write(journal: Journal, durable: boolean): Promise<void> {
    await this.#writing(() => this.#store.save(journal, durable));
    this.#journal = journal;
  }

  #writing<T>(work: () => Promise<T>): Promise<T> {
    return writing(this.#store.directory, work);
  }

  #reading<T>(work: () => Promise<T>): Promise<T> {
    return writing(this.#store.directory, work);
  }
}
