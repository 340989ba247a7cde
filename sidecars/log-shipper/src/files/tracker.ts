/**
 * Which files there are, and which generation each holds.
 *
 * A generation is known by device and inode, and its content is compared whenever the file changed: a
 * file that shrank, or has another head or tail than it had, was truncated or made anew, and holds a
 * new generation (see identity.ts for what becomes of the old one). Whatever is new is in the registry,
 * on the disk, before anything of it is read.
 */
import { closeSync, statSync } from 'node:fs';
import type { Logger } from '../../../kit/log.ts';
import type { SavedGeneration } from '../registry/format.ts';
import type { Registry } from '../registry/registry.ts';
import { hasHead, hasTail, isCompressed, readHead, readTail } from './content.ts';
import { Generation, type Stat } from './generation.ts';
import { listFiles, type Glob } from './glob.ts';
import { firstData } from './holes.ts';
import { continuesIn, isCopy, isRotationOf, isShortCopy, type Candidate } from './identity.ts';
import { toStat, type OpenFiles } from './open-files.ts';
import { unrotated } from './rotated-name.ts';

const { hash } = process.getBuiltinModule('node:crypto');

/** How long a file is remembered that is not there, in milliseconds: a volume may come back. */
const REMEMBER = 24 * 3_600_000;

export interface TrackerOptions {
  readonly globs: readonly Glob[];
  /** Names that are left out. */
  readonly exclude: readonly RegExp[];
  readonly files: OpenFiles;
  readonly registry: Pick<Registry, 'found' | 'nextGeneration' | 'write'>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** A file was truncated or replaced; told how many bytes were seen of it and not read. */
  readonly lost: (generation: Generation, bytes: number) => void;
}

interface Seen {
  readonly path: string;
  readonly stat: Stat;
}

export class Tracker {
  readonly #options: TrackerOptions;
  readonly #generations = new Set<Generation>();
  readonly #byKey = new Map<string, Generation>();
  readonly #unsaved = new Set<Generation>();
  /** Inodes that are not logs, by the stamp that they had. */
  readonly #ignored = new Map<string, string>();
  /** Paths that are there and cannot be read, and why. */
  readonly refused = new Map<string, string>();
  /** Why the registry cannot be written, while it cannot. */
  problem: string | undefined;
  #dirty = true;

  constructor(options: TrackerOptions, now: number) {
    this.#options = options;
    this.#restore(options.registry.found, now);
  }

  /** In the order in which they came. */
  get generations(): ReadonlySet<Generation> {
    return this.#generations;
  }

  /** Whether a generation may be read: it is in the registry, and is no copy of another. */
  readable(generation: Generation): boolean {
    return (
      !generation.finished &&
      generation.comparedAt !== '' &&
      generation.copyOf === undefined &&
      generation.key !== '' &&
      !this.#unsaved.has(generation)
    );
  }

  /**
   * Look at all paths.
   * @param now on a monotonic clock, in milliseconds
   */
  scan(now: number): void {
    const seen = this.#look();
    for (const generation of this.#generations) {
      const found = seen.get(generation.key);
      try {
        if (found) this.#meet(generation, found, now);
        else this.#miss(generation, now);
      } catch (error) {
        this.refuse(generation, error);
      }
    }
    const unknown = [...seen].filter(
      ([key, { stat }]) => !this.#byKey.has(key) && stat.size > 0 && this.#ignored.get(key) !== stat.stamp,
    );
    const candidates = unknown.flatMap(([, { path }]) => this.#candidate(path) ?? []);
    try {
      this.#identify(candidates, now);
    } finally {
      for (const { fd } of candidates) closeSync(fd);
    }
    for (const key of this.#ignored.keys()) if (!seen.has(key)) this.#ignored.delete(key);
    this.#forget(now);
    this.save();
  }

  /** A file could not be read just now; the next scan looks at it again. */
  refuse(generation: Generation, error: unknown): void {
    this.#options.files.release(generation);
    generation.unread = false;
    generation.stamp = '';
    this.refused.set(generation.path, codeOf(error));
    this.#options.log.warn({ err: error, path: generation.path }, 'a file cannot be read');
  }

  /** A generation's file does not hold it any more: truncated, or made anew. */
  lose(generation: Generation): void {
    this.#options.files.release(generation);
    this.#byKey.delete(generation.key);
    generation.key = '';
    generation.scan = undefined;
    generation.withheld = false;
    this.#dirty = true;
  }

  /** Nothing more is read of a generation. */
  finish(generation: Generation): void {
    this.#options.files.release(generation);
    generation.finished = true;
    // Whoever waited for it waits for the one that it waited for.
    for (const other of this.#generations) if (other.after?.generation === generation) other.after = generation.after;
    if (generation.inFlight === 0) this.#remove(generation);
  }

  /** Write the registry where something changed that must be in it. */
  save(): void {
    if (!this.#dirty) return;
    try {
      this.#options.registry.write(this.#generations);
      this.#dirty = false;
      this.#unsaved.clear();
      this.problem = undefined;
    } catch (error) {
      this.problem = codeOf(error);
      this.#options.log.error({ err: error }, 'the registry cannot be written: new files wait');
    }
  }

  #restore(saved: readonly SavedGeneration[], now: number): void {
    const byId = new Map<string, Generation>();
    const latest = new Map<string, Generation>();
    for (const { id, home, key, path, head, acked, tail, copyOf } of saved) {
      const generation = new Generation(id, home, key, path);
      generation.head = { at: head[0], bytes: Buffer.from(head[1], 'base64') };
      generation.advance(acked, { at: tail[0], length: tail[1], digest: tail[2] });
      generation.detachedAt = now;
      generation.caughtUpAt = now;
      // A copy whose original is forgotten was read to its end with it.
      generation.copyOf = copyOf === undefined ? undefined : byId.get(copyOf);
      byId.set(id, generation);
      this.#generations.add(generation);
      if (key !== '') this.#byKey.set(key, generation);
      if (generation.copyOf !== undefined) continue;
      // In flight, several may have to be read again: in the order in which they came.
      const before = latest.get(home);
      if (before) generation.after = { generation: before, offset: Infinity };
      latest.set(home, generation);
    }
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
        if (!seen.has(stat.key) || this.#byKey.get(stat.key)?.path === path) seen.set(stat.key, { path, stat });
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
      this.#dirty = true;
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
      this.lose(generation);
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
    else this.lose(generation);
  }

  /** A copy changed: it is still being made, it took its original's place, or it was never one. */
  #meetCopy(copy: Generation, original: Generation, { path, fd, stat }: Candidate): void {
    // Its inode may have been given to another file.
    if (!holds(copy, fd, stat)) {
      this.lose(copy);
      this.#remove(copy);
      return;
    }
    // Its original was just truncated: identify() comes to it.
    if (original.key === '') return;
    const of = this.#options.files.hold(original);
    if (typeof of === 'string') return;
    const { size } = this.#options.files.stat(of);
    if (isCopy({ path, fd, stat }, original, of, size)) this.#completeCopy(copy, fd, stat);
    else {
      this.lose(copy);
      this.#remove(copy);
    }
  }

  #completeCopy(copy: Generation, fd: number, stat: Stat): void {
    copy.head = readHead(fd);
    copy.advance(stat.size, readTail(fd, stat.size));
    Object.assign(copy, { size: stat.size, stamp: stat.stamp, links: stat.links, comparedAt: stat.stamp });
    this.#dirty = true;
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
    if (!this.#byKey.has(stat.key) && stat.size > 0) {
      if (isCompressed(readHead(fd))) this.#ignored.set(stat.key, stat.stamp);
      else if (firstData(fd, 0) !== undefined) return { path, fd, stat };
    }
    closeSync(fd);
    return undefined;
  }

  #identify(candidates: readonly Candidate[], now: number): void {
    const left = new Set(candidates);
    const homeless = [...this.#generations].filter(
      ({ finished, copyOf, detachedAt, key }) =>
        !finished && copyOf === undefined && (key === '' || detachedAt !== undefined),
    );
    for (const generation of homeless) this.#rehome(generation, left, now);
    const rotatedLast = [...left].toSorted((a, b) => rank(a) - rank(b));
    const fresh: Candidate[] = [];
    for (const candidate of rotatedLast) {
      const original = this.#originalOf(candidate, fresh);
      if (original === undefined) {
        fresh.push(candidate);
        continue;
      }
      if (!(original instanceof Generation)) continue;
      const copy = this.#create(candidate, original.home);
      copy.copyOf = original;
      this.#completeCopy(copy, candidate.fd, candidate.stat);
    }
    // The order in which they were written last is the order in which they are read.
    for (const candidate of fresh.toSorted((a, b) => age(a, b))) this.#welcome(candidate, now);
  }

  /** Find the file in which a generation goes on; without one, it ends. */
  #rehome(generation: Generation, left: Set<Candidate>, now: number): void {
    const { files, lost } = this.#options;
    const { fd } = generation;
    const held = fd === undefined ? undefined : files.stat(fd);
    for (const candidate of left) {
      if (held !== undefined && candidate.stat.size < held.size) continue;
      if (!continuesIn(generation, candidate)) continue;
      left.delete(candidate);
      this.#adopt(generation, candidate, now);
      return;
    }
    if (generation.key !== '' && fd !== undefined) return;
    const copies = [...this.#generations].filter(({ copyOf }) => copyOf === generation);
    for (const copy of copies) {
      const looked = files.look(copy.path);
      if (typeof looked === 'string') continue;
      const candidate = { path: copy.path, ...looked };
      const found = looked.stat.key === copy.key && continuesIn(generation, candidate);
      if (found) {
        this.lose(copy);
        this.#remove(copy);
        this.#adopt(generation, candidate, now);
      }
      closeSync(looked.fd);
      if (found) return;
    }
    if (generation.key !== '') return;
    for (const candidate of left) {
      if (!isShortCopy(generation, candidate)) continue;
      left.delete(candidate);
      const copy = this.#create(candidate, generation.home);
      this.#completeCopy(copy, candidate.fd, candidate.stat);
    }
    if (copies.length === 0) lost(generation, Math.max(0, generation.size - generation.offset));
    this.finish(generation);
  }

  #adopt(generation: Generation, { path, stat }: Candidate, now: number): void {
    this.#options.files.release(generation);
    if (this.#byKey.get(generation.key) === generation) this.#byKey.delete(generation.key);
    Object.assign(generation, { key: stat.key, path, size: stat.size, stamp: stat.stamp, links: stat.links });
    Object.assign(generation, { detachedAt: undefined, comparedAt: stat.stamp, unread: true, changedAt: now });
    this.#byKey.set(stat.key, generation);
    this.#dirty = true;
  }

  /** What a file is a copy of: a generation, or a file that is new like itself. */
  #originalOf(candidate: Candidate, fresh: readonly Candidate[]): Generation | Candidate | undefined {
    const { files } = this.#options;
    for (const generation of this.#generations) {
      if (generation.copyOf !== undefined || generation.finished || generation.key === '') continue;
      if (!isRotationOf(candidate.path, generation.home)) continue;
      const of = files.hold(generation);
      if (typeof of === 'number' && isCopy(candidate, generation, of, files.stat(of).size)) return generation;
    }
    // The next scan compares it with what the other file has become by then.
    return fresh.find(({ path, fd, stat }) => isCopy(candidate, new Generation('', path, '', path), fd, stat.size));
  }

