/** The current error, on the admin port and in a file. */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { publishFile } from '#kit/files/atomic-file.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { SyncError } from './repository/failure.ts';

export interface ErrorReport {
  /** ISO 8601. */
  readonly time: string;
  readonly reason: string;
  readonly error: string;
  /** What to do. */
  readonly advice: string;
  /** Failures in a row; 0 when the sync itself worked and a commit was refused. */
  readonly failures: number;
}

export class ErrorFile {
  readonly #path: string | undefined;
  readonly #log: Pick<Logger, 'warn'>;
  current: ErrorReport | undefined;

  /** @param path where it is written; nowhere when absent */
  constructor(path: string | undefined, log: Pick<Logger, 'warn'>) {
    this.#path = path;
    this.#log = log;
    this.#remove();
  }

  async report(error: SyncError, failures: number): Promise<void> {
    this.current = {
      time: new Date().toISOString(),
      reason: error.reason,
      error: error.message,
      advice: error.advice,
      failures,
    };
    if (this.#path === undefined) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      await publishFile(this.#path, `${JSON.stringify(this.current, null, 2)}\n`);
    } catch (reason) {
      // On a full disk, say; the log and the admin port have it all the same.
      this.#log.warn({ path: this.#path, reason: (reason as Error).message }, 'the error file cannot be written');
    }
  }

  clear(): void {
    if (this.current === undefined) return;
    this.current = undefined;
    this.#remove();
  }

  #remove(): void {
    if (this.#path === undefined) return;
    try {
      rmSync(this.#path, { force: true });
    } catch (error) {
      this.#log.warn({ path: this.#path, reason: (error as Error).message }, 'the error file cannot be removed');
    }
  }
}
