/**
 * A file and the journal about it, kept in step: whatever is killed in between, the journal names
 * what is in place, or `prepare` makes it so.
 */
import type { Logger } from '#kit/telemetry/log.ts';
import { digestOf, nameOf, type Document, type Identity } from '../documents/document.ts';
import { Store, type Journal } from './store.ts';
import { Target, writing } from './target.ts';

export interface PlaceOptions {
  readonly key: string;
  readonly path: string;
  /** Permission bits of a file that was not there. */
  readonly mode: number;
  /** The fingerprint of all that a document is held against. */
  readonly fingerprint: string;
  readonly stateDirectory: string;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  /** What a former run kept could not be used. */
  readonly damaged: (kind: 'journal' | 'copy') => void;
}

export class Place {
  readonly #path: string;
  readonly #store: Store;
  readonly #target: Target;
  readonly #rules: string;
  readonly #log: PlaceOptions['log'];
  readonly #damaged: PlaceOptions['damaged'];
  #journal: Journal;
  #filled = false;

  constructor({ key, path, mode, fingerprint, stateDirectory, log, damaged }: PlaceOptions) {
    this.#rules = fingerprint;
    this.#path = path;
    this.#damaged = damaged;
    this.#store = new Store(stateDirectory, path, key, (reason, aside) => {
      log.error({ file: path, reason, aside }, 'the journal is damaged: what was known of versions is lost');
      damaged('journal');
    });
    this.#target = new Target(path, mode);
    this.#log = log;
    this.#journal = { key };
  }

  get journal(): Journal {
    return this.#journal;
  }

  /** True when there is a file. */
  get filled(): boolean {
    return this.#filled;
  }

  /** Where a check command's file is staged. */
  get staging(): string {
    return this.#store.staging;
  }

  /**
   * Bring file and journal together after a start, without asking anybody.
   * @returns whether the good version was put back: the application may run with what was there before
   * @throws {StorageError}
   */
  async prepare(): Promise<boolean> {
    await this.#target.tidy();
    this.#journal = await this.work(() => this.#store.load());
    const there = await this.#target.digest();
    const { candidate, refused } = this.#journal;
    if (refused && refused.rules !== this.#rules) {
      this.#log.warn(
        { file: this.#path, version: refused.version },
        'the settings have changed since a version was refused: it is tried again',
      );
      this.#journal = { ...this.#journal, refused: undefined };
    }
    if (candidate && candidate.failure === undefined && candidate.digest !== there) {
      // Killed before it was published.
      this.#journal = { ...this.#journal, candidate: undefined };
    }
    const kept = await this.#keptContent();
    const { good } = this.#journal;
    const waiting = this.#journal.candidate !== undefined && candidate?.failure === undefined;
    const isChanged = kept !== undefined && good !== undefined && good.digest !== there && !waiting;
    if (isChanged) {
      // Killed on the way back, somebody else changed the file, or the power was cut before the disk had it.
      this.#log.warn({ file: this.#path }, `the file is not ${nameOf(good)}, which was verified: it is put back`);
      await this.#target.publish(kept, good.digest);
    } else if (!good && !this.#journal.candidate && there !== undefined && there !== refused?.digest) {
      // What the application had before is what it can go back to.
      const content = (await this.#target.read())!;
      const digest = digestOf(content);
      await this.keep(content, digest);
      await this.write({ ...this.#journal, good: { version: '', digest } }, true);
    }
    this.#filled = (await this.#target.digest()) !== undefined;
    await this.tidy();
    return isChanged;
  }

  /**
   * Put a document in place as the candidate.
   * @throws {StorageError}, file and journal then being as they were
   */
  async propose({ version, digest, content }: Document): Promise<Identity> {
    const next = { ...this.#journal, candidate: { version, digest } };
    // A kill after this line finds a candidate that is not in place, and forgets it.
    // The first one must outlive a power cut: without it, the file would be taken for the application's own.
    await this.work(() => this.#store.save(next, this.#journal.good === undefined));
    await this.#target.publish(content, digest);
    this.#journal = next;
    this.#filled = true;
    return next.candidate;
  }

  /**
   * Put the good version in place again; the journal is left to the caller.
   * @returns its content; undefined when there is none to go back to
   * @throws {StorageError}
   */
  async putBack(): Promise<Buffer | undefined> {
    const content = await this.goodContent();
    if (content) await this.#target.publish(content, this.#journal.good!.digest);
    return content;
  }

  /** Remember that the candidate failed: from now on the way is back, even when that cannot be written down. */
  condemn({ version, digest }: Identity, reason: string): void {
    const at = new Date().toISOString();
    const refused = { version, digest, state: 'rolled-back' as const, reason, rules: this.#rules, at };
    this.#journal = { ...this.#journal, candidate: { version, digest, failure: reason }, refused };
  }

  /** Write down that a version is not taken. */
  async reject({ version, digest }: Identity, reason: string): Promise<void> {
    const at = new Date().toISOString();
    const refused = { version, digest, state: 'rejected' as const, reason, rules: this.#rules, at };
    await this.write({ ...this.#journal, refused }, true);
  }

  /** Write the journal; see `Store.save`. */
  async write(journal: Journal, durable: boolean): Promise<void> {
    await this.work(() => this.#store.save(journal, durable));
    this.#journal = journal;
  }

  /** Keep the content of a version that is about to be good. */
  async keep(content: Uint8Array, digest: string): Promise<void> {
    await this.work(() => this.#store.keep(content, digest));
  }

  /** The content of the good version; undefined when there is none, or it is lost. */
  async goodContent(): Promise<Buffer | undefined> {
    const { good } = this.#journal;
    return good && (await this.work(() => this.#store.content(good)));
  }

  /** The content of the candidate; undefined when it is not what is in place. */
  async candidateContent(): Promise<Buffer | undefined> {
    const content = await this.#target.read();
    return content && digestOf(content) === this.#journal.candidate?.digest ? content : undefined;
  }

  /** Whether what is in place is what the journal says; true as well while there is nothing to be in place. */
  async intact(): Promise<boolean> {
    const { candidate, good } = this.#journal;
    const meant = candidate ?? good;
    return !meant || candidate?.failure !== undefined || (await this.#target.digest()) === meant.digest;
  }

  /** Remove the copy of a version that was good before; one that stays behind is removed by the next start. */
  async forget(former: Identity | undefined): Promise<void> {
    if (former && former.digest !== this.#journal.good?.digest) await this.#store.forget(former).catch(() => {});
  }

  /** Remove copies that are no longer needed; what cannot be removed does no harm. */
  async tidy(): Promise<void> {
    await this.#store.tidy(this.#journal.good).catch(() => {});
  }

  /** Work in the state directory, with errors in words. */
  async work<T>(work: () => Promise<T>): Promise<T> {
    return await writing(this.#store.directory, work);
  }

  /** The content of the good version; a journal that names one without it is corrected. */
  async #keptContent(): Promise<Buffer | undefined> {
    const { good } = this.#journal;
    const content = await this.goodContent();
    if (content || !good) return content;
    this.#log.error({ file: this.#path }, `the copy of ${nameOf(good)} is lost or damaged`);
    this.#damaged('copy');
    this.#journal = { ...this.#journal, good: undefined };
    return undefined;
  }
}
