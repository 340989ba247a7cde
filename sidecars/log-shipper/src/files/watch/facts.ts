/** Facts about a tracked file and a file, for rotation/match.ts to judge. The disk is asked for what is asked for. */
import { hasHead, hasTail, headWithin, isBeginning, isTelling, type Head } from '../tracked/content.ts';
import type { FileEncoding } from '../tracked/encoding.ts';
import { versionOf, type TrackedFile, type Stat } from '../tracked/tracked-file.ts';
import { glance, GLANCE } from '../tracked/unpacked.ts';
import type { Facts, PackedFacts } from '../rotation/match.ts';
import { isCompressed, rotationOf } from '../rotation/rotated-name.ts';
import type { Candidate } from '../table/open-files.ts';

const inode = (key: string): string | undefined => key.split(':')[1];

/** Facts about a tracked file and a plain file. */
export function factsOf(tracked: TrackedFile, { path, fd, stat }: Candidate): Facts {
  const { head, tail, home, key, path: its, offset: read, seen, seenBefore } = tracked;
  const { detachedAt, comparedAt } = tracked;
  const { size } = stat;
  const isOwn = stat.key === key;
  const rotated = isOwn ? undefined : rotationOf(path, home);
  // The copy of a small file may be shorter than what is known of its beginning.
  const known = rotated === undefined ? head : headWithin(head, size);
  return {
    isOwn,
    hasInode: inode(stat.key) === inode(key),
    hasPath: path === its,
    rotated,
    // What an earlier process knew is not gone until a scan has missed it.
    isGone: detachedAt !== undefined && comparedAt !== '' && tracked.fd === undefined,
    wasPacked: isCompressed(its),
    size,
    read,
    from: head.at,
    seen,
    seenBefore,
    known: head.bytes.length,
    isTelling: isTelling(known),
    get begins() {
      return hasHead(fd, known);
    },
    get goesOn() {
      return hasTail(fd, tail);
    },
  };
}

/** All tracked files that are known, and how those begin that were. */
export interface AllKnown {
  readonly encoding: FileEncoding;
  readonly trackedFiles: Iterable<TrackedFile>;
  readonly ended: readonly Begun[];
}

type Begun = Pick<TrackedFile, 'home' | 'head'>;

/**
 * Facts about a tracked file and a compressed file.
 * @returns undefined when it is known not to be there, or the file is damaged
 */
export function packedFactsOf(
  tracked: TrackedFile,
  { fd, stat }: Candidate,
  { encoding, trackedFiles, ended }: AllKnown,
): PackedFacts | undefined {
  const { head, notIn, offset } = tracked;
  if (notIn.has(versionOf(stat)) || head.bytes.length === 0) return undefined;
  const begins = glance(fd, head.at, encoding);
  if (begins === undefined) return undefined;
  const common = Math.min(begins.bytes.length, head.bytes.length);
  const bytes = begins.bytes.subarray(0, common);
  return {
    common,
    isAlike: bytes.equals(head.bytes.subarray(0, common)),
    isTelling: isTelling({ at: head.at, bytes }),
    isAll: begins.bytes.length === head.bytes.length,
    mayBeHidden: head.at > 0 && stat.size > GLANCE,
    isUnread: offset === head.at,
    get isRatherAnother() {
      return isRatherAnother(tracked, begins, [...readThere(trackedFiles, stat), ...ended]);
    },
  };
}

/** What may be in a compressed file: all but what is read from another one. */
function readThere(trackedFiles: Iterable<TrackedFile>, stat: Stat): TrackedFile[] {
  return [...trackedFiles].filter(
    ({ copyOf, packed, notIn }) => copyOf === undefined && (packed === undefined || notIn.has(versionOf(stat))),
  );
}

/** Whether content begins as another tracked file does of which more is known, rather than as this one. */
function isRatherAnother(
  { home, head: { bytes: known } }: Begun,
  { at, bytes }: Head,
  others: readonly Begun[],
): boolean {
  return others.some(({ home: its, head }) => {
    if (head.bytes.length <= known.length || its !== home || head.at !== at) return false;
    const length = Math.min(head.bytes.length, bytes.length);
    return length > known.length && bytes.compare(head.bytes, 0, length, 0, length) === 0;
  });
}

/** Whether a file is, to its last byte, how the file begins that a tracked file is being read from. */
export function isCopy({ path, fd, stat }: Candidate, home: string, of: number, ofSize: number): boolean {
  return rotationOf(path, home) !== undefined && stat.size <= ofSize && isBeginning(fd, stat.size, of);
}
