/** Files that were not known: each goes on with a generation, is a copy of one, or begins one. */
import { closeSync, statSync } from 'node:fs';
import type { Logger } from '#kit/log.ts';
import { readHead, readTail } from './content.ts';
import { Generation } from './generation.ts';
import { firstData } from './holes.ts';
import { continuesIn, isCopy, isRotationOf, isShortCopy, type Candidate } from './identity.ts';
import type { Ledger } from './ledger.ts';
import type { OpenFiles } from './open-files.ts';
import { unrotated } from './rotated-name.ts';

export interface IdentifierOptions {
  readonly ledger: Ledger;
  readonly files: OpenFiles;
  readonly log: Pick<Logger, 'info'>;
  /** A file was truncated or replaced; told how many bytes were seen of it and not read. */
  readonly lost: (generation: Generation, bytes: number) => void;
}

export class Identifier {
  readonly #options: IdentifierOptions;

  constructor(options: IdentifierOptions) {
    this.#options = options;
  }

  /**
   * Say of each file what it holds.
   * @param candidates open, and closed by the caller
   */
  identify(candidates: readonly Candidate[], now: number): void {
    const left = new Set(candidates);
    const homeless = [...this.#options.ledger.generations].filter(
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
      const copy = this.#options.ledger.create(candidate, original.home);
      copy.copyOf = original;
      this.#options.ledger.completeCopy(copy, candidate.fd, candidate.stat);
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
      this.#options.ledger.adopt(generation, candidate, now);
      return;
    }
    if (generation.key !== '' && fd !== undefined) return;
    const copies = [...this.#options.ledger.generations].filter(({ copyOf }) => copyOf === generation);
    for (const copy of copies) {
      const looked = files.look(copy.path);
      if (typeof looked === 'string') continue;
      const candidate = { path: copy.path, ...looked };
      const found = looked.stat.key === copy.key && continuesIn(generation, candidate);
      if (found) {
        this.#options.ledger.lose(copy);
        this.#options.ledger.remove(copy);
        this.#options.ledger.adopt(generation, candidate, now);
      }
      closeSync(looked.fd);
      if (found) return;
    }
    if (generation.key !== '') return;
    for (const candidate of left) {
      if (!isShortCopy(generation, candidate)) continue;
      left.delete(candidate);
      const copy = this.#options.ledger.create(candidate, generation.home);
      this.#options.ledger.completeCopy(copy, candidate.fd, candidate.stat);
    }
    if (copies.length === 0) lost(generation, Math.max(0, generation.size - generation.offset));
    this.#options.ledger.finish(generation);
  }

  /** What a file is a copy of: a generation, or a file that is new like itself. */
  #originalOf(candidate: Candidate, fresh: readonly Candidate[]): Generation | Candidate | undefined {
    const { files } = this.#options;
    for (const generation of this.#options.ledger.generations) {
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
    const home =
      before !== path && (this.#options.ledger.latest(before) !== undefined || exists(before)) ? before : path;
    const previous = this.#options.ledger.latest(home);
    const generation = this.#options.ledger.create(candidate, home);
    const data = firstData(fd, 0) ?? 0;
    generation.head = readHead(fd, data);
    generation.advance(data, readTail(fd, data, data));
    Object.assign(generation, { size: stat.size, stamp: stat.stamp, links: stat.links, comparedAt: stat.stamp });
    Object.assign(generation, { changedAt: now, caughtUpAt: now });
    if (previous) generation.after = { generation: previous, offset: previous.size };
    this.#options.files.hold(generation);
    this.#options.log.info({ path, generation: generation.id }, 'a new file');
  }
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

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
