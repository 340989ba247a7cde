/**
 * All files there are, as cheaply as can be. Directories that did not change are not listed again, and of
 * many files those that were quiet for long are asked in turn, so many at a time.
 */
import { statSync, type BigIntStats } from 'node:fs';
import { basename } from 'node:path';
import { listFiles, type Glob, type NameMatcher } from '../../pipelines/glob.ts';
import { attempt, codeOf } from '../tracked/error-code.ts';
import type { Stat } from '../tracked/tracked-file.ts';
import { toStat } from '../table/open-files.ts';
import { isCompressed, unpackedName, unrotated } from '../rotation/rotated-name.ts';

/** Files that are asked at each look, besides those that changed lately. */
const SHARE = 1000;
/** A file that changed this long ago is quiet, in milliseconds. */
const QUIET = 10_000;
/** File systems tell times this coarsely, in milliseconds: a directory that changed just now may change again unseen. */
const COARSE = 2000;

/** A regular file. The same object at each look, as there may be thousands of them each second. */
interface Known {
  readonly path: string;
  stat: Stat;
  changedAt: number;
}

export class Listing {
  readonly #globs: readonly Glob[];
  readonly #exclude: readonly NameMatcher[];
  #paths: readonly string[] = [];
  /** Those of compressed files; another array after each listing. */
  packed: readonly string[] = [];
  /** Directories that were listed, and what they were like; empty when they are to be listed again. */
  #directories = new Map<string, string>();
  /** Those that were listed last. */
  directories: Iterable<string> = [];
  readonly #known = new Map<string, Known>();
  #next = 0;

  constructor(globs: readonly Glob[], exclude: readonly NameMatcher[]) {
    this.#globs = globs;
    this.#exclude = exclude;
  }

  /**
   * Look.
   * @param refused told of what is there and cannot be looked at
   * @returns regular files by path
   */
  look(
    now: number,
    refused: (path: string, code: string) => void,
  ): ReadonlyMap<string, Readonly<Pick<Known, 'path' | 'stat'>>> {
    if (!this.#same()) {
      this.#list(refused);
      // Any of them may be another file by now.
      this.#next = 0;
      for (const path of this.#known.keys()) this.#known.delete(path);
    }
    const count = this.#paths.length;
    let share = 0;
    for (let step = 0; step < count; step++) {
      const path = this.#paths[(this.#next + step) % count]!;
      const known = this.#known.get(path);
      if (known !== undefined && now - known.changedAt > QUIET && share++ >= SHARE) continue;
      this.#ask(path, known, now, refused);
    }
    this.#next = count === 0 ? 0 : (this.#next + SHARE) % count;
    return this.#known;
  }

  /** List directories now, and ask all files at the next look. */
  list(): void {
    this.#list(() => {});
    this.renew();
  }

  /** List directories, and ask all files, at the next look. */
  renew(): void {
    this.#directories.clear();
  }

  #ask(path: string, known: Known | undefined, now: number, refused: (path: string, code: string) => void): void {
    try {
      const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (!stats?.isFile()) return void this.#known.delete(path);
      const stat = toStat(stats);
      if (known === undefined) this.#known.set(path, { path, stat, changedAt: now });
      else if (known.stat.stamp !== stat.stamp || known.stat.key !== stat.key)
        Object.assign(known, { stat, changedAt: now });
    } catch (error) {
      this.#known.delete(path);
      const code = codeOf(error);
      if (code !== 'ENOTDIR') refused(path, code);
    }
  }

  #list(refused: (path: string, code: string) => void): void {
    this.#directories = new Map();
    let complete = true;
    const packed: string[] = [];
    this.#paths = listFiles(
      this.#globs,
      this.#exclude,
      (directory, code) => {
        complete = false;
        refused(directory, code);
      },
      // Asked before it is listed: what changes meanwhile is seen the next time.
      (directory) => this.#directories.set(directory, stampOf(directory)),
      (path) => packed.push(path),
    );
    this.directories = [...this.#directories.keys()];
    this.packed = [...packed, ...this.#paths].filter((path) => isCompressed(path) && !this.#isLeftOut(path));
    if (!complete) this.#directories.clear();
  }

  /** Whether a file was left out before it was compressed. */
  #isLeftOut(path: string): boolean {
    const names = [unpackedName(path), ...unrotated(path).map((each) => each.path)].map((each) => basename(each));
    return this.#exclude.some((each) => names.some((name) => each.test(name)));
  }

  /** Whether no directory has changed since. */
  #same(): boolean {
    if (this.#directories.size === 0) return false;
    for (const [directory, stamp] of this.#directories) if (stamp === '' || stampOf(directory) !== stamp) return false;
    return true;
  }
}

/** What a directory is like; empty when it changed so lately that the next change might not show. */
function stampOf(directory: string): string {
  const stats = attempt<BigIntStats | undefined | 'unknown'>(
    () => statSync(directory, { bigint: true, throwIfNoEntry: false }),
    () => 'unknown',
  );
  if (stats === undefined) return 'none';
  if (stats === 'unknown') return '';
  const { dev, ino, mtimeNs, ctimeNs, ctimeMs } = stats;
  return Date.now() - Number(ctimeMs) < COARSE ? '' : `${dev}:${ino}:${mtimeNs}:${ctimeNs}`;
}
