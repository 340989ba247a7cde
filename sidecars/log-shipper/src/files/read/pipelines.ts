/** Which pipeline a file's lines go through: the first that names the path that the content was written to. */
import type { TrackedFile } from '../tracked/tracked-file.ts';
import { matchesPath, type Glob } from '../../pipelines/glob.ts';
import type { Records } from './records.ts';
import { unrotated } from '../rotation/rotated-name.ts';

export interface Pipeline {
  readonly globs: readonly Glob[];
  readonly records: Records;
}

export class Pipelines {
  readonly #all: readonly Pipeline[];
  readonly #otherwise: Records;
  /** Decided once for each tracked file. */
  readonly #decided = new WeakMap<TrackedFile, Records>();

  /** @param otherwise makes the records of files that no pipeline names */
  constructor(all: readonly Pipeline[], otherwise: Records) {
    this.#all = all;
    this.#otherwise = otherwise;
  }

  /** Makes the records of a tracked file, whatever its file is called by now. */
  of(tracked: TrackedFile): Records {
    let records = this.#decided.get(tracked);
    if (records === undefined) {
      records = this.#decide(tracked.home);
      this.#decided.set(tracked, records);
    }
    return records;
  }

  #decide(home: string): Records {
    // A rotated file that was never seen by its first name.
    const certain = unrotated(home).filter((each) => each.certain);
    const names = [home, ...certain.map(({ path }) => path)];
    const found = this.#all.find(({ globs }) => globs.some((glob) => names.some((name) => matchesPath(glob, name))));
    return found?.records ?? this.#otherwise;
  }
}
