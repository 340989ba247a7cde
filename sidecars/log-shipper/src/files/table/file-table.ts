/** All tracked files that are known, and the registry that remembers them. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Registry } from '../../registry/registry.ts';
import {
  growHead,
  headWithin,
  holds,
  isCopyOf,
  isTelling,
  readHead,
  NO_HEAD,
  readTail,
  type Head,
  type Tail,
} from '../tracked/content.ts';
import { unitOf, type FileEncoding } from '../tracked/encoding.ts';
import { attempt, codeOf } from '../tracked/error-code.ts';
import { TrackedFile, versionOf, type Stat } from '../tracked/tracked-file.ts';
import { findData } from '../tracked/holes.ts';
import { fileId } from './file-id.ts';
import type { Candidate, OpenFiles } from './open-files.ts';
import { restored } from './restored.ts';
import { copied, displaced, finished as finish, found, released, unpacked } from '../tracked/state.ts';
import type { Unpacked } from '../tracked/unpacked.ts';

/** How long a file is remembered that is not there, in milliseconds: a volume may come back. */
const REMEMBER = 24 * 3_600_000;
/** How many of those that ended are remembered. */
const REMEMBERED = 1000;

export interface FileTableOptions {
  readonly files: OpenFiles;
  readonly registry: Pick<Registry, 'found' | 'nextFile' | 'write' | 'scannedAt'>;
  readonly log: Pick<Logger, 'error'>;
  /** How files without a byte order mark are encoded. */
  readonly encoding?: FileEncoding;
}

export class FileTable {
  readonly #options: FileTableOptions;
  readonly #trackedFiles = new Set<TrackedFile>();
  readonly #byKey = new Map<string, TrackedFile>();
  readonly #unsaved = new Set<TrackedFile>();
  /** Why the registry cannot be written, while it cannot. */
  problem: string | undefined;
  /** How those begin that are read to their end: a compressed file may show up later. */
  readonly ended: Pick<TrackedFile, 'home' | 'head'>[] = [];
  /** How often a tracked file lost its file. */
  losses = 0;
  #dirty = true;

  /** @param now on a monotonic clock, in milliseconds */
  constructor(options: FileTableOptions, now: number) {
    this.#options = options;
    for (const tracked of restored(options.registry.found, now)) {
      this.#trackedFiles.add(tracked);
      if (tracked.key !== '') this.#byKey.set(tracked.key, tracked);
    }
  }

  /** How files without a byte order mark are encoded. */
  get encoding(): FileEncoding {
    return this.#options.encoding ?? 'auto';
  }

  /** The head of a file, behind the hole that it may begin with. A larger hole is looked through when it is read. */
  headOf(fd: number, size = Infinity): Head {
    const { data } = findData(fd, 0, unitOf(this.encoding, NO_HEAD));
    return readHead(fd, Math.min(data ?? 0, size), this.encoding);
  }

  /** In the order in which they came. */
  get trackedFiles(): ReadonlySet<TrackedFile> {
    return this.#trackedFiles;
  }

  /** The tracked file of a file, by device and inode. */
  at(key: string): TrackedFile | undefined {
    return this.#byKey.get(key);
  }

  /** Whether a tracked file may be read: it is in the registry, and is no copy of another. */
  readable(tracked: TrackedFile): boolean {
    return (
      !tracked.finished &&
      tracked.comparedAt !== '' &&
      tracked.copyOf === undefined &&
      (tracked.key !== '' || tracked.packed !== undefined) &&
      !this.#unsaved.has(tracked)
    );
  }

  /** Something became known of a tracked file that must be in the registry before more of it is read. */
  remember(tracked: TrackedFile): void {
    this.#note(tracked);
    this.save();
  }

