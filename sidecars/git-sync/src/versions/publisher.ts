/**
 * Publication in one step. As a link: a new symbolic link is renamed over the old one. As a directory:
 * it changes places with the live one (renameat2's RENAME_EXCHANGE), so that its path is at no moment
 * empty. What is live is read from the disk each time, never remembered.
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { runCommand } from '#kit/process/command.ts';
import { SyncError } from '../repository/failure.ts';
import { isHash } from '../repository/refs.ts';
import { gone, isPlace, namesIn, type Layout } from './layout.ts';
import { flush } from './json-file.ts';
import type { Records, VersionRecord } from './records.ts';

export type PublishMode = 'link' | 'exchange';
/** Let two paths change places, in one step. */
export type Exchange = (a: string, b: string) => Promise<void>;

/** By coreutils (9.5 or newer), as Node cannot. */
export const exchangeByMv: Exchange = async (a, b) => {
  await runCommand(['mv', '--exchange', '--no-copy', '-T', '--', a, b], { timeout: 30_000 });
};

export class Publisher {
  readonly #layout: Layout;
  readonly #records: Records;
  readonly #mode: PublishMode;
  readonly #exchange: Exchange;

  constructor(layout: Layout, records: Records, mode: PublishMode, exchange: Exchange = exchangeByMv) {
    this.#layout = layout;
    this.#records = records;
    this.#mode = mode;
    this.#exchange = exchange;
  }

