/**
 * What a file on the disk is to a tracked file, by facts about the two. Nothing here looks at the disk: watch/facts.ts
 * does. The README tells the whole of it ("What a file is").
 *
 * Nothing is told from content alone: a name must be related, or the inode, and for a copy its original's fate decides.
 */

/** Facts about a tracked file and a file. Those that need the disk are found when they are asked for. */
export interface Facts {
  /** The file has the device and inode that the tracked file is known by. */
  readonly isOwn: boolean;
  /** It has the inode, on whatever device: disks are numbered anew. */
  readonly hasInode: boolean;
  /** It has the path that the tracked file had last. */
  readonly hasPath: boolean;
  /** Its name is what rotation makes of the tracked file's: surely, or it may be a file's own. */
  readonly rotated: 'certain' | 'uncertain' | undefined;
  /** Scans of this process have missed the tracked file's file, and it is not open. */
  readonly isGone: boolean;
  /** The tracked file was last seen in a compressed file: nothing is written to it any more. */
  readonly wasPacked: boolean;
  /** Of the file, in bytes. */
  readonly size: number;
  /** Up to where the tracked file was read. */
  readonly read: number;
  /** Where its beginning is, behind a hole. */
  readonly from: number;
  /** Up to where it was seen to reach, by this process and by an earlier one. */
  readonly seen: number;
  readonly seenBefore: number;
  /** How much is known of its beginning, in bytes. */
  readonly known: number;
  /** Whether that, as far as the file can have it, tells one content from another. */
  readonly isTelling: boolean;
  /** The file begins so. */
  readonly begins: boolean;
  /** It has what stood before the place up to which the tracked file was read. */
  readonly goesOn: boolean;
}

/**
 * - `same`: it is the tracked file's file: grown, renamed, or as it was
 * - `truncated`, `replaced`, `reused`: it has the tracked file's inode, and another content: it was cut off, another one
 *   was written in its place, or its inode was given to another file
 * - `moved`: the tracked file goes on there: renamed, copied before it was truncated, moved to another disk
 * - `perhaps`: so little is alike that it may be another; nothing was read of it that could be left out
 * - `short`: a copy that was made before the last of what was read was written
 * - `other`: none of these
 */
export type Match = 'same' | 'truncated' | 'replaced' | 'reused' | 'moved' | 'perhaps' | 'short' | 'other';

/** What a file is to a tracked file. */
export function match(facts: Facts): Match {
  if (facts.isOwn) return matchOwn(facts);
  const { rotated, size, read, from, known, isTelling } = facts;
  // Without a beginning, nothing is known of what it held.
  if (!mayBe(facts) || known === 0) return 'other';
  if (size < read) return size > from && rotated !== undefined && isTelling && facts.begins ? 'short' : 'other';
  if (!facts.begins || !facts.goesOn) return 'other';
  if (isTelling || [read, facts.seen, facts.seenBefore].includes(size)) return 'moved';
  // An inode that was seen to be gone may be another file's by now.
  if (facts.hasInode && !facts.isGone) return 'moved';
  return rotated !== undefined && read === from ? 'perhaps' : 'other';
}

/** Whether a file may be a tracked file's by its name or its inode. */
export function mayBe({
  rotated,
  wasPacked,
  hasPath,
  hasInode,
}: Pick<Facts, 'rotated' | 'wasPacked' | 'hasPath' | 'hasInode'>): boolean {
  return rotated !== undefined || (!wasPacked && (hasPath || hasInode));
}

function matchOwn(facts: Facts): Match {
  if (isReused(facts)) return 'reused';
  if (isCutOff(facts)) return 'truncated';
  return facts.begins && facts.goesOn ? 'same' : 'replaced';
}

/** Whether a file was gone, and too little is known of it to tell it from one that was given its inode meanwhile. */
export function isReused({
  isGone,
  isTelling,
  size,
  seen,
}: Pick<Facts, 'isGone' | 'isTelling' | 'size' | 'seen'>): boolean {
  return isGone && !isTelling && size !== seen;
}

/** Whether a file has lost what was read of it, by its size. What shrank, and is known by half a line, lost all. */
export function isCutOff({
  size,
  read,
  seen,
  isTelling,
}: Pick<Facts, 'size' | 'read' | 'seen' | 'isTelling'>): boolean {
  return size < read || (size < seen && !isTelling);
}

/** Facts about a tracked file and a compressed file, of which the beginning is unpacked. */
export interface PackedFacts {
  /** How many bytes of the beginning are known of both. */
  readonly common: number;
  /** Those are alike. */
  readonly isAlike: boolean;
  /** They tell one content from another. */
  readonly isTelling: boolean;
  /** They are all that is known of the tracked file. */
  readonly isAll: boolean;
  /** The beginning may be out of sight, behind a hole. */
  readonly mayBeHidden: boolean;
  /** Nothing was read of the tracked file. */
  readonly isUnread: boolean;
  /** Another tracked file is known better, and begins like the file. */
  readonly isRatherAnother: boolean;
}

/** Whether a compressed file has a tracked file's content; what was read of it is compared when it is unpacked. */
export function matchPacked(facts: PackedFacts): 'moved' | 'perhaps' | 'other' {
  if (facts.common === 0) return facts.mayBeHidden ? 'moved' : 'other';
  if (!facts.isAlike || facts.isRatherAnother) return 'other';
  if (facts.isAll || facts.isTelling) return 'moved';
  return facts.isUnread ? 'perhaps' : 'other';
}
