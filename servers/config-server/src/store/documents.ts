/** What the store can be asked. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Refusal } from '../access/refusal.ts';
import { AUDIT_COLUMNS, COLUMNS, reportOf, versionOf, type Row } from './rows.ts';
import type { AuditLine, Report, Version } from './types.ts';

type Value = string | number | null | Uint8Array;

/** The latest change of each key. */
const LATEST = `SELECT ${COLUMNS} FROM changes
  JOIN (SELECT key AS k, max(version) AS v FROM changes GROUP BY key) ON key = k AND version = v`;

export class Documents {
  readonly #database: DatabaseSync;
  readonly #history: number;
  readonly #statements = new Map<string, StatementSync>();

  /** @param history how many versions of a document are kept */
  constructor(database: DatabaseSync, history: number) {
    this.#database = database;
    this.#history = history;
  }

  /** All documents that exist, sorted by key. */
  list(): Version[] {
    return this.#all(`${LATEST} WHERE action <> 'delete' ORDER BY key`).map(versionOf);
  }

  /** The latest version of a document, a deletion too; undefined when there never was one. */
  latest(key: string): Version | undefined {
    const row = this.#get(`SELECT ${COLUMNS} FROM changes WHERE key = ? ORDER BY version DESC LIMIT 1`, key);
    return row && versionOf(row);
  }

  /** The latest versions, deletions too, that came after a revision; sorted by revision. */
  since(revision: number): Version[] {
    return this.#all(`${LATEST} WHERE revision > ? ORDER BY revision`, revision).map(versionOf);
  }

  /**
   * One version with its content.
   * @throws {Refusal} not-found
   */
  read(key: string, version: number): { version: Version; content: Uint8Array } {
    const row = this.#get(
      `SELECT ${COLUMNS}, content FROM changes JOIN contents USING (key, version) WHERE key = ? AND version = ?`,
      key,
      version,
    );
    if (!row) throw new Refusal('not-found', `there is no content of version ${version} of ${key}`);
    return { version: versionOf(row), content: row['content'] as unknown as Uint8Array };
  }

  /** The versions that are kept, newest first. */
  versions(key: string, limit: number): Version[] {
    const latest = this.latest(key)?.version ?? 0;
    const sql = `SELECT ${COLUMNS} FROM changes WHERE key = ? AND version > ? ORDER BY version DESC LIMIT ?`;
    return this.#all(sql, key, latest - this.#history, limit).map(versionOf);
  }

  /**
   * The latest report of each sidecar about a version, sorted by sidecar.
   * @throws {Refusal} not-found when the version is not kept
   */
  reports(key: string, version: number): Report[] {
    this.kept(key, version);
    return this.#all('SELECT * FROM reports WHERE key = ? AND version = ? ORDER BY sidecar', key, version).map(
      reportOf,
    );
  }

  /**
   * See that a version is one of those that are kept.
   * @throws {Refusal} not-found when it is not
   */
  kept(key: string, version: number): void {
    const latest = this.latest(key)?.version ?? 0;
    if (version > latest || version <= latest - this.#history)
      throw new Refusal('not-found', `there is no version ${version} of ${key}`);
  }

  /** How many have reported about a version by a token, but for one: names are the token's, or begin with it and a slash. */
  reporters(key: string, version: number, token: string, but: string): number {
    const row = this.#get(
      `SELECT count(*) AS count FROM reports WHERE key = ? AND version = ? AND sidecar <> ?
        AND (sidecar = ? OR sidecar > ? AND sidecar < ?)`,
      key,
      version,
      but,
      token,
      `${token}/`,
      // The character after the slash.
      `${token}0`,
    );
    return row!['count'] as number;
  }

  /** Who changed what, newest first; of one document when a key is given. */
  audit({ key, limit }: { key: string | undefined; limit: number }): AuditLine[] {
    const where = key === undefined ? '' : 'WHERE key = ?';
    const values = key === undefined ? [limit] : [key, limit];
    const sql = `SELECT ${AUDIT_COLUMNS} FROM changes ${where} ORDER BY revision DESC LIMIT ?`;
    return this.#all(sql, ...values) as unknown as AuditLine[];
  }

  /** The revision that the store began with. */
  born(): number {
    return this.#get('SELECT revision FROM birth')!['revision'] as number;
  }

  /** The revision of the latest change; that of the birth before the first. */
  revision(): number {
    return (this.#get('SELECT max(revision) AS revision FROM changes')!['revision'] as number | null) ?? this.born();
  }

  /** Change something; the store alone does, within a transaction. */
  run(sql: string, ...values: Value[]): void {
    this.#prepare(sql).run(...values);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }

  #get(sql: string, ...values: Value[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  #all(sql: string, ...values: Value[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }
}
