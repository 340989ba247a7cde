/** The database file. */
import { existsSync, lstatSync, renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setAside } from '#kit/files/set-aside.ts';

const SCHEMA_VERSION = 1;

/**
 * `changes` is history and audit in one, and only grows; `contents` and `reports` are cut to the
 * versions that are kept.
 */
const SCHEMA = `
  CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('create', 'update', 'rollback', 'delete')),
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    restored INTEGER,
    at TEXT NOT NULL,
    author TEXT NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (key, version)
  ) STRICT;
  CREATE TABLE contents (
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (key, version)
  ) STRICT;
  CREATE TABLE reports (
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    sidecar TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('applied', 'rejected', 'rolled-back')),
    reason TEXT,
    at TEXT NOT NULL,
    PRIMARY KEY (key, version, sidecar)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE birth (revision INTEGER NOT NULL) STRICT;
`;

export interface DatabaseOptions {
  /** In milliseconds since the epoch: the revisions of a new store begin there, so that no old revision means anything in it. */
  readonly now: number;
  /** In bytes. */
  readonly maxSize: number;
  /** Told why the database cannot be used, and where it lies now: a start goes on with an empty one. */
  readonly onDamaged: (error: Error, aside: string) => void;
}

/**
 * Open the database, and make it when it is not there, or is damaged: a damaged one is set aside.
 * @param file its path; a write-ahead log stands beside it
 * @throws when it cannot be opened, is of a later schema, or another process has it
 */
export function openDatabase(file: string, options: DatabaseOptions): DatabaseSync {
  try {
    if (lstatSync(file, { throwIfNoEntry: false })?.isDirectory() === true) throw new Damaged('it is a directory');
    return open(file, options);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const aside = setAside(file);
    // A log that stayed would be carried out on the new database.
    const log = `${file}-wal`;
    if (existsSync(log)) renameSync(log, `${aside}-wal`);
    options.onDamaged(error as Error, aside);
    return open(file, options);
  }
}

function open(file: string, { now, maxSize }: DatabaseOptions): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    // One process at a time; its lock goes with it, however it ends.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    // Each commit is on disk before it is answered, through a loss of power too.
    database.exec('PRAGMA synchronous = FULL');
    const { page_size } = database.prepare('PRAGMA page_size').get() as { page_size: number };
    database.exec(`PRAGMA max_page_count = ${Math.ceil(maxSize / page_size)}`);
    const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (found > SCHEMA_VERSION) throw new Error('it was written by a later version of this server');
    if (found === 0) {
      database.exec('BEGIN IMMEDIATE');
      database.exec(SCHEMA);
      database.prepare('INSERT INTO birth (revision) VALUES (?)').run(now);
      database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
      database.exec('COMMIT');
    }
    check(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What a start needs. Contents and reports are not looked at: one that is damaged fails requests for itself alone. */
function check(database: DatabaseSync): void {
  for (const table of ['birth', 'changes']) {
    const { quick_check: found } = database.prepare(`PRAGMA quick_check(${table})`).get() as { quick_check: string };
    if (found !== 'ok') throw new Damaged(found);
  }
  if (database.prepare('SELECT revision FROM birth').get() === undefined) throw new Damaged('its birth is missing');
}

class Damaged extends Error {}

/** SQLite's primary result codes: SQLITE_ERROR (of another schema), SQLITE_CORRUPT, SQLITE_FORMAT, SQLITE_NOTADB. */
const DAMAGE: ReadonlySet<number> = new Set([1, 11, 24, 26]);

function isDamage(error: unknown): boolean {
  // The low byte of an extended code is the primary one: https://www.sqlite.org/rescode.html
  return error instanceof Damaged || DAMAGE.has(((error as { errcode?: number }).errcode ?? 0) & 0xff);
}
