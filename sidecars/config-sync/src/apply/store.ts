/**
 * What one file's life is written down in, so that a kill at any moment can be made good:
 *
 *   STATE_DIR/NAME-HASH/journal.json    which version is good, which one is on its way, which was refused
 *   STATE_DIR/NAME-HASH/journal.json.new  the same, later, as long as no power cut takes it
 *   STATE_DIR/NAME-HASH/good-DIGEST     the content of the good one
 *   STATE_DIR/NAME-HASH/staged/NAME     what a check command looks at
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { publishFile, removeStrays } from '#kit/files/atomic-file.ts';
import { readKept, UnusableFile } from '#kit/files/kept-file.ts';
import { setAside, setAsideDirectory } from '#kit/files/set-aside.ts';
import { digestOf, type Identity } from '../documents/document.ts';

/** Why a version was refused. */
export interface Refusal extends Identity {
  readonly state: 'rejected' | 'rolled-back';
  readonly reason: string;
  /** The fingerprint of what it was held against. */
  readonly rules: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface Journal {
  /** The document that the file is of: another one's versions mean nothing here. */
  readonly key: string;
  /** Verified, or at least told; what a rollback goes back to. */
  readonly good?: Identity | undefined;
  /** Validated and perhaps in place, but not verified. With `failure` it is on its way out. */
  readonly candidate?: (Identity & { readonly failure?: string }) | undefined;
  /** The latest version that is not tried again. */
  readonly refused?: Refusal | undefined;
}

/** The durable one. */
const JOURNAL = 'journal.json';
const JOURNALS = [JOURNAL, 'journal.json.new', 'journal.json.newer'];

/** CONFIG_MAX_SIZE is never larger, in bytes. */
const LARGEST = 64 * 1024 * 1024;

export class Store {
  readonly directory: string;
  readonly #key: string;
  readonly #onDamaged: (reason: string, aside: string) => void;
  /** Of the journal that was written last: of two, the later one counts. */
  #serial = 0;

  /**
   * @param stateDirectory where all files' directories are
   * @param path of the file that it is about
   * @param key of the document
   * @param onDamaged the journal could not be used, and was set aside
   */
  constructor(stateDirectory: string, path: string, key: string, onDamaged: (reason: string, aside: string) => void) {
    const hash = createHash('sha256').update(path).digest('hex').slice(0, 8);
    this.directory = join(stateDirectory, `${basename(path).slice(0, 100)}-${hash}`);
    this.#key = key;
    this.#onDamaged = onDamaged;
  }

  /** Where a check command's file is staged. */
  get staging(): string {
    return join(this.directory, 'staged');
  }

  /** The journal; an empty one when there is none, or it is unreadable or another document's. */
  async load(): Promise<Journal> {
    for (const name of JOURNALS) {
      const aside = setAsideDirectory(join(this.directory, name));
      if (aside !== undefined && name === JOURNAL) this.#onDamaged('it is a directory', aside);
    }
    const [journal] = [this.#read(JOURNAL), this.#read('journal.json.new')]
      .filter((found) => found !== undefined)
      .toSorted((a, b) => (b.serial ?? 0) - (a.serial ?? 0));
    if (journal === undefined) return { key: this.#key };
    const { serial = 0, ...rest } = journal;
    this.#serial = serial;
    if (rest.key === this.#key) return rest;
    // What was good for another document is still what the application can go back to.
    return { key: this.#key, ...(rest.good && { good: { version: '', digest: rest.good.digest } }) };
  }

  /**
   * Write the journal in one step.
   * @param durable wait until it would outlive a power cut; a kill of the process is survived either way. What is not
   * durable has a name of its own: a power cut leaves a piece of it, and the one before must be there then.
   */
  async save(journal: Journal, durable: boolean): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    const path = join(this.directory, JOURNAL);
    this.#serial += 1;
    const text = `${JSON.stringify({ ...journal, serial: this.#serial })}\n`;
    if (durable) return await publishFile(path, text, { mode: 0o600 });
    await writeFile(`${path}.newer`, text, { mode: 0o600 });
    await rename(`${path}.newer`, `${path}.new`);
  }

  #read(name: string): (Journal & { readonly serial?: number }) | undefined {
    const path = join(this.directory, name);
    let reason = 'it is no journal';
    try {
      const text = readKept(path);
      if (text === undefined) return undefined;
      const journal = JSON.parse(String(text)) as unknown;
      if (typeof journal === 'object' && journal !== null) return journal as Journal;
    } catch (error) {
      if (error instanceof Error && 'syscall' in error) throw error;
      reason = (error as Error).message;
    }
    // A power cut leaves a piece of the other one.
    if (name === JOURNAL) this.#onDamaged(reason, setAside(path));
    return undefined;
  }

  /** Keep the content of a version that is about to be good; it lasts once a durable journal was written after it. */
  async keep(content: Uint8Array, digest: string): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    setAsideDirectory(join(this.directory, `good-${digest}`));
    // It may hold secrets, whatever the mode of the file itself.
    await publishFile(join(this.directory, `good-${digest}`), content, { mode: 0o600, lasting: false });
  }

  /** The content of the good version; undefined when it is lost or damaged. */
  async content(good: Identity): Promise<Buffer | undefined> {
    let content: Buffer | undefined;
    try {
      content = readKept(join(this.directory, `good-${good.digest}`), LARGEST);
    } catch (error) {
      if (!(error instanceof UnusableFile)) throw error;
    }
    return content && digestOf(content) === good.digest ? content : undefined;
  }

  /** Remove the content of a version that is not good any more. */
  async forget({ digest }: Identity): Promise<void> {
    await unlink(join(this.directory, `good-${digest}`));
  }

  /** Remove what earlier versions and killed writers left. */
  async tidy(good: Identity | undefined): Promise<void> {
    const names = await readdir(this.directory).catch(() => []);
    for (const name of names) {
      if (name.startsWith('good-') && name !== `good-${good?.digest}`)
        await unlink(join(this.directory, name)).catch(leaveDirectory);
    }
    if (names.length > 0) await removeStrays(this.directory);
  }
}

/** One that was set aside is for a person to look at. */
function leaveDirectory(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EISDIR') throw error;
}
