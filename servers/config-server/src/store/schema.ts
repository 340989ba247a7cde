/** The database file. */
import { DatabaseSync } from 'node:sqlite';

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

/**
 * Open the database, and make it when it is not there.
 * @param file its path; a write-ahead log stands beside it
 * @param options `now` in milliseconds since the epoch: the revisions of a new store begin there, so
 * that no revision of a store that was replaced means something in this one; `maxSize` in bytes
 * @throws when it cannot be opened, is of a later schema, or another process has it
 */
export function openDatabase(file: string, { now, maxSize }: { now: number; maxSize: number }): DatabaseSync {
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
    if (found > SCHEMA_VERSION) throw new Error(`${file} was written by a later version of this server`);
    if (found === 0) {
      database.exec('BEGIN IMMEDIATE');
      database.exec(SCHEMA);
      database.prepare('INSERT INTO birth (revision) VALUES (?)').run(now);
      database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
      database.exec('COMMIT');
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