  /** The same; the registry is written by the caller. */
  #note(tracked: TrackedFile): void {
    this.#unsaved.add(tracked);
    this.#dirty = true;
  }

  /**
   * See more of the beginning of a file that holds a tracked file of which too little is known to tell it from others:
   * it may wait long until it is read, and its inode be another file's by then. The registry is written by the caller.
   */
  lookAtHead(tracked: TrackedFile, fd: number): void {
    const { head: known, offset, tail } = tracked;
    if (isTelling(known)) return;
    const head = growHead(fd, known, this.encoding);
    // After the head: it may be that of the content that took the place of what was read.
    if (head.bytes.length <= known.bytes.length || !holds({ offset, tail, head }, fd)) return;
    tracked.head = head;
    this.#note(tracked);
  }

  /** Whether something changed that is not in the registry yet. */
  get changed(): boolean {
    return this.#dirty;
  }

  /** Something changed that must be in the registry. */
  touch(): void {
    this.#dirty = true;
  }

  /** A tracked file's file does not hold it any more: truncated, or made anew. */
  lose(tracked: TrackedFile): void {
    this.losses += 1;
    tracked.seen = Math.max(tracked.offset, tracked.seen - Math.max(0, tracked.looked - tracked.offset));
    this.#close(tracked);
    if (this.#byKey.get(tracked.key) === tracked) this.#byKey.delete(tracked.key);
    tracked.key = '';
    displaced(tracked);
    tracked.scan = undefined;
    tracked.looked = 0;
    tracked.withheld = false;
    this.#dirty = true;
  }

  /** It could not be read just now. The next scan finds out what became of it. */
  lookAgain(tracked: TrackedFile): void {
    tracked.unread = false;
    tracked.stamp = '';
    if (tracked.packed === undefined) return;
    tracked.notIn.clear();
    this.lose(tracked);
  }

  /** Nothing more is read of a tracked file. */
  finish(tracked: TrackedFile): void {
    this.#close(tracked);
    finish(tracked);
    if (this.#byKey.get(tracked.key) === tracked) this.#byKey.delete(tracked.key);
    // Its inode may be given to another file before it is forgotten.
    tracked.key = '';
    this.ended.push({ home: tracked.home, head: tracked.head });
    if (this.ended.length > REMEMBERED) this.ended.shift();
    if (tracked.unread && tracked.after !== undefined) tracked.after.tracked.severed = true;
    // Files that waited for it now wait for the file that it waited for.
    for (const other of this.#trackedFiles) if (other.after?.tracked === tracked) other.after = tracked.after;
    this.#dirty = true;
  }

  /** Those of which nothing more is read, and all is settled. */
  get finished(): readonly TrackedFile[] {
    return [...this.#trackedFiles].filter(({ finished, inFlight }) => finished && inFlight === 0);
  }

  /**
   * Write the registry where something changed that must be in it.
   * @param scannedAt when the scan began that saw all this, in milliseconds since the epoch
   */
  save(scannedAt?: number): void {
    if (scannedAt !== undefined) this.#options.registry.scannedAt = scannedAt;
    if (!this.#dirty) return;
    try {
      this.#options.registry.write(this.#trackedFiles);
      this.#dirty = false;
      this.#unsaved.clear();
      this.problem = undefined;
    } catch (error) {
      this.problem = codeOf(error);
      this.#options.log.error({ err: error }, 'the registry cannot be written: new files wait');
    }
  }

  /** What was written to a home last, as far as it can still be read. */
  latest(home: string): TrackedFile | undefined {
    return [...this.#trackedFiles].findLast(
      ({ home: its, state }) =>
        its === home &&
        (state.is === 'attached' ||
          state.is === 'detached' ||
          state.is === 'packed' ||
          (state.is === 'displaced' && state.lookedForSince !== undefined)),
    );
  }

  /** A file begins to be known; nothing of it is read before it is in the registry. */
  create({ path, fd, stat }: Candidate, home: string): TrackedFile {
    const id = fileId(this.#options.registry.nextFile(), stat.key, fd);
    const tracked = new TrackedFile(id, home, stat.key, path);
    this.#trackedFiles.add(tracked);
    this.#byKey.set(stat.key, tracked);
    this.#note(tracked);
    return tracked;
  }

  /**
   * A tracked file was found later than the one that came after it.
   * @param offset up to where that one waits for it: what is written late holds up nobody
   */
  putBefore(tracked: TrackedFile, next: TrackedFile, offset: number): void {
    this.#trackedFiles.delete(tracked);
    const all = [...this.#trackedFiles];
    this.#trackedFiles.clear();
    for (const each of all) {
      if (each === next) this.#trackedFiles.add(tracked);
      this.#trackedFiles.add(each);
    }
    if (next.offset === next.head.at) next.after = { tracked, offset };
  }

  /** A file is no copy, or no longer. */
  forgetCopy(key: string): void {
    const copy = this.#byKey.get(key);
    if (copy?.copyOf === undefined) return;
    this.lose(copy);
    this.remove(copy);
  }

  /** A tracked file goes on in another file. */
  adopt(tracked: TrackedFile, { path, stat }: Candidate, now: number): void {
    this.#close(tracked);
    if (this.#byKey.get(tracked.key) === tracked) this.#byKey.delete(tracked.key);
    Object.assign(tracked, { key: stat.key, path, size: stat.size, stamp: stat.stamp, links: stat.links });
    tracked.head = headWithin(tracked.head, stat.size);
    tracked.readBefore ??= stat.size;
    found(tracked);
    Object.assign(tracked, { comparedAt: stat.stamp, unread: true, changedAt: now });
    this.#byKey.set(stat.key, tracked);
    this.#dirty = true;
  }

  /** A tracked file goes on in a compressed file; whether its content is there is seen when it is read. */
  unpack(tracked: TrackedFile, { path, stat }: Candidate, packed: Unpacked, now: number): void {
    this.lose(tracked);
    tracked.notIn.add(versionOf(stat));
    unpacked(tracked, packed, now);
    tracked.comparedAt ||= stat.stamp;
    Object.assign(tracked, { path, stamp: stat.stamp, unread: true, changedAt: now });
  }

  /**
   * A file is a copy of a tracked file: as long as not all of that is in the store, it may have to be read there. One
   * that is nothing but a hole yet could not be told from another.
   */
  addCopy(original: TrackedFile, candidate: Candidate): void {
    const { fd, stat } = candidate;
    const head = this.headOf(fd, stat.size);
    if (head.bytes.length === 0 || head.at >= stat.size) return;
    // All that may fail is read first: a copy of which nothing is known would be any file that has its inode later.
    const tail = readTail(fd, stat.size, head.at);
    const copy = this.create(candidate, original.home);
    copied(copy, original);
    this.#reach(copy, stat, head, tail);
  }

  /** A copy is, up to its end, what was or will be read of its original. */
  completeCopy(copy: TrackedFile, fd: number, stat: Stat): void {
    const head = this.headOf(fd, stat.size);
    this.#reach(copy, stat, head, readTail(fd, stat.size, head.at));
  }

  #reach(copy: TrackedFile, stat: Stat, head: Head, tail: Tail): void {
    copy.head = head;
    copy.advance(stat.size, tail);
    Object.assign(copy, { size: stat.size, stamp: stat.stamp, links: stat.links, comparedAt: stat.stamp });
    this.#dirty = true;
  }

  /**
   * Drop what has not been seen for long, and what is finished: the registry knows it until a scan has seen all
   * that was there when it ended, since its compressed file would be a new one to the next process.
   * @param finished before the scan began
   * @param complete whether the scan has seen all
   * @returns those that were waited for, and did not come back
   */
  forget(now: number, finished: readonly TrackedFile[], complete: boolean): TrackedFile[] {
    for (const tracked of complete ? finished : finished.slice(0, -REMEMBERED)) this.remove(tracked);
    const old = [...this.#trackedFiles].filter(
      ({ detachedAt, inFlight, fd }) =>
        inFlight === 0 && detachedAt !== undefined && fd === undefined && now - detachedAt > REMEMBER,
    );
    for (const tracked of old) this.remove(tracked);
    return old.filter(({ finished: ended, copyOf }) => !ended && copyOf === undefined);
  }

  /** Forget a tracked file; those that waited for it, or are its copies, go on without it. */
  remove(tracked: TrackedFile): void {
    this.#close(tracked);
    this.#trackedFiles.delete(tracked);
    this.#unsaved.delete(tracked);
    if (this.#byKey.get(tracked.key) === tracked) this.#byKey.delete(tracked.key);
    for (const other of this.#trackedFiles) {
      if (other.after?.tracked === tracked) other.after = tracked.after;
      if (other.copyOf === tracked) this.releaseCopy(other);
    }
    this.#dirty = true;
  }

  /**
   * All of a copy was read with its original, also what was not copied yet when it was looked at last. What is
   * written to it from now on is its own. One that cannot be read just now stays a copy.
   */
  releaseCopy(copy: TrackedFile): void {
    const { files } = this.#options;
    const fd = files.hold(copy);
    if (typeof fd === 'string') return;
    const original = copy.copyOf;
    attempt(
      () => {
        const stat = files.stat(fd);
        if (!holds(copy, fd, stat.size)) return;
        // By its first bytes it was taken for one while it was written.
        if (original !== undefined && !isCopyOf(original, fd, stat.size)) this.forgetCopy(copy.key);
        else {
          this.completeCopy(copy, fd, stat);
          released(copy);
        }
      },
      () => {},
    );
  }

  #close(tracked: TrackedFile): void {
    this.#options.files.release(tracked);
    const { packed } = tracked;
    packed?.close();
    if (packed !== undefined) displaced(tracked);
  }
}
