/**
 * Where a tracked file's content is now, by a listing of its own: between the scan's listing and the moment
 * in which its file was found to be truncated or gone, logrotate may have made the copy, renamed and
 * compressed it.
 */
import { closeSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compressionOf, isUnpackable } from '../tracked/compression.ts';
import { readHead } from '../tracked/content.ts';
import { codeOf } from '../tracked/error-code.ts';
import { writtenAt, type TrackedFile, type Loss } from '../tracked/tracked-file.ts';
import { byAge } from './neighbours.ts';
import type { FileTable } from '../table/file-table.ts';
import type { Candidate, OpenFiles } from '../table/open-files.ts';
import { rotationOf } from '../rotation/rotated-name.ts';
import { match, matchPacked } from '../rotation/match.ts';
import { Unpacked } from '../tracked/unpacked.ts';
import { factsOf, packedFactsOf } from '../watch/facts.ts';

export interface SearchOptions {
  readonly table: FileTable;
  readonly files: OpenFiles;
  /** Where there is room to unpack. */
  readonly dir: string;
  /** Where files are looked for: rotation may move them to another of these. */
  readonly directories?: () => Iterable<string>;
  /** Content is gone; told what was seen of it and not read, if anything. Without a reason, it was truncated. */
  readonly lost: (tracked: TrackedFile, loss: Loss, reason?: 'deleted') => void;
}

/** Looks at a directory in which names change meanwhile. */
const ATTEMPTS = 5;

/**
 * Find the file in which a tracked file goes on, and let it go on there.
 * @returns `unsure`: not found, but a name could not be looked at just now
 */
export function search(tracked: TrackedFile, options: SearchOptions, now: number): 'found' | 'unsure' | 'none' {
  // It was seen after its rotation, and read to its end then: whatever took its place has no more.
  if (tracked.state.is === 'detached' && tracked.path !== tracked.home && isRead(tracked)) return 'none';
  let before: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Most are beside the tracked file's own: elsewhere it is looked for when it is not there.
    const elsewhere = attempt === 0 ? [] : (options.directories?.() ?? []);
    const { plain, packed, weak, weakPacked, names, unreadable } = look(tracked, options, elsewhere);
    try {
      const best = plain.toSorted((a, b) => b.stat.size - a.stat.size)[0];
      // Made before the last lines were written, which were read from the original.
      if (best !== undefined && best.stat.size < tracked.offset) {
        options.table.addCopy(tracked, best);
        return 'none';
      }
      if (best !== undefined) {
        goOnIn(tracked, best, options, now);
        return 'found';
      }
      // While one file was looked at, others may have been renamed: it is not there when nothing moves.
      if (packed.length === 0 && (attempt === 0 || names !== before)) {
        before = names;
        continue;
      }
      if (packed.length === 0 && unreadable) return 'unsure';
      const likely = weak.toSorted(byAge)[0];
      if (packed.length === 0 && likely !== undefined) {
        goOnIn(tracked, likely, options, now);
        return 'found';
      }
      const from = packed.length === 0 ? weakPacked : packed;
      const oldestFirst = from.toSorted(byAge);
      // Of several that begin alike, the one that was written next; of copies of one, the last.
      const archive = packed.length === 0 && isDated(tracked) ? oldestFirst[0] : oldestFirst.at(-1);
      if (archive === undefined) return 'none';
      const content = new Unpacked(archive.fd, options.dir, tracked.head.at);
      from.splice(from.indexOf(archive), 1);
      options.table.unpack(tracked, archive, content, now);
      return 'found';
    } finally {
      for (const { fd } of [...plain, ...packed, ...weak, ...weakPacked]) closeSync(fd);
    }
  }
  return 'unsure';
}

/** Let a tracked file go on in a file that has it. */
export function goOnIn(
  tracked: TrackedFile,
  candidate: Candidate,
  { table, files, lost }: SearchOptions,
  now: number,
): void {
  const known = tracked.head;
  const isCopy = tracked.state.is === 'displaced' && rotationOf(candidate.path, tracked.home) !== undefined;
  table.forgetCopy(candidate.stat.key);
  table.adopt(tracked, candidate, now);
  // At once: it may soon be compressed.
  files.hold(tracked);
  // What was written while it was copied was truncated away.
  const gone = tracked.reaches(candidate.stat.size);
  lost(tracked, gone);
  if (gone.bytes > 0 || tracked.head !== known || candidate.stat.size < tracked.seenBefore) tracked.severed = true;
  // So that the next process knows, too.
  if (tracked.severed && isCopy) tracked.endAt(candidate.stat.size);
}

/** As far as this process has seen, under the name that it has. */
const isRead = ({ stamp, size, offset, withheld }: TrackedFile): boolean =>
  stamp !== '' && size > 0 && offset >= size && !withheld;

/** What a look around has found. The candidates are open. */
interface Looked {
  readonly plain: Candidate[];
  readonly packed: Candidate[];
  /** So little is alike that they may be others. */
  readonly weak: Candidate[];
  readonly weakPacked: Candidate[];
  /** Who has which name. */
  readonly names: string;
  /** Something could not be looked at. */
  readonly unreadable: boolean;
}

function look(tracked: TrackedFile, { table, files }: SearchOptions, elsewhere: Iterable<string>): Looked {
  const plain: Candidate[] = [];
  const weak: Candidate[] = [];
  const packed: Candidate[] = [];
  const weakPacked: Candidate[] = [];
  const names: string[] = [];
  // logrotate makes a file for itself, and gives it to others when it is done.
  let unreadable = false;
  const directories = new Set([dirname(tracked.home), dirname(tracked.path), ...elsewhere]);
  const paths = [...directories].flatMap((directory) => {
    const listed = namesIn(directory);
    if (listed === undefined) unreadable = true;
    return (listed ?? []).map((name) => join(directory, name));
  });
  for (const path of paths) {
    if (path !== tracked.home && rotationOf(path, tracked.home) === undefined) continue;
    const looked = files.look(path);
    if (typeof looked === 'string') {
      names.push(`${path} ${looked}`);
      unreadable ||= looked === 'unreadable';
      continue;
    }
    names.push(`${path} ${looked.stat.key}`);
    const candidate = { path, ...looked };
    try {
      sort(candidate);
    } catch (error) {
      closeSync(looked.fd);
      codeOf(error);
      unreadable = true;
    }
  }
  return { plain, packed, weak, weakPacked, names: names.join('\n'), unreadable };

  function sort(candidate: Candidate): void {
    const known = holderOf(candidate, table);
    const compression = compressionOf(readHead(candidate.fd));
    const isFree = compression === undefined && (known === undefined || known.copyOf === tracked);
    const facts = factsOf(tracked, candidate);
    // Its own file was renamed just now.
    const plainly = known === tracked ? 'moved' : isFree ? match(facts) : 'other';
    const packedly = isUnpackable(compression) ? matchPackedOf(tracked, candidate, table) : 'other';
    const isWeak = packedly === 'perhaps' || plainly === 'perhaps';
    // Of little that is alike, nothing that was written before.
    if (isWeak && isDated(tracked) && writtenAt(candidate.stat) < writtenAt({ stamp: tracked.comparedAt }))
      closeSync(candidate.fd);
    else if (packedly !== 'other') (packedly === 'moved' ? packed : weakPacked).push(candidate);
    else if (plainly === 'moved' || (plainly === 'short' && known === undefined)) plain.push(candidate);
    else if (plainly === 'perhaps' && !isAnothers(tracked, candidate, table)) weak.push(candidate);
    else closeSync(candidate.fd);
  }
}

/** Whether it is known when its file was written last: an earlier process did not write that down. */
const isDated = ({ comparedAt }: TrackedFile): boolean => comparedAt !== '';

/** Whether a file is where another one goes on that has none. */
function isAnothers(tracked: TrackedFile, candidate: Candidate, { trackedFiles }: FileTable): boolean {
  return [...trackedFiles].some(
    (each) => each !== tracked && each.state.is === 'displaced' && match(factsOf(each, candidate)) === 'moved',
  );
}

/**
 * The tracked file that a file still has: it is the one that was known by its inode, unless a copy was made
 * in the inode of a file that was just compressed and removed.
 */
function holderOf(candidate: Candidate, table: FileTable): TrackedFile | undefined {
  const known = table.at(candidate.stat.key);
  if (known === undefined || match(factsOf(known, candidate)) === 'same') return known;
  if (known.copyOf === undefined) table.lose(known);
  else table.forgetCopy(candidate.stat.key);
  return undefined;
}

/** Names in a directory; undefined when it cannot be listed just now. */
function namesIn(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory);
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? [] : undefined;
  }
}

/** What a compressed file is to a tracked file. */
function matchPackedOf(tracked: TrackedFile, candidate: Candidate, table: FileTable): 'moved' | 'perhaps' | 'other' {
  const facts = packedFactsOf(tracked, candidate, table);
  return facts === undefined ? 'other' : matchPacked(facts);
}
