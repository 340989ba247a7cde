/**
 * Letting go of pages that can be had again. To start, Node reads its snapshot, its built-in scripts and half of its
 * code, and each page of its file that was touched stays mapped, although most are never needed again: of the 70 MB
 * that a sidecar has resident after its start, 45 are such pages. What is needed after all comes back from the
 * page cache, up to 64 KiB at a time, without a look at the disk unless the machine was short of memory.
 */
import { readFileSync } from 'node:fs';
import { cFunctions } from './c-library.ts';

/** Of a file's pages that nobody has written to, nothing is lost. Source: madvise(2), asm-generic/mman-common.h. */
const MADV_DONTNEED = 4;

/** A range of addresses that clean pages of a file are mapped to. */
export interface CleanMapping {
  readonly start: bigint;
  readonly end: bigint;
  /** How much of it is resident, in KiB. */
  readonly resident: number;
}

/** A mapping's line: addresses, permissions, offset, device, inode, and the file's path. Source: proc_pid_maps(5). */
const HEAD = /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps]) [0-9a-f]+ \S+ (\d+) *(.*)$/;
const FIELD = /^(\w+): +(\d+) kB$/;

/**
 * The mappings whose pages can be read from their file again: nobody may write to them, and not one page is
 * the process's own. (What the dynamic linker has written to before it protected it may not be written to, either,
 * and would be lost.)
 * @param smaps the text of /proc/self/smaps, as proc_pid_smaps(5) has it; what cannot be read is left out
 */
export function cleanMappings(smaps: string): CleanMapping[] {
  const found: CleanMapping[] = [];
  let range: { start: bigint; end: bigint } | undefined;
  let sizes = new Map<string, number>();
  const close = (): void => {
    const resident = sizes.get('Rss') ?? 0;
    if (range && resident > 0 && sizes.get('Anonymous') === 0 && sizes.get('Locked') === 0)
      found.push({ ...range, resident });
  };
  for (const line of smaps.split('\n')) {
    const field = FIELD.exec(line);
    if (field) sizes.set(field[1]!, Number(field[2]));
    const head = field ? null : HEAD.exec(line);
    if (!head) continue;
    close();
    const [, start, end, permissions, inode, path] = head;
    const ofFile = path!.startsWith('/') && inode !== '0' && permissions!.startsWith('r-');
    range = ofFile ? { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) } : undefined;
    sizes = new Map();
  }
  close();
  return found;
}

/**
 * Let go of all clean pages of files; other processes that have them keep them.
 * @returns KiB that were let go of; 0 where this process may not call the C library, or not read its own mappings
 */
export function releaseCleanPages(): number {
  const madvise = cFunctions({ madvise: { arguments: ['u64', 'u64', 'i32'], return: 'i32' } })?.madvise;
  if (madvise === undefined) return 0;
  let released = 0;
  for (const { start, end, resident } of cleanMappings(ownMappings()))
    if (madvise(start, end - start, MADV_DONTNEED) === 0) released += resident;
  return released;
}

function ownMappings(): string {
  try {
    return readFileSync('/proc/self/smaps', 'utf8');
  } catch {
    // Of a process that may not be traced they may be closed.
    return '';
  }
}
