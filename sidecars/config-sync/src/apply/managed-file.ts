/**
 * One file through its whole loop: validate → publish → notify → verify, and back when the
 * application did not take it. Every step is written down before the next one, so that a kill
 * between any two is made good by `prepare` and `settle` of the next start.
 */
import type { FilePlan } from '../settings/plan.ts';
import { Invalid } from '../documents/invalid.ts';
import { validate } from '../checks/validate.ts';
import { Application, type NotifyResult } from './application.ts';
import { nameOf, same, type Document, type Identity } from '../documents/document.ts';
import type { FileEvents } from './file-events.ts';
import { Place } from './place.ts';
import { rollBack, tellAgain, type RollbackOptions } from './rollback.ts';
import type { Journal } from './store.ts';

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

export interface ManagedFileOptions {
  readonly plan: FilePlan;
  readonly stateDirectory: string;
  readonly events: FileEvents;
  /** Only put files in place: the application is not up yet, and somebody else verifies. */
  readonly oneTime: boolean;
  readonly signal: AbortSignal;
  /** What is told and asked; that of the plan where none is given. */
  readonly application?: Pick<Application, keyof Application>;
}

export class ManagedFile {
  readonly plan: FilePlan;
  readonly #place: Place;
  readonly #application: Pick<Application, keyof Application>;
  readonly #events: FileEvents;
  readonly #signal: AbortSignal;
  readonly #oneTime: boolean;
  readonly #rollback: RollbackOptions;
  /** Since when a candidate waits for the application, on the monotonic clock. */
  #waitingSince = 0;
  #waitingFor: string | undefined;
  /** A candidate that was verified, when only writing that down failed. */
  #verified = false;
  /** Put back because the application was not up; tried again once it is. */
  #deferred: Identity | undefined;
  /** Why the good version, which was put back, does not show. */
  #unconfirmed: string | undefined;
  /** The start put it back, and the application may run with what was there before. */
  #untold = false;

