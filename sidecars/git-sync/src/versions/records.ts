/**
 * The record of a version: that it is whole, and passed its gate. It is written last, so a directory
 * without one is half-made, and nothing is published without one.
 */
import { existsSync, readFileSync, rmSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from './json-file.ts';

export interface VersionRecord {
  readonly hash: string;
  /** The directory's inode: what it is known by after an exchange gave it another name. */
  readonly inode: number;
  /** The inode of its former self, which is served until this one is published. */
  readonly former?: number;
  /** In which of the layout's places it is. */
  readonly place: number;
  /** Its files may be shared, and are read-only. */
  readonly shared: boolean;
  /** Names the parameters that it was made by. */
  readonly rule: string;
  /** Its submodules' directories of objects. */
  readonly modules: readonly string[];
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

  /**
   * Where a version's index is; its directory is made.
   * @param place in which the version is
   */
  index(hash: string, place = 0): string {
    mkdirSync(join(this.#directory, hash), { recursive: true });
    return join(this.#directory, hash, place === 0 ? 'index' : `index.${place}`);
  }

  /** The record of a version that can be trusted. */
  read(hash: string): VersionRecord | undefined {
    const found = readJson(this.#path(hash)) as Partial<VersionRecord> | undefined;
    if (found?.hash !== hash || typeof found.inode !== 'number') return undefined;
    if (found.durable !== true && found.boot !== this.#boot) return undefined;
    // Records of an earlier version of this sidecar know neither place nor rule.
    return { place: 0, rule: '', modules: [], ...found } as VersionRecord;
  }

  /** True for a version with a record that this start of the machine cannot trust. */
  isDistrusted(hash: string): boolean {
    return this.read(hash) === undefined && existsSync(this.#path(hash));
  }

  write(record: Omit<VersionRecord, 'boot' | 'durable'>): VersionRecord {
    const whole = { ...record, boot: this.#boot, durable: false };
    writeJson(this.#path(record.hash), whole);
    return whole;
  }

  /** Its former self is served no more. */
  forgetFormer(hash: string): void {
    const { former, ...record } = this.read(hash) ?? {};
    if (former !== undefined) writeJson(this.#path(hash), record);
  }

  /** It is on the disk now. */
  markDurable(hash: string): void {
    const record = this.read(hash);
    if (record && !record.durable) writeJson(this.#path(hash), { ...record, durable: true });
  }

  remove(hash: string): void {
    // The record first: a directory without one is nobody's.
    rmSync(this.#path(hash), { recursive: true, force: true });
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
