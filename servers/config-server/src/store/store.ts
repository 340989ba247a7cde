/** Documents with their history, on disk, and how they change. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Base } from './conditions.ts';
import { Refusal } from '../access/refusal.ts';
import { MAX_REPORTERS_PER_TOKEN } from '../access/reporter.ts';
import { Commits } from './commits.ts';
import { Documents } from './documents.ts';
import { COLUMNS } from './rows.ts';
import { openDatabase } from './schema.ts';
import type { Action, ChangeRequest, Report, Version } from './types.ts';

export interface StoreOptions {
  /** Directory of the database; made when it is not there. */
  readonly dir: string;
  /** How many versions of a document keep their content and reports. */
  readonly history: number;
  /** Largest size of the database in bytes, beyond which it takes no more. */
  readonly maxSize: number;
  /** Told of each change that is on disk, before its request is. */
  readonly onChange?: (change: Version, address: string) => void;
  /** Told of each report that is on disk. */
  readonly onReport?: (key: string, version: number, report: Report) => void;
  /** Told why the database could not be used, and where it lies now. */
  readonly onDamaged?: (error: Error, aside: string) => void;
  /** Told of each transaction, with the error when it failed. */
  readonly onCommit?: (failure: Error | undefined) => void;
}

/**
 * Reports of many sidecars come within moments of each other. Waiting for the disk so long for each,
 * in milliseconds, would keep those waiting who still read the change.
 */
const REPORT_PATIENCE = 20;

export class Store {
  /** What is there. */
  readonly documents: Documents;
  /** The revision that the store began with. */
  readonly born: number;
  readonly #database: DatabaseSync;
  readonly #commits: Commits;
  readonly #options: StoreOptions;
  /** To be told once the transaction is on disk. */
  #news: (() => void)[] = [];
  #revision: number;

  /** @throws when the database cannot be opened */
  constructor(options: StoreOptions) {
    mkdirSync(options.dir, { recursive: true });
    this.#options = options;
    const { maxSize, onDamaged = () => {} } = options;
    this.#database = openDatabase(join(options.dir, 'config.db'), { now: Date.now(), maxSize, onDamaged });
    this.documents = new Documents(this.#database, options.history);
    this.born = this.documents.born();
    this.#revision = this.documents.revision();
    this.#commits = new Commits(this.#database, (failure) => {
      options.onCommit?.(failure);
      const news = this.#news;
      this.#news = [];
      if (failure) this.#revision = this.documents.revision();
      else for (const tell of news) tell();
    });
  }

  /** The revision of the latest change. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Make a version of given content.
   * @param base what the change was made from
   * @throws {Refusal} stale when the document is at another version
   */
  put(
    request: ChangeRequest,
    base: Base,
    { content, contentType }: { content: Uint8Array; contentType: string },
  ): Promise<Version> {
    return this.#commits.add(() => {
      const current = this.#checked(request.key, base);
      return this.#insert(request, current, { action: base === 'none' ? 'create' : 'update', content, contentType });
    });
  }

  /**
   * Delete a document; its history stays.
   * @throws {Refusal} stale, or not-found when it does not exist
   */
  delete(request: ChangeRequest, base: Base): Promise<Version> {
    return this.#commits.add(() => {
      const current = this.#existing(request.key, base);
      return this.#insert(request, current, { action: 'delete', content: new Uint8Array(), contentType: '' });
    });
  }

  /**
   * Make a version with the content of an old one.
   * @throws {Refusal} stale, or not-found when the document does not exist or the content is not kept
   */
  rollback(request: ChangeRequest, base: Base, to: number): Promise<Version> {
    return this.#commits.add(() => {
      const current = this.#existing(request.key, base);
      const { version, content } = this.documents.read(request.key, to);
      const { contentType } = version;
      return this.#insert(request, current, { action: 'rollback', content, contentType, restored: to });
    });
  }

  /**
   * Keep a report in place of the reporter's earlier one.
   * @param report whose `sidecar` is a name of the caller's, see `reporterOf`
   * @param token the caller's name
   * @throws {Refusal} not-found when the version is not kept, too-large when too many report with one token
   */
  report(key: string, version: number, token: string, report: Omit<Report, 'at'>): Promise<Report> {
    return this.#commits.add(() => {
      this.documents.kept(key, version);
      if (this.documents.reporters(key, version, token, report.sidecar) >= MAX_REPORTERS_PER_TOKEN)
        throw new Refusal('too-large', `too many sidecars report about this version as ${token}`);
      // By our clock: a sidecar whose clock is wrong would have the last word for ever.
      const kept = { ...report, at: new Date().toISOString() };
      this.documents.run(
        `INSERT INTO reports (key, version, sidecar, state, reason, at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason, at = excluded.at`,
        key,
        version,
        kept.sidecar,
        kept.state,
        kept.reason ?? null,
        kept.at,
      );
      this.#news.push(() => this.#options.onReport?.(key, version, kept));
      return kept;
    }, REPORT_PATIENCE);
  }

  /** Do what waits, and close the database. */
  close(): void {
    this.#commits.flush();
    this.#database.close();
  }

  /** The version that a change follows, a deletion too, when the condition holds. */
  #checked(key: string, base: Base): Version | undefined {
    const latest = this.documents.latest(key);
    const current = latest === undefined || latest.deleted ? null : latest.version;
    const wanted = base === 'none' ? null : base.version;
    if (current !== wanted) {
      const is = current === null ? 'does not exist' : `is at version ${current}`;
      throw new Refusal('stale', `${key} ${is}`, current);
    }
    return latest;
  }

  #existing(key: string, base: Base): Version {
    const latest = this.documents.latest(key);
    if (!latest || latest.deleted) throw new Refusal('not-found', `there is no document ${key}`);
    return this.#checked(key, base)!;
  }

  #insert(
    { key, author, address }: ChangeRequest,
    current: Version | undefined,
    change: { action: Action; content: Uint8Array; contentType: string; restored?: number },
  ): Version {
    const { action, content, contentType, restored } = change;
    const made: Version = {
      key,
      version: (current?.version ?? 0) + 1,
      revision: this.#revision + 1,
      digest: `sha256:${createHash('sha256').update(content).digest('hex')}`,
      size: content.byteLength,
      contentType,
      at: new Date().toISOString(),
      author,
      action,
      ...(restored !== undefined && { restored }),
      ...(action === 'delete' && { deleted: true as const }),
    };
    const { revision, version, digest, size, at } = made;
    this.documents.run(
      `INSERT INTO changes (${COLUMNS}, address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      revision,
      key,
      version,
      action,
      digest,
      size,
      contentType,
      restored ?? null,
      at,
      author,
      address,
    );
    if (!made.deleted)
      this.documents.run('INSERT INTO contents (key, version, content) VALUES (?, ?, ?)', key, version, content);
    for (const table of ['contents', 'reports'])
      this.documents.run(`DELETE FROM ${table} WHERE key = ? AND version <= ?`, key, version - this.#options.history);
    this.#revision = revision;
    this.#news.push(() => this.#options.onChange?.(made, address));
    return made;
  }
}
