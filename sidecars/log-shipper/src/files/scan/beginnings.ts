/** What a compressed file is, by how it begins: many begin alike with their first bytes. */
import { growHead, holds, type Head } from '../tracked/content.ts';
import { versionOf, type TrackedFile } from '../tracked/tracked-file.ts';
import type { FileTable } from '../table/file-table.ts';
import type { Candidate, OpenFiles } from '../table/open-files.ts';
import { rotationOf } from '../rotation/rotated-name.ts';
import { isSearched } from '../tracked/state.ts';

/** How long a file is looked for that went away, before another is taken for a new one, in milliseconds. */
export const UNSURE = 5000;

/**
 * Whether a rotated file is known, or was: a tracked file is read there, or began like it.
 * @param begins how it begins, up to 1 KiB
 * @param now on a monotonic clock, in milliseconds
 * @returns `unsure`: it may be one whose file went away lately, and that is being looked for
 */
export function isKnown(
  { path, stat }: Pick<Candidate, 'path' | 'stat'>,
  begins: Head,
  table: Pick<FileTable, 'trackedFiles' | 'ended' | 'encoding'>,
  files: Pick<OpenFiles, 'hold'>,
  now: number,
): boolean | 'unsure' {
  const isSame = ({ at, bytes }: Head): boolean =>
    at === begins.at && bytes.subarray(0, begins.bytes.length).equals(begins.bytes);
  if (table.ended.some(({ home, head }) => isSame(head) && rotationOf(path, home) !== undefined)) return true;
  let unsure = false;
  for (const tracked of table.trackedFiles) {
    const { home, head, packed, notIn, copyOf, state } = tracked;
    // A copy is what its original is, or was not one.
    if (rotationOf(path, home) === undefined || (copyOf !== undefined && !isSame(head))) continue;
    if (isSame(head) || (packed !== undefined && notIn.has(versionOf(stat)))) return true;
    const { length } = head.bytes;
    if (length === 0 || head.at !== begins.at || !head.bytes.equals(begins.bytes.subarray(0, length))) continue;
    const current = headNow(tracked, table, files);
    if (current === undefined) unsure ||= state.is !== 'finished' && now - sinceWhen(state, now) < UNSURE;
    else if (isSame(current)) return true;
  }
  return unsure && 'unsure';
}

/** Since when a content is looked for, or its file is gone. */
function sinceWhen(state: TrackedFile['state'], now: number): number {
  if (state.is === 'attached') return now;
  return (isSearched(state) ? state.lookedForSince : undefined) ?? state.since ?? now;
}

/** How a tracked file's file begins now; undefined when it has none, or another content. */
function headNow(
  tracked: TrackedFile,
  { encoding }: Pick<FileTable, 'encoding'>,
  files: Pick<OpenFiles, 'hold'>,
): Head | undefined {
  const { key, offset, tail } = tracked;
  const fd = key === '' ? 'gone' : files.hold(tracked);
  if (typeof fd !== 'number') return undefined;
  const head = growHead(fd, tracked.head, encoding);
  return holds({ offset, tail, head }, fd) ? head : undefined;
}