  /** The commit that is live; undefined when there is none, or it is not one that we made. */
  live(): string | undefined {
    const found = statOf(this.#layout.link);
    if (found?.isSymbolicLink()) {
      const target = this.#target();
      const hash = basename(target);
      return this.#layout.places.includes(dirname(target)) && this.#isOrWas(target, hash) ? hash : undefined;
    }
    return found?.isDirectory() ? this.#ofInode(found.ino) : undefined;
  }

  /**
   * The commit whose directory is at the link, whether it can be trusted or not. After a power cut it may hold anything,
   * and it is ours all the same.
   */
  occupant(): string | undefined {
    const found = statOf(this.#layout.link);
    return found?.isDirectory() ? this.#records.madeAs(found.ino) : undefined;
  }

  /** True when what is at the link is not as this mode has it. */
  isOfOtherMode(): boolean {
    const found = statOf(this.#layout.link);
    return found !== undefined && found.isSymbolicLink() !== (this.#mode === 'link');
  }

  /** Where a version is while it is not live. */
  directory(hash: string): string {
    const { places } = this.#layout;
    return join(places[this.#records.read(hash)?.place ?? 0] ?? places[0], hash);
  }

  /**
   * The directory among ours that the link leads to, with a record or with none: who had this root before
   * us may have published it, and it stays until there is something better. One whose record cannot be
   * trusted since the machine's start may hold anything, and does not count.
   */
  served(): string | undefined {
    if (!statOf(this.#layout.link)?.isSymbolicLink()) return undefined;
    const target = this.#target();
    const name = basename(target);
    const isOurs = this.#layout.places.includes(dirname(target)) && !isPlace(name) && !this.#records.isDistrusted(name);
    return isOurs && statOf(target)?.isDirectory() ? target : undefined;
  }

  /** The place in which a version can be made: not where it is served. */
  freePlace(hash: string): number {
    const served = this.served();
    return this.#layout.places.findIndex((place) => join(place, hash) !== served);
  }

  /** What is at the link of a version that is made anew: its inode, served as `former`, or not to be trusted. */
  formerOf(hash: string): Pick<VersionRecord, 'former' | 'doubtful'> {
    const name = this.live() === hash ? 'former' : this.occupant() === hash ? 'doubtful' : undefined;
    return name === undefined ? {} : { [name]: statSync(this.#layout.link).ino };
  }

  /** Where the files of a version are now. */
  locate(hash: string): string {
    return this.#mode === 'exchange' && this.#is(this.#layout.link, hash) ? this.#layout.link : this.directory(hash);
  }

  /** True when the version is whole and passed its gate, and is where it belongs. */
  has(hash: string): boolean {
    return this.#is(this.directory(hash), hash) || this.#is(this.#layout.link, hash);
  }

  /** Commits of which there is a version. */
  list(): string[] {
    return readdirSync(this.#layout.records).filter((name) => isHash(name) && this.has(name));
  }

  /**
   * Make a version live.
   * @throws {SyncError} `link` when something that is not ours is at the link
   */
  async publish(hash: string): Promise<void> {
    mkdirSync(dirname(this.#layout.link), { recursive: true });
    if (this.#mode === 'link') await this.#publishLink(hash);
    else {
      this.#records.flush(hash);
      await this.#publishDirectory(hash);
      // Before a record is changed by which the directory is known that a power cut would bring back.
      for (const path of [dirname(this.#layout.link), ...this.#layout.places]) if (statOf(path)) flush(path);
    }
    this.#records.forgetFormer(hash);
  }

  /** Nothing leads to where a version is about to be made, not even a link from before it was lost. */
  withdraw(directory: string): void {
    const { link } = this.#layout;
    if (statOf(link)?.isSymbolicLink() && this.#target() === directory) rmSync(link);
  }

  /**
   * The link was elsewhere before: a link there would soon lead nowhere, and goes; a directory that was
   * published there is one of our versions, and takes its place among them.
   * @param former where it was
   */
  leave(former: string): void {
    const found = statOf(former);
    if (found?.isSymbolicLink()) {
      const target = resolve(dirname(former), readlinkSync(former));
      if (this.#layout.places.includes(dirname(target))) rmSync(former);
      return;
    }
    const hash = found?.isDirectory() ? this.#ofInode(found.ino) : undefined;
    if (hash !== undefined && !statOf(this.directory(hash))) renameSync(former, this.directory(hash));
  }

  /** After a crash: give every version its name, and remove a link on its way. */
  settle(): void {
    rmSync(this.#temporaryLink(), { force: true, recursive: true });
    for (const place of this.#layout.places) {
      for (const name of namesIn(place)) {
        const path = join(place, name);
        const found = statOf(path);
        if (found?.isSymbolicLink()) rmSync(path);
        const hash = found?.isDirectory() ? this.#ofInode(found.ino) : undefined;
        if (hash !== undefined && hash !== name && !statOf(this.directory(hash)))
          renameSync(path, this.directory(hash));
        // The former self of a version that took its place.
        if (hash !== undefined && hash === name && !this.#is(path, hash) && path !== this.served())
          renameSync(path, gone(path));
      }
    }
  }

  async #publishLink(hash: string): Promise<void> {
    const { link } = this.#layout;
    const temporary = this.#temporaryLink();
    rmSync(temporary, { force: true });
    symlinkSync(relative(dirname(link), this.directory(hash)), temporary);
    const found = statOf(link);
    if (found && !found.isSymbolicLink()) {
      const other = this.occupant();
      if (other === undefined) throw this.#foreign(found);
      await this.#exchange(temporary, link);
      this.#keep(temporary, other);
    } else renameSync(temporary, link);
  }

  async #publishDirectory(hash: string): Promise<void> {
    const { link } = this.#layout;
    const found = statOf(link);
    const path = this.directory(hash);
    if (!found) return renameSync(path, link);
    const other = this.occupant();
    if (!found.isSymbolicLink() && other === undefined) throw this.#foreign(found);
    if (this.#is(link, hash)) return undefined;
    try {
      await this.#exchange(path, link);
    } catch (error) {
      throw new SyncError('link', `${link} could not be exchanged: ${(error as Error).message}`, { cause: error });
    }
    // Now the former one is at our path, under our name.
    if (other === undefined) rmSync(path);
    else this.#keep(path, other);
    return undefined;
  }

  /** Give a version that was live its place, unless it has been made anew there. */
  #keep(path: string, hash: string): void {
    const place = this.directory(hash);
    renameSync(path, statOf(place) ? gone(place) : place);
  }

  #target(): string {
    return resolve(dirname(this.#layout.link), readlinkSync(this.#layout.link));
  }

  #temporaryLink(): string {
    return join(dirname(this.#layout.link), `.${basename(this.#layout.link)}.publishing`);
  }

  #is(path: string, hash: string): boolean {
    const found = isHash(hash) ? statOf(path) : undefined;
    return found?.isDirectory() === true && this.#records.read(hash)?.inode === found.ino;
  }

  /** The version itself, or what it was before it was made anew. */
  #isOrWas(path: string, hash: string): boolean {
    const found = isHash(hash) ? statOf(path) : undefined;
    const record = found?.isDirectory() ? this.#records.read(hash) : undefined;
    return record !== undefined && (record.inode === found!.ino || record.former === found!.ino);
  }

  /** The version, which can be trusted, whose directory this is or was. */
  #ofInode(inode: number): string | undefined {
    const hash = this.#records.madeAs(inode);
    const record = hash === undefined ? undefined : this.#records.read(hash);
    return record && record.doubtful !== inode ? hash : undefined;
  }

  #foreign(found: Stats): SyncError {
    const what = found.isDirectory() ? 'a directory' : 'a file';
    return new SyncError('link', `${this.#layout.link} is ${what} that this sidecar did not make`);
  }
}

const statOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });
