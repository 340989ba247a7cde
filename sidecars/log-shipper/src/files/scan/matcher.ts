/** Files that were not known: each goes on with a tracked file, is a copy of one, or begins one. */
import { closeSync } from 'node:fs';
import type { Logger } from '#kit/telemetry/log.ts';
import { Chunk, type Encoding } from '../../lines/chunk.ts';
import { UNSURE } from './beginnings.ts';
import { hasHead, holds, readAt, readTail } from '../tracked/content.ts';
import { encodingOf } from '../tracked/encoding.ts';
import { attempt, isThere } from '../tracked/error-code.ts';
import { TrackedFile } from '../tracked/tracked-file.ts';
import type { FileTable } from '../table/file-table.ts';
import { byAge, neighbours, rank } from './neighbours.ts';
import type { Candidate, OpenFiles } from '../table/open-files.ts';
import { homeOf, isCompressed, rotationOf, unpackedName } from '../rotation/rotated-name.ts';
import { match, mayBe } from '../rotation/match.ts';
import { goOnIn, search, type SearchOptions } from './search.ts';
import { isSearched, lookedFor, setSought, suspected } from '../tracked/state.ts';
import { factsOf, isCopy } from '../watch/facts.ts';

export interface RotationMatcherOptions extends SearchOptions {
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** What is there at the first scan is read from its end. */
  readonly startAtEnd?: boolean;
  /** Paths that are there and could not be read at this scan, and the system's code. */
  readonly refused: Map<string, string>;
  /** Whether a path could not be looked at just now: a file that was there may be there still. */
  readonly mayBeAt: (path: string, now: number) => boolean;
}

/**
 * How long a file may be taken for a copy whose name does not say so surely: copytruncate truncates the
 * original as soon as the copy is complete. In milliseconds, and more for what takes long to copy.
 */
const GRACE = 10_000;
const COPY_BYTES_PER_MS = 10_000;

/** How long a line is at most that is completed after the start at the end, in bytes. */
const LAST_LINE = 64 * 1024;

export class RotationMatcher {
  readonly #options: RotationMatcherOptions;
  readonly #table: FileTable;
  readonly #files: OpenFiles;
  /** New files are read from their end. */
  atEnd: boolean;
  /** Files that were taken for copies, and are not. */
  readonly #own = new Set<string>();
  /** Files that may be copies of what cannot be looked at just now, since when. */
  #unsure = new Map<string, number>();
  #lossesSeen = -1;

  constructor(options: RotationMatcherOptions) {
    this.#options = options;
    this.#table = options.table;
    this.#files = options.files;
    this.atEnd = options.startAtEnd ?? false;
  }

  /**
   * Say of each file what it holds.
   * @param candidates open, and closed by the caller
   * @returns false when one of them was truncated meanwhile, before anything of it was known
   */
  identify(candidates: readonly Candidate[], now: number): boolean {
    const left = new Set(candidates);
    const sought = new Set<TrackedFile>();
    this.#lossesSeen = -1;
    this.#rehomeAll(sought, left, now);
    const fresh: Candidate[] = [];
    const unsure = new Map<string, number>();
    let complete = true;
    for (const candidate of [...left].toSorted((a, b) => rank(a) - rank(b))) {
      let original = this.#tried(candidate, () => this.#originalOf(candidate, fresh), 'unread' as const);
      this.#rehomeAll(sought, left, now);
      // While the others were looked at, it may have been found to be where one of them goes on.
      if (!left.has(candidate) || this.#tried(candidate, () => this.#isBeingPacked(candidate, now), true)) continue;
      if (original === undefined && this.#isBesideUnread(candidate)) original = 'unsure';
      const since = this.#unsure.get(candidate.stat.key) ?? now;
      if (original === 'unsure' && now - since < UNSURE) unsure.set(candidate.stat.key, since);
      else if (original === 'unread') complete = false;
      else if (original === undefined || original === 'unsure') fresh.push(candidate);
      if (!(original instanceof TrackedFile)) continue;
      this.#tried(candidate, () => this.#table.addCopy(original, candidate), undefined);
    }
    // The order in which they were written last is the order in which they are read.
    this.#unsure = unsure;
    complete &&= unsure.size === 0;
    for (const candidate of fresh.filter((each) => left.has(each)).toSorted(byAge))
      complete = this.#tried(candidate, () => this.#welcome(candidate, now), false) && complete;
    this.#release(now);
    return complete;
  }

  /** What is read from a compressed file goes on in the plain one that is still beside it: that is all there. */
  #isBeingPacked(candidate: Candidate, now: number): boolean {
    const tracked = [...this.#table.trackedFiles].find(
      ({ packed, path }) => packed !== undefined && isCompressed(path) && unpackedName(path) === candidate.path,
    );
    if (tracked === undefined || match(factsOf(tracked, candidate)) !== 'moved') return false;
    this.#table.lose(tracked);
    goOnIn(tracked, candidate, this.#options, now);
    return true;
  }

  /** Whether it may be a copy of what could not be read just now. */
  #isBesideUnread({ path }: Candidate): boolean {
    return [...this.#options.refused.keys()].some((each) => each !== path && rotationOf(path, each) !== undefined);
  }

  /** Do something with a file; one that fails is refused. */
  #tried<T, U>({ path }: Pick<Candidate, 'path'>, act: () => T, otherwise: U): T | U {
    return attempt<T | U>(act, (code) => {
      this.#options.refused.set(path, code);
      return otherwise;
    });
  }

  /** Whether a file still has what was read of it; undefined where it cannot be opened. */
  stillHolds(tracked: TrackedFile): boolean | undefined {
    const fd = this.#files.hold(tracked);
    if (typeof fd === 'string') return undefined;
    return this.#tried(tracked, () => holds(tracked, fd, this.#files.stat(fd).size), undefined);
  }

  /**
   * Find the files of all that have none, also of those that are seen to have lost theirs meanwhile: what
   * is left is not new before.
   * @param sought those that were looked for
   */
  #rehomeAll(sought: Set<TrackedFile>, left: Set<Candidate>, now: number): void {
    while (this.#lossesSeen !== this.#table.losses) {
      this.#lossesSeen = this.#table.losses;
      const homeless = [...this.#table.trackedFiles].filter(
        ({ state, path }) => isSearched(state) && (state.is === 'displaced' || !this.#options.mayBeAt(path, now)),
      );
      const fresh = homeless.filter((each) => !sought.has(each));
      if (fresh.length === 0) return;
      for (const tracked of fresh) {
        sought.add(tracked);
        const truncated = tracked.state.is === 'displaced';
        // What cannot be read just now is looked for again at the next scan.
        this.#tried(tracked, () => this.#rehome(tracked, left, now), undefined);
        if (truncated) this.#tried(tracked, () => this.#claim(tracked, left), undefined);
      }
      // What a search of its own has found is not new.
      for (const each of left) if (this.#table.at(each.stat.key) !== undefined) left.delete(each);
    }
  }

  /** Find the file in which a tracked file goes on; without one, it ends. */
  #rehome(tracked: TrackedFile, left: Set<Candidate>, now: number): void {
    const { fd } = tracked;
    const held = fd === undefined ? undefined : this.#files.stat(fd).size;
    const opened = this.#openCopies(tracked);
    try {
      // Asked anew: it may have been opened while it was made, and is complete since its original is truncated.
      const [best] = [...left, ...opened]
        .filter((each) => mayBe(factsOf(tracked, each)))
        .map((opening) => ({ opening, candidate: { ...opening, stat: this.#files.stat(opening.fd) } }))
        .filter(({ candidate }) => candidate.stat.size >= (held ?? 0) && match(factsOf(tracked, candidate)) === 'moved')
        .toSorted((a, b) => b.candidate.stat.size - a.candidate.stat.size);
      if (best !== undefined) {
        left.delete(best.opening);
        goOnIn(tracked, best.candidate, this.#options, now);
        return;
      }
    } finally {
      for (const each of opened) closeSync(each.fd);
    }
    // It is read from the descriptor, whatever became of its name.
    if (tracked.state.is === 'detached' && fd !== undefined) return;
    // Noted first: what comes after it waits for it also when there is no room to unpack it just now.
    const since = lookedFor(tracked, now);
    const found = search(tracked, this.#options, now);
    if (found === 'found' || (found === 'unsure' && now - since < UNSURE)) return;
    setSought(tracked, true);
    if (tracked.state.is !== 'displaced') return;
    // What is known of it is all that can be had of it: the rest was truncated away.
    this.#options.lost(tracked, tracked.reaches(0));
    this.#table.finish(tracked);
  }

  /** Copies that were made before the last of a tracked file was written, and read in the original. */
  #claim(tracked: TrackedFile, left: Set<Candidate>): void {
    for (const candidate of left) {
      if (match(factsOf(tracked, candidate)) !== 'short') continue;
      left.delete(candidate);
      // The search may have found it, too.
      if (this.#table.at(candidate.stat.key) !== undefined) continue;
      this.#table.addCopy(tracked, candidate);
    }
    // The next process may have to read them: their last event goes on nowhere else.
    for (const { fd, stat } of this.#openCopies(tracked)) {
      if (stat.size < tracked.offset) tracked.endAt(stat.size);
      closeSync(fd);
    }
  }

  /** The copies that are known of a tracked file, opened. */
  #openCopies(tracked: TrackedFile): Candidate[] {
    return [...this.#table.trackedFiles].flatMap((copy) => {
      if (copy.copyOf !== tracked) return [];
      const looked = this.#files.look(copy.path);
      if (typeof looked === 'string') return [];
      if (looked.stat.key === copy.key) return [{ path: copy.path, ...looked }];
      closeSync(looked.fd);
      return [];
    });
  }

  /**
   * What a file is a copy of: a tracked file, or a file that is new like itself. An original that is seen to
   * have been truncated meanwhile loses its file, and may go on in this one. `unsure`: its name leads elsewhere by now,
   * and the next scan finds it.
   */
  #originalOf(candidate: Candidate, fresh: readonly Candidate[]): TrackedFile | Candidate | 'unsure' | undefined {
    if (this.#own.has(candidate.stat.key)) return undefined;
    for (const tracked of this.#table.trackedFiles) {
      if (tracked.copyOf !== undefined || tracked.finished || tracked.key === '') continue;
      if (rotationOf(candidate.path, tracked.home) === undefined) continue;
      const of = this.#files.hold(tracked);
      const later = of === 'unreadable' || (of === 'gone' && tracked.detachedAt === undefined);
      if (later && ['moved', 'short'].includes(match(factsOf(tracked, candidate)))) return 'unsure';
      if (typeof of !== 'number') continue;
      if (isCopy(candidate, tracked.home, of, this.#files.stat(of).size)) return tracked;
      // What is no copy of the file as it is now may be one of what it was until just now.
      if (!holds(tracked, of, this.#files.stat(of).size)) this.#table.lose(tracked);
    }
    // The next scan compares it with what the other file has become by then.
    // By its name first: of thousands of new files each would be asked for its size as often as there are files.
    return fresh.find(
      ({ path, fd }) =>
        rotationOf(candidate.path, path) !== undefined && isCopy(candidate, path, fd, this.#files.stat(fd).size),
    );
  }

  /** A file with something new in it. @returns false when it was truncated meanwhile */
  #welcome(candidate: Candidate, now: number): boolean {
    const { path, fd, stat } = candidate;
    const head = this.#table.headOf(fd);
    const place = this.atEnd ? lastLine(fd, stat.size, encodingOf(this.#table.encoding, head)) : head.at;
    const tail = readTail(fd, place, head.at);
    const current = this.#files.stat(fd);
    const same = hasHead(fd, head) && hasHead(fd, candidate.head ?? head);
    // It was truncated since it was opened: what it held is somewhere else, and comes first.
    if (current.size < stat.size || !same) return false;
    // Deleted since it was opened: it was compressed meanwhile, and the next scan finds that.
    if (current.links === 0) return false;
    const home = homeOf(path, (each) => this.#table.latest(each) !== undefined || isThere(each));
    const found = path === home ? undefined : neighbours(this.#table.trackedFiles, candidate, home);
    const previous = found?.next === undefined ? this.#table.latest(home) : found.previous;
    const tracked = this.#table.create(candidate, home);
    tracked.head = head;
    tracked.advance(place, tail);
    const { size, stamp, links } = current;
    Object.assign(tracked, { size, stamp, links, comparedAt: stamp, seen: size, changedAt: now });
    // How much a compressed file holds is not known before it is unpacked.
    if (previous) tracked.after = { tracked: previous, offset: previous.key === '' ? Infinity : previous.size };
    // Names moved while it was looked for: what came after it was found first.
    if (found?.next !== undefined) this.#table.putBefore(tracked, found.next, size);
    this.#files.hold(tracked);
    this.#options.log.info({ path, tracked: tracked.id }, 'a new file');
    return true;
  }

  /** What was taken for a copy by a name that may be its own, and whose original was not truncated, is a file of its own. */
  #release(now: number): void {
    for (const copy of this.#table.trackedFiles) {
      const original = copy.copyOf;
      if (original === undefined || rotationOf(copy.path, original.home) === 'certain') continue;
      const until = suspected(copy, now + GRACE + copy.size / COPY_BYTES_PER_MS);
      if (now < until || original.key === '' || this.stillHolds(original) !== true) continue;
      this.#own.add(copy.key);
      this.#table.forgetCopy(copy.key);
    }
  }
}

/** Where the last line begins that is not complete; the end when all are. */
function lastLine(fd: number, size: number, encoding: Encoding): number {
  const bytes = Buffer.alloc(Math.min(size, LAST_LINE));
  const start = size - bytes.length;
  const count = readAt(fd, bytes, start);
  const end = new Chunk(bytes.subarray(0, count), encoding, start).lastLineEnd;
  return end === 0 ? size : start + end;
}
