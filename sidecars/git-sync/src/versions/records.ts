/**
 * The record of a version: that it is whole, and passed its gate. It is written last, so a directory
 * without one is half-made, and nothing is published without one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isHash } from '../repository/refs.ts';
import { flush, readJson, writeJson, writeJsonLasting } from './json-file.ts';

export interface VersionRecord {
  readonly hash: string;
  /** The directory's inode: what it is known by after an exchange gave it another name. */
  readonly inode: number;
  /** The inode of its former self, which is served until this one is published. */
  readonly former?: number;
  /** The inode of its former self that is at the link and cannot be trusted since a power cut. */
  readonly doubtful?: number;
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

  /**
   * The record of a version that can be trusted.
   * @throws the file system's error: nothing is thrown away for a record that cannot be read now
   */
  read(hash: string): VersionRecord | undefined {
    const found = this.#find(hash);
    return found && (found.durable || found.boot === this.#boot) ? found : undefined;
  }

  #find(hash: string): VersionRecord | undefined {
    const found = readJson(this.#path(hash)) as Partial<VersionRecord> | undefined;
    if (found?.hash !== hash || typeof found.inode !== 'number') return undefined;
    // Records of an earlier version of this sidecar know neither place nor rule.
    return { place: 0, rule: '', modules: [], ...found } as VersionRecord;
  }

  /** The version whose directory this is, or was before it was made anew; trusted or not. */
  madeAs(inode: number): string | undefined {
    return readdirSync(this.#directory).find((name) => {
      const { inode: own, former, doubtful } = (isHash(name) && this.#find(name)) || {};
      return [own, former, doubtful].includes(inode);
    });
  }

  /** Versions whose records the disk cannot read now. */
  unreadable(): string[] {
    return readdirSync(this.#directory).filter((name) => {
      try {
        this.#find(name);
        return false;
      } catch {
        return true;
      }
    });
  }

  /** True for a version with a record that this start of the machine cannot trust. */
  isDistrusted(hash: string): boolean {
    return this.read(hash) === undefined && existsSync(this.#path(hash));
  }

  write(record: Omit<VersionRecord, 'boot' | 'durable'>): void {
    writeJson(this.#path(record.hash), { ...record, boot: this.#boot, durable: false });
  }

  /** The record outlives a power cut: a directory at the link is known as ours by it alone. */
  flush(hash: string): void {
    const path = this.#path(hash);
    for (const each of [path, dirname(path), this.#directory]) flush(each);
  }

  /** Its former self is served no more. */
  forgetFormer(hash: string): void {
    const { former, doubtful, ...record } = this.read(hash) ?? {};
    if (former !== undefined || doubtful !== undefined) writeJsonLasting(this.#path(hash), record);
  }

  /** It is on the disk now. */
  markDurable(hash: string): void {
    const record = this.read(hash);
    if (record && !record.durable) writeJsonLasting(this.#path(hash), { ...record, durable: true });
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
