/**
 * Which run of content a file holds. The README tells the whole of it ("What a file is"); here is how two
 * of its questions are answered.
 *
 * - Is this still the content that was read? `holds`: head and tail are as remembered.
 * - May that content go on in this other file? `continuesIn`: the same, and the names are related, or the
 *   inode is the same. What was shorter than what was read is `isShortCopy`.
 *
 * Nothing is told from content alone: a name must be related, and for a copy its original's fate decides.
 */
import { hasHead, hasTail, isBeginning, type Content } from './content.ts';
import { writtenAt, type Generation, type Stat } from './generation.ts';
import { rotationOf, unrotated } from './rotated-name.ts';

/** A file at a path, opened for a look. */
export interface Candidate {
  readonly path: string;
  readonly fd: number;
  readonly stat: Stat;
}

/** Whether content still has what was read of a generation. */
export function holds({ offset, head, tail }: Generation, from: Content, size = Infinity): boolean {
  return size >= offset && hasHead(from, head) && hasTail(from, tail);
}

/** Whether a generation whose file is gone, or was truncated, goes on in a file. */
export function continuesIn(generation: Generation, { path, fd, stat }: Candidate): boolean {
  const { head, home } = generation;
  const sameInode = stat.key.split(':')[1] === generation.key.split(':')[1];
  if (path !== generation.path && path !== home && !sameInode && rotationOf(path, home) === undefined) return false;
  return head.bytes.length > 0 && holds(generation, fd, stat.size);
}

/** Whether a file is a copy of what was read of a generation, made before the last of it was written. */
export function isShortCopy(generation: Generation, { path, fd, stat }: Candidate): boolean {
  const { head, offset, home } = generation;
  return (
    stat.size < offset &&
    // Without a head, nothing is known of what it held.
    head.bytes.length > 0 &&
    stat.size > head.at &&
    rotationOf(path, home) !== undefined &&
    hasHead(fd, head, Math.min(head.bytes.length, stat.size - head.at))
  );
}

/** Whether a file is, to its last byte, how the file begins that a generation is being read from. */
export function isCopy({ path, fd, stat }: Candidate, home: string, of: number, ofSize: number): boolean {
  return rotationOf(path, home) !== undefined && stat.size <= ofSize && isBeginning(fd, stat.size, of);
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

const COUNTED = /\.\d{1,4}(?:\.gz)?$/;
