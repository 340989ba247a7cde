/**
 * Rotated files that were compressed before any scan saw them plain. Most compressed files hold what was
 * read before, and are left out; one that does not is a tracked file that nobody knew.
 *
 * It must have been written after the last look, since a file that was there then is known, and it must
 * begin like nothing that is known or was. Both are asked, because files are also put back from backups.
 */
import { closeSync, statSync } from 'node:fs';
import type { Logger } from '#kit/telemetry/log.ts';
import { isKnown } from './beginnings.ts';
import { compressionOf, isUnpackable } from '../tracked/compression.ts';
import { readHead, type Head } from '../tracked/content.ts';
import { writtenAt, type Stat } from '../tracked/tracked-file.ts';
import { attempt, isThere } from '../tracked/error-code.ts';
import type { FileTable } from '../table/file-table.ts';
import { byAge, neighbours } from './neighbours.ts';
import { type Candidate, toStat, type OpenFiles } from '../table/open-files.ts';
import { unpackedName, unrotated } from '../rotation/rotated-name.ts';
import { firstGlance, Unpacked } from '../tracked/unpacked.ts';

/** File systems tell times this coarsely, and not by this machine's clock alone, in milliseconds. */
const COARSE = 2000;

/** When a scan began is told in whole milliseconds, and files in parts of them. */
const WHOLE = 1;

/** How long a file is waited for that cannot be read, in milliseconds. */
const PATIENCE = 60_000;

export interface ArchivesOptions {
  readonly table: FileTable;
  readonly files: OpenFiles;
  /** Where there is room to unpack. */
  readonly dir: string;
  readonly log: Pick<Logger, 'info'>;
  /** When an earlier process looked last, in milliseconds since the epoch; now where there was none. */
  readonly scannedAt: number;
  /** There was none. */
  readonly isFirst: boolean;
}

interface Archive extends Candidate {
  readonly home: string;
  readonly head: Head;
}

export class Archives {
  readonly #options: ArchivesOptions;
  /** What is older is known, in milliseconds since the epoch. */
  #since: number;
  /** Files that hold nothing new, by device and inode, with the stamp of their last write. */
  #known = new Map<string, bigint>();
  /** Those that are waited for, since when. */
  #unsure = new Map<string, number>();
  #looked: readonly string[] | undefined;

  constructor(options: ArchivesOptions) {
    this.#options = options;
    this.#since = options.scannedAt + WHOLE;
  }

  /**
   * Take in what is new.
   * @param paths of compressed files; the same array as before when there is nothing new to see
   * @param complete when the scan began that knows all plain files, in milliseconds since the epoch; undefined
   * when it does not know all of them
   * @returns `moved`: names changed meanwhile; `unsure`: what is not complete yet is to be looked at again
   */
  look(paths: readonly string[], complete: number | undefined, now: number): 'moved' | 'unsure' | 'done' {
    if (paths === this.#looked) return 'done';
    const known = new Map<string, bigint>();
    const found: Archive[] = [];
    const unsure = new Map<string, number>();
    let moved = false;
    for (const path of paths) {
      const stats = attempt(
        () => statSync(path, { bigint: true, throwIfNoEntry: false }),
        () => undefined,
      );
      if (stats === undefined) {
        moved = true;
        continue;
      }
      const stat = toStat(stats);
      const stamp = writtenAt(stat);
      const old = this.#known.get(stat.key) === stamp || Number(stamp) / 1e6 <= this.#since;
      const archive = old ? 'known' : this.#open(path, stat, now);
      const since = this.#unsure.get(stat.key) ?? now;
      if (typeof archive === 'object') found.push(archive);
      else if (archive === 'known' || now - since > PATIENCE) {
        known.set(stat.key, stamp);
        // So that the next process knows, too.
        if (!old) this.#options.table.touch();
      } else unsure.set(stat.key, since);
    }
    for (const archive of found.toSorted(byAge)) {
      const content = attempt(
        () => new Unpacked(archive.fd, this.#options.dir, archive.head.at),
        () => undefined,
      );
      if (content === undefined) {
        closeSync(archive.fd);
        unsure.set(archive.stat.key, this.#unsure.get(archive.stat.key) ?? now);
        continue;
      }
      known.set(archive.stat.key, writtenAt(archive.stat));
      this.#welcome(archive, content, now);
    }
    // What was renamed meanwhile is still what it was.
    this.#known = moved ? new Map([...this.#known, ...known]) : known;
    this.#unsure = unsure;
    if (moved) return 'moved';
    if (unsure.size > 0) return 'unsure';
    this.#looked = paths;
    if (complete !== undefined) this.#since = this.#knownSince(complete);
    return 'done';
  }

  /**
   * What was written shortly before a scan is looked at again at the next, but for what an earlier process knew: a
   * file that gave its name to another during the scan is not among those that this process has seen.
   */
  #knownSince(complete: number): number {
    const since = complete - COARSE;
    const { scannedAt, isFirst } = this.#options;
    // Unless the clock was set back since.
    return !isFirst && scannedAt <= complete ? Math.max(since, scannedAt + WHOLE) : since;
  }

  /** Open what may be new; `unsure`: it is to be looked at again. */
  #open(path: string, { key }: Stat, now: number): Archive | 'known' | 'unsure' {
    const { files, table } = this.#options;
    const homes = unrotated(path).filter(({ certain }) => certain);
    const home = homes.find((each) => table.latest(each.path) !== undefined || isThere(each.path)) ?? homes[0];
    if (home === undefined) return 'known';
    // The compressing program removes the plain file, and makes the other one readable, when it is complete.
    if (isThere(unpackedName(path))) return 'unsure';
    const looked = files.look(path);
    if (looked === 'outside') return 'known';
    if (typeof looked === 'string') return 'unsure';
    const { fd, stat } = looked;
    const archive = attempt<Archive | 'known' | 'unsure'>(
      () => this.#judge({ path, fd, stat }, home.path, now),
      () => 'unsure',
    );
    if (typeof archive === 'object' && stat.key === key) return archive;
    closeSync(fd);
    return stat.key === key && typeof archive === 'string' ? archive : 'unsure';
  }

  #judge(candidate: Candidate, home: string, now: number): Archive | 'known' | 'unsure' {
    if (!isUnpackable(compressionOf(readHead(candidate.fd)))) return 'known';
    const head = firstGlance(candidate.fd, this.#options.table.encoding);
    if (head === undefined || head.bytes.length === 0) return 'known';
    const { table, files } = this.#options;
    const known = isKnown(candidate, head, table, files, now);
    if (known !== false) return known === true ? 'known' : 'unsure';
    return { ...candidate, home, head };
  }

  /** Read it after what was written before it, and before what was written after it. */
  #welcome({ path, fd, stat, home, head }: Archive, content: Unpacked, now: number): void {
    const { table, log } = this.#options;
    const { previous, next } = neighbours(table.trackedFiles, { path, stat }, home);
    const tracked = table.create({ path, fd, stat }, home);
    tracked.head = head;
    if (previous) tracked.after = { tracked: previous, offset: Infinity };
    table.unpack(tracked, { path, fd, stat }, content, now);
    if (next !== undefined) table.putBefore(tracked, next, Infinity);
    log.info({ path, tracked: tracked.id }, 'a new file that is compressed already');
  }
}
