/** All generations that are known, and the registry that remembers them. */
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
import { Generation, versionOf, type Stat } from '../tracked/generation.ts';
import { findData } from '../tracked/holes.ts';
import { generationId } from './generation-id.ts';
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
  readonly registry: Pick<Registry, 'found' | 'nextGeneration' | 'write' | 'scannedAt'>;
  readonly log: Pick<Logger, 'error'>;
  /** How files without a byte order mark are encoded. */
  readonly encoding?: FileEncoding;
}

export class FileTable {
  readonly #options: FileTableOptions;
  readonly #generations = new Set<Generation>();
  readonly #byKey = new Map<string, Generation>();
  readonly #unsaved = new Set<Generation>();
  /** Why the registry cannot be written, while it cannot. */
  problem: string | undefined;
  /** How those begin that are read to their end: a compressed file may show up later. */
  readonly ended: Pick<Generation, 'home' | 'head'>[] = [];
  /** How often a generation lost its file. */
  losses = 0;
  #dirty = true;

  /** @param now on a monotonic clock, in milliseconds */
  constructor(options: FileTableOptions, now: number) {
    this.#options = options;
    for (const generation of restored(options.registry.found, now)) {
      this.#generations.add(generation);
      if (generation.key !== '') this.#byKey.set(generation.key, generation);
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
  get generations(): ReadonlySet<Generation> {
    return this.#generations;
  }

  /** The generation of a file, by device and inode. */
  at(key: string): Generation | undefined {
    return this.#byKey.get(key);
  }

  /** Whether a generation may be read: it is in the registry, and is no copy of another. */
  readable(generation: Generation): boolean {
    return (
      !generation.finished &&
      generation.comparedAt !== '' &&
      generation.copyOf === undefined &&
      (generation.key !== '' || generation.packed !== undefined) &&
      !this.#unsaved.has(generation)
    );
  }

  /** Something became known of a generation that must be in the registry before more of it is read. */
  remember(generation: Generation): void {
    this.#note(generation);
    this.save();
  }

  /** The same; the registry is written by the caller. */
  #note(generation: Generation): void {
    this.#unsaved.add(generation);
    this.#dirty = true;
  }

  /**
   * See more of the beginning of a file that holds a generation of which too little is known to tell it from others:
   * it may wait long until it is read, and its inode be another file's by then. The registry is written by the caller.
   */
  lookAtHead(generation: Generation, fd: number): void {
    const { head: known, offset, tail } = generation;
    if (isTelling(known)) return;
    const head = growHead(fd, known, this.encoding);
    // After the head: it may be that of the content that took the place of what was read.
    if (head.bytes.length <= known.bytes.length || !holds({ offset, tail, head }, fd)) return;
    generation.head = head;
    this.#note(generation);
  }

  /** Whether something changed that is not in the registry yet. */
  get changed(): boolean {
    return this.#dirty;
  }

  /** Something changed that must be in the registry. */
  touch(): void {
    this.#dirty = true;
  }

  /** A generation's file does not hold it any more: truncated, or made anew. */
  lose(generation: Generation): void {
    this.losses += 1;
    generation.seen = Math.max(generation.offset, generation.seen - Math.max(0, generation.looked - generation.offset));
    this.#close(generation);
    if (this.#byKey.get(generation.key) === generation) this.#byKey.delete(generation.key);
    generation.key = '';
    displaced(generation);
    generation.scan = undefined;
    generation.looked = 0;
    generation.withheld = false;
    this.#dirty = true;
  }

  /** It could not be read just now. The next scan finds out what became of it. */
  lookAgain(generation: Generation): void {
    generation.unread = false;
    generation.stamp = '';
    if (generation.packed === undefined) return;
    generation.notIn.clear();
    this.lose(generation);
  }

  /** Nothing more is read of a generation. */
  finish(generation: Generation): void {
    this.#close(generation);
    finish(generation);
    if (this.#byKey.get(generation.key) === generation) this.#byKey.delete(generation.key);
    // Its inode may be given to another file before it is forgotten.
    generation.key = '';
    this.ended.push({ home: generation.home, head: generation.head });
    if (this.ended.length > REMEMBERED) this.ended.shift();
    if (generation.unread && generation.after !== undefined) generation.after.generation.severed = true;
    // Files that waited for it now wait for the file that it waited for.
    for (const other of this.#generations) if (other.after?.generation === generation) other.after = generation.after;
    this.#dirty = true;
  }

  /** Those of which nothing more is read, and all is settled. */
  get finished(): readonly Generation[] {
    return [...this.#generations].filter(({ finished, inFlight }) => finished && inFlight === 0);
  }

  /**
   * Write the registry where something changed that must be in it.
   * @param scannedAt when the scan began that saw all this, in milliseconds since the epoch
   */
  save(scannedAt?: number): void {
    if (scannedAt !== undefined) this.#options.registry.scannedAt = scannedAt;
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

  /** What was written to a home last, as far as it can still be read. */
  latest(home: string): Generation | undefined {
    return [...this.#generations].findLast(
      ({ home: its, state }) =>
        its === home &&
        (state.is === 'attached' ||
          state.is === 'detached' ||
          state.is === 'packed' ||
          (state.is === 'displaced' && state.lookedForSince !== undefined)),
    );
  }

  /** A file begins to be known; nothing of it is read before it is in the registry. */
  create({ path, fd, stat }: Candidate, home: string): Generation {
    const id = generationId(this.#options.registry.nextGeneration(), stat.key, fd);
    const generation = new Generation(id, home, stat.key, path);
    this.#generations.add(generation);
    this.#byKey.set(stat.key, generation);
    this.#note(generation);
    return generation;
  }

  /**
   * A generation was found later than the one that came after it.
   * @param offset up to where that one waits for it: what is written late holds up nobody
   */
  putBefore(generation: Generation, next: Generation, offset: number): void {
    this.#generations.delete(generation);
    const all = [...this.#generations];
    this.#generations.clear();
    for (const each of all) {
      if (each === next) this.#generations.add(generation);
      this.#generations.add(each);
    }
    if (next.offset === next.head.at) next.after = { generation, offset };
  }

  /** A file is no copy, or no longer. */
  forgetCopy(key: string): void {
    const copy = this.#byKey.get(key);
    if (copy?.copyOf === undefined) return;
    this.lose(copy);
    this.remove(copy);
  }

  /** A generation goes on in another file. */
  adopt(generation: Generation, { path, stat }: Candidate, now: number): void {
    this.#close(generation);
    if (this.#byKey.get(generation.key) === generation) this.#byKey.delete(generation.key);
    Object.assign(generation, { key: stat.key, path, size: stat.size, stamp: stat.stamp, links: stat.links });
    generation.head = headWithin(generation.head, stat.size);
    generation.readBefore ??= stat.size;
    found(generation);
    Object.assign(generation, { comparedAt: stat.stamp, unread: true, changedAt: now });
    this.#byKey.set(stat.key, generation);
    this.#dirty = true;
  }

  /** A generation goes on in a compressed file; whether its content is there is seen when it is read. */
  unpack(generation: Generation, { path, stat }: Candidate, packed: Unpacked, now: number): void {
    this.lose(generation);
    generation.notIn.add(versionOf(stat));
    unpacked(generation, packed, now);
    generation.comparedAt ||= stat.stamp;
    Object.assign(generation, { path, stamp: stat.stamp, unread: true, changedAt: now });
  }

  /**
   * A file is a copy of a generation: as long as not all of that is in the store, it may have to be read there. One
   * that is nothing but a hole yet could not be told from another.
   */
  addCopy(original: Generation, candidate: Candidate): void {
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
  completeCopy(copy: Generation, fd: number, stat: Stat): void {
    const head = this.headOf(fd, stat.size);
    this.#reach(copy, stat, head, readTail(fd, stat.size, head.at));
  }

  #reach(copy: Generation, stat: Stat, head: Head, tail: Tail): void {
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
  forget(now: number, finished: readonly Generation[], complete: boolean): Generation[] {
    for (const generation of complete ? finished : finished.slice(0, -REMEMBERED)) this.remove(generation);
    const old = [...this.#generations].filter(
      ({ detachedAt, inFlight, fd }) =>
        inFlight === 0 && detachedAt !== undefined && fd === undefined && now - detachedAt > REMEMBER,
    );
    for (const generation of old) this.remove(generation);
    return old.filter(({ finished: ended, copyOf }) => !ended && copyOf === undefined);
  }

  /** Forget a generation; those that waited for it, or are its copies, go on without it. */
  remove(generation: Generation): void {
    this.#close(generation);
    this.#generations.delete(generation);
    this.#unsaved.delete(generation);
    if (this.#byKey.get(generation.key) === generation) this.#byKey.delete(generation.key);
    for (const other of this.#generations) {
      if (other.after?.generation === generation) other.after = generation.after;
      if (other.copyOf === generation) this.releaseCopy(other);
    }
    this.#dirty = true;
  }

  /**
   * All of a copy was read with its original, also what was not copied yet when it was looked at last. What is
   * written to it from now on is its own. One that cannot be read just now stays a copy.
   */
  releaseCopy(copy: Generation): void {
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

  #close(generation: Generation): void {
    this.#options.files.release(generation);
    const { packed } = generation;
    packed?.close();
    if (packed !== undefined) displaced(generation);
  }
}
