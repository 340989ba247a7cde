/**
 * Which generation a file holds that is not known by its device and inode.
 *
 * - After a restart, or when no path leads to a known file any more, a file under the same name, under
 *   a rotated name, or with the same inode holds a generation when head and tail are as remembered: a
 *   volume that was moved, a device that was numbered anew, a copy whose original was truncated.
 * - `copytruncate` copies first and truncates later. In between, the copy is a new inode with the
 *   content of a known file. It is recognised by its rotated name and by being, to its last byte, how
 *   the known file begins, and is not read. When the original is then truncated, reading goes on in
 *   the copy from the same place, so that what had not been read is not lost.
 *
 * Names matter for copies alone: two applications may well begin with the same words.
 */
import { basename } from 'node:path';
import { hasHead, hasTail, isBeginning } from './content.ts';
import type { Generation, Stat } from './generation.ts';
import { unrotated } from './rotated-name.ts';

/** A file at a path, opened for a look. */
export interface Candidate {
  readonly path: string;
  readonly fd: number;
  readonly stat: Stat;
}

/** Whether a path may be what a home was renamed or copied to. */
export function isRotationOf(path: string, home: string): boolean {
  const before = unrotated(path);
  return before !== path && basename(before) === basename(home);
}

/** Whether a generation whose file is gone, or was truncated, goes on in a file. */
export function continuesIn(generation: Generation, { path, fd, stat }: Candidate): boolean {
  const { head, tail, offset, home } = generation;
  const sameInode = stat.key.split(':')[1] === generation.key.split(':')[1];
  if (path !== generation.path && path !== home && !sameInode && !isRotationOf(path, home)) return false;
  return head.bytes.length > 0 && stat.size >= offset && hasHead(fd, head) && hasTail(fd, tail);
}

/** Whether a file is a copy of what was read of a generation, made before the last of it was written. */
export function isShortCopy(generation: Generation, { path, fd, stat }: Candidate): boolean {
  const { head, offset, home } = generation;
  return (
    stat.size < offset &&
    stat.size > head.at &&
    isRotationOf(path, home) &&
    hasHead(fd, head, Math.min(head.bytes.length, stat.size - head.at))
  );
}

/** Whether a file is a copy of the file that a generation is being read from. */
export function isCopy({ path, fd, stat }: Candidate, generation: Generation, of: number, ofSize: number): boolean {
  return isRotationOf(path, generation.home) && stat.size <= ofSize && isBeginning(fd, stat.size, of);
}
