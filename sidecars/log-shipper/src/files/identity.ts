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
import { hasHead, hasTail, isBeginning, type Content, type Head } from './tracked/content.ts';
import { writtenAt, type Generation, type Stat } from './tracked/generation.ts';
import { rotationOf, unrotated } from './rotated-name.ts';

/** A file at a path, opened for a look. */
export interface Candidate {
  readonly path: string;
  readonly fd: number;
  readonly stat: Stat;
  /** How it began then; absent where nobody asks. */
  readonly head?: Head;
}

/** Whether content still has what was read of a generation. */
export function holds(
  { offset, head, tail }: Pick<Generation, 'offset' | 'head' | 'tail'>,
  from: Content,
  size = Infinity,
): boolean {
  return size >= offset && hasHead(from, head) && hasTail(from, tail);
}

/** Whether a file has lost what was read of it, by its size. What shrank, and is known by half a line, was not just cut off. */
export function wasTruncated({ offset, seen, head }: Generation, size: number): boolean {
  return size < offset || (size < seen && !isTelling(head));
}

/**
 * Whether a generation whose file is gone, or was truncated, goes on in a file.
 * @returns `weak`: so little is alike that it may be another; nothing was read of it that could be left out
 */
export function matchOf(generation: Generation, candidate: Candidate): 'strong' | 'weak' | undefined {
  const { head, offset, tail, home, seen, seenBefore } = generation;
  const { path, fd, stat } = candidate;
  if (!mayContinueIn(generation, candidate) || head.bytes.length === 0 || stat.size < offset) return undefined;
  const isRotated = rotationOf(path, home) !== undefined;
  const known = isRotated ? headWithin(head, stat.size) : head;
  if (!hasHead(fd, known) || !hasTail(fd, tail)) return undefined;
  if (isTelling(known) || [offset, seen, seenBefore].includes(stat.size) || sameInode(generation, candidate))
    return 'strong';
  return isRotated && offset === head.at ? 'weak' : undefined;
}

/** Whether it does, as surely as content can tell. */
export function continuesIn(generation: Generation, candidate: Candidate): boolean {
  return matchOf(generation, candidate) === 'strong';
}

/** So many bytes tell one content from another without a whole line. */
const TELLING = 32;

/** Whether a beginning tells one content from another: half a line is how any file of an application begins. */
export function isTelling({ bytes }: Head): boolean {
  return bytes.length >= TELLING || bytes.includes(NEWLINE);
}

const NEWLINE = 10;

const sameInode = ({ key }: Generation, { stat }: Candidate): boolean => stat.key.split(':')[1] === key.split(':')[1];

/** What a file is known by of which not all was copied: the copy of a small one may be shorter than its head. */
export function headWithin(head: Head, size: number): Head {
  const { at, bytes } = head;
  return size > at && at + bytes.length > size ? { at, bytes: bytes.subarray(0, size - at) } : head;
}

/** Whether it may, by its name or its inode. */
export function mayContinueIn({ home, key, path: its }: Generation, { path, stat }: Candidate): boolean {
  if (rotationOf(path, home) !== undefined) return true;
  // What was compressed is not written to any more.
  if (its.endsWith('.gz')) return false;
  return path === its || stat.key.split(':')[1] === key.split(':')[1];
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
    isTelling(headWithin(head, stat.size)) &&
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
