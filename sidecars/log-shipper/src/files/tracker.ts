/**
 * Which files there are, and which generation each holds.
 *
 * A generation is known by device and inode, and its content is compared whenever the file changed: a
 * file that shrank, or has another head or tail than it had, was truncated or made anew, and holds a
 * new generation (see identity.ts for what becomes of the old one). Whatever is new is in the registry,
 * on the disk, before anything of it is read.
 */
import { closeSync, statSync } from 'node:fs';
import type { Logger } from '#kit/log.ts';
import { hasHead, hasTail, isCompressed, readHead } from './content.ts';
import { codeOf } from './error-code.ts';
import type { Generation, Stat } from './generation.ts';
import { listFiles, type Glob, type NameMatcher } from './glob.ts';
import { firstData } from './holes.ts';
import { Identifier, type IdentifierOptions } from './identifier.ts';
import { isCopy, type Candidate } from './identity.ts';
import { toStat } from './open-files.ts';

export interface TrackerOptions extends IdentifierOptions {
  readonly globs: readonly Glob[];
  /** Names that are left out. */
  readonly exclude: readonly NameMatcher[];
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

interface Seen {
  readonly path: string;
  readonly stat: Stat;
}

export class Tracker {
  readonly #options: TrackerOptions;
  readonly #identifier: Identifier;
  /** Inodes that are not logs, by the stamp that they had. */
  readonly #ignored = new Map<string, string>();
  /** Paths that are there and cannot be read, and why. */
  readonly refused = new Map<string, string>();

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#identifier = new Identifier(options);
  }

  /**
   * Look at all paths.
   * @param now on a monotonic clock, in milliseconds
   */
  scan(now: number): void {
    const seen = this.#look();
    for (const generation of this.#options.ledger.generations) {
      const found = seen.get(generation.key);
      try {
        if (found) this.#meet(generation, found, now);
        else this.#miss(generation, now);
      } catch (error) {
        this.refuse(generation, error);
      }
    }
    const unknown = [...seen].filter(
      ([key, { stat }]) =>
        this.#options.ledger.at(key) === undefined && stat.size > 0 && this.#ignored.get(key) !== stat.stamp,
    );
    const candidates = unknown.flatMap(([, { path }]) => this.#candidate(path) ?? []);
    try {
      this.#identifier.identify(candidates, now);
    } finally {
      for (const { fd } of candidates) closeSync(fd);
    }
    for (const key of this.#ignored.keys()) if (!seen.has(key)) this.#ignored.delete(key);
    this.#options.ledger.forget(now);
    this.#options.ledger.save();
  }

  /** A file could not be read just now; the next scan looks at it again. */
  refuse(generation: Generation, error: unknown): void {
    this.#options.files.release(generation);
    generation.unread = false;
    generation.stamp = '';
    this.refused.set(generation.path, codeOf(error));
    this.#options.log.warn({ err: error, path: generation.path }, 'a file cannot be read');
  }

  #look(): Map<string, Seen> {
    const { globs, exclude } = this.#options;
    const seen = new Map<string, Seen>();
    this.refused.clear();
    for (const path of listFiles(globs, exclude, (directory, code) => this.refused.set(directory, code))) {
      try {
        const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
        if (!stats?.isFile()) continue;
        const stat = toStat(stats);
        // Of several names for one file, the one that it is known by.
        if (!seen.has(stat.key) || this.#options.ledger.at(stat.key)?.path === path) seen.set(stat.key, { path, stat });
      } catch (error) {
        const code = codeOf(error);
        if (code !== 'ENOTDIR') this.refused.set(path, code);
      }
    }
    return seen;
  }

  /** A known inode is still there. Is its content? */
  #meet(generation: Generation, { path, stat }: Seen, now: number): void {
    generation.detachedAt = undefined;
    if (generation.path !== path) {
      generation.path = path;
      this.#options.ledger.touch();
    }
    if (generation.stamp === stat.stamp && generation.comparedAt === stat.stamp) return;
    const { files } = this.#options;
    const fd = files.hold(generation);
    if (typeof fd === 'string') {
      if (fd !== 'gone') this.refused.set(path, fd);
      return;
    }
    if (generation.copyOf !== undefined) {
      this.#meetCopy(generation, generation.copyOf, { path, fd, stat });
      return;
    }
    if (!holds(generation, fd, stat)) {
      this.#options.ledger.lose(generation);
      return;
    }
    note(generation, stat, now);
  }

  /** No path leads to a generation. Does the file that is held open still have it? */
  #miss(generation: Generation, now: number): void {
    generation.detachedAt ??= now;
    const { fd, comparedAt } = generation;
    if (fd === undefined) return;
    const stat = this.#options.files.stat(fd);
    if (stat.stamp === comparedAt) return;
    if (holds(generation, fd, stat)) note(generation, stat, now);
    else this.#options.ledger.lose(generation);
  }

  /** A copy changed: it is still being made, it took its original's place, or it was never one. */
  #meetCopy(copy: Generation, original: Generation, { path, fd, stat }: Candidate): void {
    // Its inode may have been given to another file.
    if (!holds(copy, fd, stat)) {
      this.#options.ledger.lose(copy);
      this.#options.ledger.remove(copy);
      return;
    }
    // Its original was just truncated: identify() comes to it.
    if (original.key === '') return;
    const of = this.#options.files.hold(original);
    if (typeof of === 'string') return;
    const { size } = this.#options.files.stat(of);
    if (isCopy({ path, fd, stat }, original, of, size)) this.#options.ledger.completeCopy(copy, fd, stat);
    else {
      this.#options.ledger.lose(copy);
      this.#options.ledger.remove(copy);
    }
  }

  /** Open a file that is not known; what is no log is left. */
  #candidate(path: string): Candidate | undefined {
    const looked = this.#options.files.look(path);
    if (typeof looked === 'string') {
      if (looked !== 'gone') this.refused.set(path, looked);
      return undefined;
    }
    const { fd, stat } = looked;
    // Between the listing and now it may have been renamed over, or emptied.
    if (this.#options.ledger.at(stat.key) === undefined && stat.size > 0) {
      if (isCompressed(readHead(fd))) this.#ignored.set(stat.key, stat.stamp);
      else if (firstData(fd, 0) !== undefined) return { path, fd, stat };
    }
    closeSync(fd);
    return undefined;
  }
}

/** Whether a file still has what was read of it. */
function holds({ offset, head, tail }: Generation, fd: number, { size }: Stat): boolean {
  return size >= offset && hasHead(fd, head) && hasTail(fd, tail);
}

/** A file changed, and may have more to read. */
function note(generation: Generation, { size, stamp, links }: Stat, now: number): void {
  if (generation.stamp !== stamp) Object.assign(generation, { changedAt: now, unread: true });
  Object.assign(generation, { size, stamp, links, comparedAt: stamp });
}
