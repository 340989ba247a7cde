/**
 * Which files there are, and which tracked file each holds.
 *
 * A tracked file is known by device and inode, and its content is compared whenever the file changed: a
 * file that shrank, or has another head or tail than it had, was truncated or made anew, and holds a
 * new tracked file (see rotation/match.ts for what becomes of the old one). Whatever is new is in the registry,
 * on the disk, before anything of it is read.
 */
import { closeSync } from 'node:fs';
import type { Logger } from '#kit/telemetry/log.ts';
import { Archives, type ArchivesOptions } from './archives.ts';
import { UNSURE } from './beginnings.ts';
import { compressionOf } from '../tracked/compression.ts';
import { holds, isCopyOf, readHead, type Head } from '../tracked/content.ts';
import { attempt, codeOf } from '../tracked/error-code.ts';
import type { TrackedFile, Stat } from '../tracked/tracked-file.ts';
import type { Glob, NameMatcher } from '../../pipelines/glob.ts';
import { RotationMatcher, type RotationMatcherOptions } from './matcher.ts';
import { Listing } from '../watch/listing.ts';
import { found, missed } from '../tracked/state.ts';
import { isReused, match } from '../rotation/match.ts';
import { factsOf, isCopy } from '../watch/facts.ts';
import type { Candidate } from '../table/open-files.ts';

export interface TrackerOptions extends Omit<RotationMatcherOptions, 'refused' | 'mayBeAt'>, ArchivesOptions {
  readonly globs: readonly Glob[];
  /** Names that are left out. */
  readonly exclude: readonly NameMatcher[];
  /** Files that have not changed for longer are not begun with, in milliseconds. */
  readonly ignoreOlder?: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** In milliseconds since the epoch; a test's seam. */
  readonly wallClock?: () => number;
}

/** How long a path is waited for that cannot be read, in milliseconds: what it holds may be compressed meanwhile. */
const PATIENCE = 60_000;

/** How often a list of files is made anew that was out of date. */
const ATTEMPTS = 5;

/**
 * What became of a scan. `moved`: the list of files was out of date before all of them were open, and nothing
 * new was taken in, since what is missing may be what comes first. `incomplete`: what was found was taken in,
 * and there is more.
 */
type Scanned = 'moved' | 'incomplete' | 'complete';

interface Seen {
  readonly path: string;
  readonly stat: Stat;
}