  /** A file with something new in it. */
  #welcome(candidate: Candidate, now: number): void {
    const { path, fd, stat } = candidate;
    const before = unrotated(path);
    const home = before !== path && (this.#latest(before) !== undefined || exists(before)) ? before : path;
    const previous = this.#latest(home);
    const generation = this.#create(candidate, home);
    const data = firstData(fd, 0) ?? 0;
    generation.head = readHead(fd, data);
    generation.advance(data, readTail(fd, data, data));
    Object.assign(generation, { size: stat.size, stamp: stat.stamp, links: stat.links, comparedAt: stat.stamp });
    Object.assign(generation, { changedAt: now, caughtUpAt: now });
    if (previous) generation.after = { generation: previous, offset: previous.size };
    this.#options.files.hold(generation);
    this.#options.log.info({ path, generation: generation.id }, 'a new file');
  }

  /** What was written to a home last, as far as it can still be read. */
  #latest(home: string): Generation | undefined {
    return [...this.#generations].findLast(
      (each) => each.home === home && !each.finished && each.key !== '' && each.copyOf === undefined,
    );
  }

  #create({ path, fd, stat }: Candidate, home: string): Generation {
    const { instance, number } = this.#options.registry.nextGeneration();
    const beginning = readHead(fd).bytes.toString('base64');
    const id = hash('sha256', `${instance} ${number} ${stat.key} ${beginning}`, 'base64url').slice(0, 16);
    const generation = new Generation(id, home, stat.key, path);
    this.#generations.add(generation);
    this.#byKey.set(stat.key, generation);
    this.#unsaved.add(generation);
    this.#dirty = true;
    return generation;
  }

  #forget(now: number): void {
    for (const generation of this.#generations) {
      const { detachedAt, inFlight, finished, fd } = generation;
      const old = detachedAt !== undefined && fd === undefined && now - detachedAt > REMEMBER;
      if (inFlight === 0 && (finished || old)) this.#remove(generation);
    }
  }

  #remove(generation: Generation): void {
    this.#options.files.release(generation);
    this.#generations.delete(generation);
    this.#unsaved.delete(generation);
    if (this.#byKey.get(generation.key) === generation) this.#byKey.delete(generation.key);
    for (const other of this.#generations) {
      if (other.after?.generation === generation) other.after = generation.after;
      if (other.copyOf === generation) other.copyOf = undefined;
    }
    this.#dirty = true;
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

/** Names without a mark of rotation first: a copy is told by its original. */
function rank({ path }: Candidate): number {
  return unrotated(path) === path ? 0 : 1;
}

/** What was written last comes last; where the clock is too coarse, what was rotated away first comes first. */
function age(a: Candidate, b: Candidate): number {
  const [first, second] = [a, b].map(({ stat }) => BigInt(stat.stamp.split(':')[0]!)) as [bigint, bigint];
  if (first !== second) return first < second ? -1 : 1;
  return rank(b) - rank(a) || b.path.localeCompare(a.path, 'en', { numeric: true });
}

/** What the system says about a failed call; other errors are ours. */
function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return code;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
