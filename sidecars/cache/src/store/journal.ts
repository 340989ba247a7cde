/**
 * Purges that the disk has not followed yet, as lines of a file: deleting many files takes its time, and a process
 * that is killed meanwhile must not find them again as true. A line is written before a purge is answered.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { readKept } from '#kit/files/kept-file.ts';
import type { PurgeSelector } from './purge-selector.ts';

export interface PurgeRecord {
  /** Of files with a smaller serial. */
  readonly serial: number;
  readonly which: PurgeSelector;
  /** Only stale from then on, in milliseconds since the epoch. */
  readonly softenAt?: number | undefined;
}

/** Longest file, in bytes: beyond it a purge deletes its files before it is answered. */
const MOST = 4 * 1024 * 1024;

export class PurgeJournal {
  /** Undefined once it is closed: the system gives the number to the next file that is opened. */
  #file: number | undefined;
  #length = 0;
  /** The serial of the last line. */
  last = 0;

  /** @throws when the file cannot be opened */
  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600);
  }

  /** What a process that has ended left undone. @returns undefined where nobody can tell */
  static read(path: string): PurgeRecord[] | undefined {
    let text: string;
    try {
      text = String(readKept(path, MOST) ?? '');
    } catch {
      return undefined;
    }
    return text.split('\n').flatMap((line) => {
      try {
        const record = JSON.parse(line) as PurgeRecord;
        return typeof record.serial === 'number' && typeof record.which === 'object' ? [record] : [];
      } catch {
        return [];
      }
    });
  }

  get empty(): boolean {
    return this.#length === 0;
  }

  /** @returns false when it could not be written */
  add(record: PurgeRecord): boolean {
    // A line of its own, whatever a failure left before it.
    const line = Buffer.from(`\n${JSON.stringify(record)}\n`);
    if (this.#file === undefined || this.#length + line.length > MOST) return false;
    try {
      if (writeSync(this.#file, line) !== line.length) return false;
    } catch {
      return false;
    }
    this.#length += line.length;
    this.last = record.serial;
    return true;
  }

  /** All of it has been done. */
  clear(): void {
    if (this.#file === undefined) return;
    try {
      ftruncateSync(this.#file);
      this.#length = 0;
    } catch {
      // It is done once more at the next start, which does no harm.
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
