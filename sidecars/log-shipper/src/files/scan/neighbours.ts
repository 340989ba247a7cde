/** In which order files were written, and between which tracked files one belongs that is found later than they were. */
import { statSync } from 'node:fs';
import { attempt } from '../tracked/error-code.ts';
import { writtenAt, type TrackedFile } from '../tracked/tracked-file.ts';
import { type Candidate, toStat } from '../table/open-files.ts';
import { unrotated } from '../rotation/rotated-name.ts';

/**
 * What was written to a home just before a file, and just after it.
 * @param tracked files in the order in which they were written
 */
export function neighbours(
  trackedFiles: Iterable<TrackedFile>,
  { path, stat }: Pick<Candidate, 'path' | 'stat'>,
  home: string,
): { readonly previous: TrackedFile | undefined; readonly next: TrackedFile | undefined } {
  const others = [...trackedFiles].filter((each) => each.home === home && !each.finished && each.copyOf === undefined);
  // What lost its file was seen before; what is still written is the last. One that was renamed since it was listed
  // is as old as it was then.
  const isLater = (each: TrackedFile): boolean =>
    each.key !== '' &&
    each.detachedAt === undefined &&
    ((each.path === home && keyAt(home) === each.key) ||
      (each.stamp !== '' && byAge({ path, stat }, { path: each.path, stat: each }) < 0));
  const next = others.find(isLater);
  // One of those behind it may have lost its file: waiting for that one, all would wait for each other.
  return { next, previous: next === undefined ? others.at(-1) : others[others.indexOf(next) - 1] };
}

function keyAt(path: string): string | undefined {
  const stats = attempt(
    () => statSync(path, { bigint: true, throwIfNoEntry: false }),
    () => undefined,
  );
  return stats && toStat(stats).key;
}

/** Names without a mark of rotation first: a copy is told by its original. */
export function rank({ path }: Pick<Candidate, 'path'>): number {
  return unrotated(path).length;
}

/** What was written last comes last; where the clock is too coarse, what was rotated away first comes first. */
export function byAge(a: Pick<Candidate, 'path' | 'stat'>, b: Pick<Candidate, 'path' | 'stat'>): number {
  const [first, second] = [writtenAt(a.stat), writtenAt(b.stat)];
  if (first !== second) return first < second ? -1 : 1;
  // `.2` was rotated away before `.1`, and `-20261121` before `-20261122`.
  const counted = COUNTED.test(a.path) && COUNTED.test(b.path) ? -1 : 1;
  return rank(b) - rank(a) || counted * a.path.localeCompare(b.path, 'en', { numeric: true });
}

const COUNTED = /\.\d{1,4}(?:\.(?:gz|zst))?$/;
