/** /proc/PID/stat and statm: they are read for every process at every scan. */

/** The fields that are kept; proc(5) has their meaning. Times are in clock ticks. */
export interface Stat {
  /** The command's name lies between these two offsets of the buffer. */
  nameStart: number;
  nameEnd: number;
  /** One letter. */
  state: string;
  ppid: number;
  userTicks: number;
  systemTicks: number;
  threads: number;
  startTicks: number;
  /** Bytes of address space: any exec changes it. */
  virtualBytes: number;
}

export const newStat = (): Stat => ({
  nameStart: 0,
  nameEnd: 0,
  state: '?',
  ppid: 0,
  userTicks: 0,
  systemTicks: 0,
  threads: 0,
  startTicks: 0,
  virtualBytes: 0,
});

const OPEN = 0x28;
const CLOSE = 0x29;

/**
 * Parse the content of /proc/PID/stat. One native split beats a loop over its bytes fourfold, for the
 * sidecar does without the compilers that would make such a loop fast.
 * @param buffer holds it from its beginning
 * @param length how many bytes it is
 * @param into takes the fields
 * @returns false when the content is not a stat line; `into` is then in part overwritten
 */
export function parseStat(buffer: Buffer, length: number, into: Stat): boolean {
  const open = buffer.indexOf(OPEN);
  // A name may hold blanks and parentheses itself; nothing after it does.
  const close = buffer.lastIndexOf(CLOSE, length - 1);
  if (open < 0 || close <= open) return false;
  into.nameStart = open + 1;
  into.nameEnd = close;
  // From the third field of proc(5) to the 23rd, and the rest.
  const fields = buffer.toString('latin1', close + 2, length).split(' ', LAST);
  into.state = fields[0]!;
  into.ppid = Number(fields[1]);
  into.userTicks = Number(fields[11]);
  into.systemTicks = Number(fields[12]);
  into.threads = Number(fields[17]);
  into.startTicks = Number(fields[19]);
  into.virtualBytes = Number(fields[20]);
  // What is not there, or no number, makes the sum none.
  const sum = into.ppid + into.userTicks + into.systemTicks + into.threads + into.startTicks + into.virtualBytes;
  return fields[0]!.length === 1 && Number.isSafeInteger(sum);
}

const LAST = 21;

/**
 * Resident memory by /proc/PID/statm, in pages. The figure in stat is a sloppy one: of some hundred
 * pages that a small process has, a third may be missing (proc(5)).
 * @returns undefined when the content is of another form
 */
export function parseResident(buffer: Buffer, length: number): number | undefined {
  const pages = Number(buffer.toString('latin1', 0, length).split(' ', 2)[1] ?? Number.NaN);
  return Number.isSafeInteger(pages) ? pages : undefined;
}