  constructor({ plan, stateDirectory, events, oneTime, signal, application }: ManagedFileOptions) {
    this.plan = plan;
    this.#place = new Place({ ...plan, stateDirectory, log: events.log, damaged: events.damaged });
    this.#application = application ?? new Application(plan, events.notifyFailed);
    this.#events = events;
    this.#oneTime = oneTime;
    this.#rollback = {
      plan,
      place: this.#place,
      application: oneTime ? undefined : this.#application,
      events,
      signal,
    };
    this.#signal = signal;
  }

  /** True when the application could start: a validated file is there. */
  get inPlace(): boolean {
    return this.#place.filled;
  }

  get journal(): Journal {
    return this.#place.journal;
  }

  /** What is not as it should be, although nothing failed just now. */
  get trouble(): string | undefined {
    const { candidate, good, refused } = this.journal;
    if (candidate && !this.#oneTime)
      return `${nameOf(candidate)} is in place, not verified: ${this.#waitingFor ?? 'not looked at yet'}`;
    if (this.#unconfirmed !== undefined)
      return `${nameOf(good!)} was put back, and is not verified: ${this.#unconfirmed}`;
    if (!good && refused) return `${nameOf(refused)} was refused, and there is no earlier one: ${refused.reason}`;
    return good ? undefined : 'there is no version yet';
  }

  /** True while `settle` has something to do. */
  get unsettled(): boolean {
    return this.journal.candidate !== undefined || this.#unconfirmed !== undefined || this.#deferred !== undefined;
  }

  /**
   * Bring file and journal together after a start, without asking anybody.
   * @throws {StorageError}
   */
  async prepare(): Promise<void> {
    if ((await this.#place.prepare()) && !this.#oneTime) {
      this.#untold = true;
      this.#unconfirmed = 'not looked at yet';
    }
    this.#waitingSince = performance.now();
  }

  /**
   * Take a document through the loop.
   * @throws {StorageError} when the file system refuses; to be called again with the same document
   * @throws the signal's reason
   */
  async apply(document: Document): Promise<Outcome> {
    if (this.journal.candidate?.failure !== undefined) await this.#rollBack();
    const { candidate, good, refused } = this.journal;
    if (same(document, refused)) return 'unchanged';
    if (same(document, candidate)) return await this.settle();
    if (same(document, this.#deferred) && (await this.#application.whyUnavailable(this.#signal)) !== undefined)
      return 'waiting';
    // The content is in place already: only the name of the version is new, if anything.
    if (!candidate && this.#unconfirmed === undefined && document.digest === good?.digest)
      return await this.#keepUp(document);
    return await this.#replace(document);
  }

  /** Refuse a version whose content was not even read. */
  async refuse(id: Identity, reason: string): Promise<Outcome> {
    if (same(id, this.journal.refused)) return 'unchanged';
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
    const { candidate, good } = this.journal;
    if (candidate?.failure !== undefined) return await this.#rollBack();
    if (candidate) return await this.#settleCandidate(candidate);
    if (this.#unconfirmed !== undefined) {
      this.#unconfirmed = good && (await this.#whyUnconfirmed(good));
      if (this.#unconfirmed !== undefined) return 'waiting';
      if (good) this.#events.log.info({ file: this.plan.path }, `the application shows ${nameOf(good)} again`);
    }
    if (!this.#deferred) return 'unchanged';
    if ((await this.#application.whyUnavailable(this.#signal)) !== undefined) return 'waiting';
    this.#deferred = undefined;
    return 'again';
  }

  /** Why the application does not show the good version, which was put back; undefined when it does. */
  async #whyUnconfirmed(good: Identity): Promise<string | undefined> {
    const content = await this.#place.goodContent();
    if (content && this.#untold) {
      const absent = await this.#application.whyUnavailable(this.#signal);
      if (absent !== undefined) return absent;
      if (!(await this.#application.tookItself(good, content, this.#signal)))
        await tellAgain(this.#application, this.plan, this.#events, this.#signal);
      this.#untold = false;
    }
    return content && (await this.#application.refusal(good, content, this.#signal, 0));
  }

  /**
   * See to it that the file is still what it was made.
   * @returns 'again' when what was lost is not on disk, or was not verified
   * @throws {StorageError}
   */
  async check(): Promise<'unchanged' | 'again'> {
    if (await this.#place.intact()) return 'unchanged';
    this.#events.drifted();
    const { candidate, good } = this.journal;
    const content = await this.#place.putBack();
    const back = content && good ? `: ${nameOf(good)} is put back` : '';
    this.#events.log.warn({ file: this.plan.path }, `the file was changed or removed${back}`);
    if (candidate || !content)
      await this.#place.write({ ...this.journal, candidate: undefined, good: content && good }, false);
    if (content) await tellAgain(this.#rollback.application, this.plan, this.#events, this.#signal);
    return candidate || !content ? 'again' : 'unchanged';
  }

  async #keepUp(document: Document): Promise<Outcome> {
    if ((await this.check()) === 'again') return await this.#replace(document);
    this.#deferred = undefined;
    if (same(document, this.journal.good)) return 'unchanged';
    await this.#events.report(document.version, 'applied');
    await this.#place.write({ key: this.plan.key, good: { version: document.version, digest: document.digest } }, true);
    this.#events.log.info({ file: this.plan.path, version: document.version }, 'same content under a new version');
    return 'applied';
  }

  async #replace(document: Document): Promise<Outcome> {
    const { version, content } = document;
    // Whether the application is there before the change: only then the change is to blame if it is not after.
    const silence = this.#oneTime ? Promise.resolve('one-time mode') : this.#application.silence(this.#signal);
    try {
      await this.#place.work(() =>
        validate(content, this.plan.rules, {
          path: this.plan.path,
          directory: this.#place.staging,
          signal: this.#signal,
        }),
      );
      this.plan.verification?.expectation(document, content);
    } catch (error) {
      await silence;
      if (!(error instanceof Invalid)) throw error;
      return await this.#reject(document, error.message);
    }
    const candidate = await this.#place.propose(document);
    this.#verified = false;
    this.#deferred = undefined;
    this.#unconfirmed = undefined;
    this.#untold = false;
    this.#waitingSince = performance.now();
    // Told before that answer is waited for, which is only needed when something is wrong; but for an
    // application that is ended, and would end its answer too.
    if (this.plan.notification?.kind === 'terminate') await silence;
    const told: NotifyResult = this.#oneTime
      ? { kind: 'unheard', reason: '' }
      : await this.#application.tell(this.#signal);
    this.#waitingFor = await silence;
    if (told.kind === 'unheard') this.#waitingFor ??= await this.#application.whyUnavailable(this.#signal);
    if (this.#waitingFor !== undefined) {
      this.#events.log.info({ file: this.plan.path, version }, `in place; not verified yet: ${this.#waitingFor}`);
      return 'waiting';
    }
    return await this.#introduce(candidate, content, told);
  }

  /** See whether the application takes the candidate; `first` is what came of telling it. */
  async #introduce(id: Identity, content: Uint8Array, first: NotifyResult): Promise<Outcome> {
    const told = first.kind === 'unheard' ? await this.#application.notifyWithRetry(this.#signal) : first;
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
    const content = await this.#place.candidateContent();
    if (!content) return await this.check();
    if (this.#verified) return await this.#commit(candidate, content);
    const absent = await this.#application.whyUnavailable(this.#signal);
    if (absent === undefined) {
      if (await this.#application.tookItself(candidate, content, this.#signal))
        return await this.#commit(candidate, content);
      return await this.#introduce(candidate, content, await this.#application.tell(this.#signal));
    }
    this.#waitingFor = absent;
    const waited = performance.now() - this.#waitingSince;
    const { good } = this.journal;
    if (!good || !this.#application.verifiable || waited < this.plan.startTimeout) return 'waiting';
    if (!(await this.#place.putBack())) return 'waiting';
    const reason = `the application did not come up within ${this.plan.startTimeout / 1000} s: ${absent}`;
    this.#events.log.warn(
      { file: this.plan.path, version: candidate.version },
      `${reason}; ${nameOf(good)} is put back until it does`,
    );
    await this.#events.report(candidate.version, 'rolled-back', `${reason}; it is tried again once it is up`);
    await this.#place.write({ ...this.journal, candidate: undefined }, false);
    this.#deferred = candidate;
    return 'rolled_back';
  }

  /** The candidate is good. */
  async #commit({ version, digest }: Identity, content: Uint8Array): Promise<Outcome> {
    this.#verified = true;
    const before = this.journal.good;
    await this.#place.keep(content, digest);
    await this.#events.report(version, 'applied');
    await this.#place.write({ key: this.plan.key, good: { version, digest } }, true);
    this.#events.log.info({ file: this.plan.path, version, digest }, 'applied');
    await this.#place.forget(before);
    return 'applied';
  }

  async #reject({ version, digest }: Identity, reason: string): Promise<Outcome> {
    await this.#events.report(version, 'rejected', reason);
    await this.#place.reject({ version, digest }, reason);
    this.#events.log.error({ file: this.plan.path, version }, `rejected: ${reason}`);
    return 'rejected';
  }

  /** The application did not take the candidate. */
  async #fail(id: Identity, reason: string): Promise<Outcome> {
    this.#events.log.error(
      { file: this.plan.path, version: id.version },
      `the application does not take it: ${reason}`,
    );
    this.#place.condemn(id, reason);
    return await this.#rollBack();
  }

  async #rollBack(): Promise<Outcome> {
    const { outcome, unconfirmed } = await rollBack(this.#rollback);
    if (outcome === 'rolled_back') this.#unconfirmed = unconfirmed;
    return outcome;
  }
}
