/**
 * The record of a version: that it is whole, and passed its gate. It is written last, so a directory
 * without one is half-made, and nothing is published without one.
 */
import { readFileSync, rmSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from './json-file.ts';

export interface VersionRecord {
  readonly hash: string;
  /** The directory's inode: what it is known by after an exchange gave it another name. */
  readonly inode: number;
  /** Its files may be shared, and are read-only. */
  readonly shared: boolean;
  /** Which submodules it has. */
  readonly submodules: string;
  /** The start of the machine under which it was made. */
  readonly boot: string;
  /** It was flushed to the disk. Until then only this start of the machine can trust it. */
  readonly durable: boolean;
}

export class Records {
  readonly #directory: string;
  readonly #boot: string;

  /** @param boot names this start of the machine */
  constructor(directory: string, boot = bootId()) {
    this.#directory = directory;
    this.#boot = boot;
  }

  /** Where a version's index is; its directory is made. */
  index(hash: string): string {
    mkdirSync(join(this.#directory, hash), { recursive: true });
    return join(this.#directory, hash, 'index');
  }

  /** The record of a version that can be trusted. */
  read(hash: string): VersionRecord | undefined {
    const found = readJson(this.#path(hash)) as Partial<VersionRecord> | undefined;
    if (found?.hash !== hash || typeof found.inode !== 'number') return undefined;
    return found.durable === true || found.boot === this.#boot ? (found as VersionRecord) : undefined;
  }

  write(record: Omit<VersionRecord, 'boot' | 'durable'>): VersionRecord {
    const whole = { ...record, boot: this.#boot, durable: false };
    writeJson(this.#path(record.hash), whole);
    return whole;
  }

  /** It is on the disk now. */
  markDurable(hash: string): void {
    const record = this.read(hash);
    if (record && !record.durable) writeJson(this.#path(hash), { ...record, durable: true });
  }

  remove(hash: string): void {
    // The record first: a directory without one is nobody's.
    rmSync(this.#path(hash), { force: true });
    rmSync(join(this.#directory, hash), { recursive: true, force: true });
  }

  #path(hash: string): string {
    return join(this.#directory, hash, 'record.json');
  }
}

/** What names this start of the machine. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: a version then counts as whole only once it is on the disk, or to this process.
    return `process-${process.pid}-${performance.timeOrigin}`;
  }
}