export class Tracker {
  readonly #options: TrackerOptions;
  readonly #matcher: RotationMatcher;
  readonly #archives: Archives;
  readonly #listing: Listing;
  readonly #wallClock: () => number;
  /**
   * The last scan that saw all, by what it was told: a file may have given its name to another between the listing
   * and the look, and is seen by the next one. So what was there before it is known when that has seen all, too.
   */
  #before: { readonly started: number; readonly finished: readonly TrackedFile[] } | undefined;
  /** The registry was written at the last scan, with when the one before it began. */
  #changed = false;
  /** Inodes that are not logs, by the stamp that they had. */
  readonly #ignored = new Map<string, string>();
  /** When the first scan of this process began. */
  #first: number | undefined;
  /** Since when each path is refused. */
  #refusedSince = new Map<string, number>();
  /** Paths that are there and cannot be read, and why. */
  readonly refused = new Map<string, string>();

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#listing = new Listing(options.globs, options.exclude);
    this.#matcher = new RotationMatcher({
      ...options,
      directories: () => this.#listing.directories,
      refused: this.refused,
      mayBeAt: (path, now) => this.#mayBeAt(path, now),
    });
    this.#archives = new Archives(options);
    this.#wallClock = options.wallClock ?? (() => Date.now());
  }

  /**
   * Look at all paths.
   * @param now on a monotonic clock, in milliseconds
   */
  scan(now: number): void {
    const started = this.#wallClock();
    const { table, lost } = this.#options;
    const finished = table.finished;
    let result: Scanned;
    let tries = 0;
    do result = this.#tryScan(now, started, ++tries === ATTEMPTS);
    while (result === 'moved');
    // What was missed may be compressed by the next scan: until then nothing older is assumed to be known.
    const before = result === 'complete' ? this.#before : undefined;
    for (const tracked of table.forget(now, before?.finished ?? finished, before !== undefined))
      lost(tracked, tracked.reaches(0), 'deleted');
    const { changed } = table;
    // What a scan found to be known already is known to the next process by when that scan began.
    if (before !== undefined && this.#changed) table.touch();
    table.save(before?.started);
    this.#changed = changed || (this.#changed && before === undefined);
    if (result === 'complete') this.#before = { started, finished };
  }

  /** What the disk refuses and was not foreseen ends this scan, and not the process. */
  #tryScan(now: number, started: number, whatever: boolean): Scanned {
    return attempt<Scanned>(
      () => this.#scanOnce(now, started, whatever),
      (code) => {
        this.#options.log.warn({ code }, 'a scan of the files was cut short');
        return 'incomplete';
      },
    );
  }

  /** @param whatever take in what was found although names changed meanwhile */
  #scanOnce(now: number, started: number, whatever: boolean): Scanned {
    const seen = this.#look(now);
    let moved = false;
    for (const tracked of this.#options.table.trackedFiles) {
      if (tracked.packed !== undefined) continue;
      const found = seen.get(tracked.key);
      try {
        if (found) moved = !this.#meet(tracked, found, now) || moved;
        else this.#miss(tracked, now);
      } catch (error) {
        this.refuse(tracked, error);
      }
    }
    if (moved) this.#listing.renew();
    if (moved && !whatever) return 'moved';
    const unknown: Seen[] = [];
    for (const found of seen.values()) if (this.#isUnknown(found)) unknown.push(found);
    const candidates: Candidate[] = [];
    try {
      for (const { path, stat } of unknown) {
        const candidate = this.#candidate(path, stat.key);
        if (candidate === 'moved') {
          this.#listing.renew();
          if (!whatever) return 'moved';
          moved = true;
        } else if (candidate !== undefined) candidates.push(candidate);
      }
      if (!this.#matcher.identify(candidates, now)) moved = true;
    } finally {
      for (const { fd } of candidates) closeSync(fd);
    }
    this.#matcher.atEnd = false;
    // What was listed and is empty or gone by now may have been rotated and compressed meanwhile.
    const again = unknown.some(({ path }) => !this.refused.has(path));
    // What was there before the first process is not read.
    this.#first ??= started;
    const since = this.#before?.started ?? (this.#options.isFirst ? this.#first : undefined);
    const complete = !moved && !this.#isWaiting(now);
    const unpacked = this.#unpack(again, complete ? since : undefined, now);
    for (const key of this.#ignored.keys()) if (!seen.has(key)) this.#ignored.delete(key);
    return unpacked && complete ? 'complete' : 'incomplete';
  }

  /** Whether a path, or a directory on the way to it, was refused lately. */
  #mayBeAt(path: string, now: number): boolean {
    for (const each of this.refused.keys())
      if (path === each || path.startsWith(`${each}/`)) return now - (this.#refusedSince.get(each) ?? now) < UNSURE;
    return false;
  }

  /** Whether something was refused that is still waited for. */
  #isWaiting(now: number): boolean {
    this.#refusedSince = new Map(
      [...this.refused]
        .filter(([, code]) => code !== 'outside')
        .map(([path]) => [path, this.#refusedSince.get(path) ?? now]),
    );
    return [...this.#refusedSince.values()].some((since) => now - since < PATIENCE);
  }

  /**
   * Look for what was compressed before it was seen: after something new, also for what happened meanwhile.
   * @param complete since when all plain files are known; undefined when some are not
   * @returns whether all compressed files are known, too
   */
  #unpack(again: boolean, complete: number | undefined, now: number): boolean {
    if (again) this.#listing.list();
    let result = this.#archives.look(this.#listing.packed, complete, now);
    for (let attempt = 1; result === 'moved' && attempt < ATTEMPTS; attempt++) {
      this.#listing.list();
      result = this.#archives.look(this.#listing.packed, complete, now);
    }
    if (result !== 'done') this.#listing.renew();
    return result === 'done';
  }

  /** A file could not be read just now; the next scan looks at it again. */
  refuse(tracked: TrackedFile, error: unknown): void {
    // Nothing else leads to what was deleted.
    if (tracked.detachedAt === undefined) this.#options.files.release(tracked);
    this.#listing.renew();
    this.#options.table.lookAgain(tracked);
    this.refused.set(tracked.path, codeOf(error));
    this.#options.log.warn({ err: error, path: tracked.path }, 'a file cannot be read');
  }

  #look(now: number): Map<string, Seen> {
    const seen = new Map<string, Seen>();
    this.refused.clear();
    for (const found of this.#listing.look(now, (each, code) => this.refused.set(each, code)).values()) {
      const { path, stat } = found;
      // Of several names for one file, the one that it is known by.
      if (!seen.has(stat.key) || this.#options.table.at(stat.key)?.path === path) seen.set(stat.key, found);
    }
    return seen;
  }

  #isUnknown({ stat }: Seen): boolean {
    return (
      this.#options.table.at(stat.key) === undefined &&
      stat.size > 0 &&
      this.#ignored.get(stat.key) !== stat.stamp &&
      !this.#isOld(stat)
    );
  }

  #isOld({ stamp }: Stat): boolean {
    const { ignoreOlder = 0 } = this.#options;
    return ignoreOlder > 0 && this.#wallClock() - Number(stamp.slice(0, stamp.indexOf(':'))) / 1e6 > ignoreOlder;
  }

  /**
   * A known inode is still there. Is its content?
   * @returns false when its name leads elsewhere by now
   */
  #meet(tracked: TrackedFile, { path, stat }: Seen, now: number): boolean {
    if (tracked.state.is === 'detached' && isReused(factsOf(tracked, { path, fd: -1, stat }))) {
      this.#options.table.lose(tracked);
      return true;
    }
    found(tracked);
    const before = tracked.path;
    if (before !== path) {
      tracked.path = path;
      // By its new name it was not looked at yet.
      tracked.stamp = '';
      this.#options.table.touch();
    }
    if (tracked.stamp === stat.stamp && tracked.comparedAt === stat.stamp) return true;
    const { files } = this.#options;
    const fd = files.hold(tracked);
    if (typeof fd === 'string') {
      if (fd !== 'gone') this.refused.set(path, fd);
      // It was not seen under the new name: it may have had more to read by then.
      else tracked.path = before;
      return fd !== 'gone';
    }
    // Asked anew: of many files, the list may tell what one was like some scans ago.
    const current = files.stat(fd);
    if (tracked.copyOf === undefined) this.#compare(tracked, fd, current, now);
    else this.#meetCopy(tracked, tracked.copyOf, { path, fd, stat: current });
    return true;
  }

  /** No path leads to a tracked file. Does the file that is held open still have it? */
  #miss(tracked: TrackedFile, now: number): void {
    if (!this.#mayBeAt(tracked.path, now)) missed(tracked, now);
    const { fd, comparedAt } = tracked;
    if (fd === undefined) return;
    const stat = this.#options.files.stat(fd);
    if (stat.stamp !== comparedAt || tracked.stamp === '') this.#compare(tracked, fd, stat, now);
  }

  /** A file changed. Does it still have what was read of a tracked file, and more to read? */
  #compare(tracked: TrackedFile, fd: number, stat: Stat, now: number): void {
    const { table, lost } = this.#options;
    if (match(factsOf(tracked, { path: tracked.path, fd, stat })) !== 'same') {
      // An earlier process may have read, and sent, what was not copied. What it knew to come next is another matter.
      const isLast = ![...table.trackedFiles].some(({ after }) => after?.tracked === tracked);
      if (tracked.comparedAt === '' && isLast) tracked.severed = true;
      return table.lose(tracked);
    }
    table.lookAtHead(tracked, fd);
    const { size, stamp, links } = stat;
    if (tracked.stamp !== stamp) Object.assign(tracked, { changedAt: now, unread: true });
    Object.assign(tracked, { size, stamp, links, comparedAt: stamp });
    tracked.readBefore ??= size;
    // Behind what was read it may have been cut off.
    lost(tracked, tracked.reaches(size));
  }

  /** A copy changed: it is still being made, it took its original's place, or it was never one. */
  #meetCopy(copy: TrackedFile, original: TrackedFile, { path, fd, stat }: Candidate): void {
    const { table } = this.#options;
    // Its inode may have been given to another file.
    if (!holds(copy, fd, stat.size)) {
      table.forgetCopy(copy.key);
      return;
    }
    if (!table.trackedFiles.has(original)) return table.releaseCopy(copy);
    // Its original was just truncated: identify() comes to it.
    if (original.key === '') return;
    const of = this.#options.files.hold(original);
    if (typeof of === 'string') {
      // By its first bytes it was taken for one while it was written, and its original was closed since.
      if (of === 'gone' && !isCopyOf(original, fd, stat.size)) table.forgetCopy(copy.key);
      return;
    }
    const { size } = this.#options.files.stat(of);
    if (isCopy({ path, fd, stat }, original.home, of, size)) table.completeCopy(copy, fd, stat);
    // Looked at again, after the comparison: its original may have been truncated just now.
    else if (!holds(original, of, this.#options.files.stat(of).size)) table.lose(original);
    else table.forgetCopy(copy.key);
  }

  /** Open a file that is not known; what is no log is left. `moved`: its name leads elsewhere by now. */
  #candidate(path: string, key: string): Candidate | 'moved' | undefined {
    const looked = this.#options.files.look(path);
    if (typeof looked === 'string') {
      if (looked === 'gone') return 'moved';
      this.refused.set(path, looked);
      return undefined;
    }
    const { fd, stat } = looked;
    // Truncated since it was listed, what it held is under another name.
    const same = stat.key === key && stat.size > 0;
    const kind = attempt<Head | 'other' | 'unread'>(
      () => (same && compressionOf(readHead(fd)) === undefined ? this.#options.table.headOf(fd) : 'other'),
      (code) => {
        this.refused.set(path, code);
        return 'unread';
      },
    );
    if (typeof kind === 'object') return { path, fd, stat, head: kind };
    closeSync(fd);
    if (kind === 'unread') return undefined;
    if (!same) return 'moved';
    this.#ignored.set(stat.key, stat.stamp);
    return undefined;
  }
}
