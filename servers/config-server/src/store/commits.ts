/**
 * Group commit: what comes while the disk is busy goes into one transaction, so that many changes a
 * second cost a few waits for the disk.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Refusal } from '../access/refusal.ts';

interface Job {
  /** Reads and writes the database; what it throws before its first write refuses it alone. */
  readonly work: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Jobs that may wait; each holds a request's body in memory. */
const MOST_WAITING = 1000;
/** SQLite's result codes that say that the disk does not take it: IOERR, READONLY, FULL. */
const DISK_TROUBLE = new Set([10, 8, 13]);

export class Commits {
  readonly #database: DatabaseSync;
  readonly #onCommit: (failure: Error | undefined) => void;
  #waiting: Job[] = [];
  #soon: NodeJS.Immediate | undefined;
  #later: NodeJS.Timeout | undefined;

  /** @param onCommit told of each transaction, with the error when it failed */
  constructor(database: DatabaseSync, onCommit: (failure: Error | undefined) => void = () => {}) {
    this.#database = database;
    this.#onCommit = onCommit;
  }

  /**
   * Do some work in the next transaction.
   * @param work throws a Refusal, before it writes anything, to be left out
   * @param patience milliseconds that it may wait for company; the next that has none takes it along
   * @returns what `work` returned, once it is on disk
   * @throws {Refusal} that of `work`, or busy when too much waits or the disk takes no more
   */
  add<T>(work: () => T, patience = 0): Promise<T> {
    if (this.#waiting.length >= MOST_WAITING) return Promise.reject(new Refusal('busy', 'too many changes at a time'));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({ work, resolve, reject });
    // The requests of this turn of the event loop come together.
    if (patience === 0) this.#soon ??= setImmediate(() => this.flush());
    else this.#later ??= setTimeout(() => this.flush(), patience);
    return promise;
  }

  /** Do now what waits. */
  flush(): void {
    clearImmediate(this.#soon);
    clearTimeout(this.#later);
    this.#soon = this.#later = undefined;
    if (this.#waiting.length > 0) this.#commit();
  }

  #commit(): void {
    const jobs = this.#waiting;
    this.#waiting = [];
    const done: (() => void)[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const { work, resolve, reject } of jobs) {
        try {
          const value = work();
          done.push(() => resolve(value as never));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          done.push(() => reject(error));
        }
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      // SQLite has rolled back by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#onCommit(error as Error);
      const told = DISK_TROUBLE.has((error as { errcode?: number }).errcode! & 0xff)
        ? new Refusal('busy', 'the disk takes no more')
        : error;
      for (const { reject } of jobs) reject(told);
      return;
    }
    this.#onCommit(undefined);
    for (const tell of done) tell();
  }
}
