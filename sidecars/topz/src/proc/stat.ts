/** /proc/PID/stat, parsed by hand from bytes: it is read for every process at every scan. */

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

const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN = 0x28;
const CLOSE = 0x29;
const MINUS = 0x2d;

// Strings for states are made once.
const STATES = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

/**
 * Parse the content of /proc/PID/stat.
 * @param buffer holds it from its beginning
 * @param length how many bytes it is
 * @param into takes the fields, so that a scan makes no garbage
 * @returns false when the content is not a whole stat line; `into` is then in part overwritten
 */
export function parseStat(buffer: Buffer, length: number, into: Stat): boolean {
  const open = buffer.indexOf(OPEN);
  // A name may hold blanks and parentheses itself; nothing after it does.
  let at = length - 1;
  while (at > open && buffer[at] !== CLOSE) at--;
  if (open < 0 || at <= open || at + 3 >= length) return false;
  into.nameStart = open + 1;
  into.nameEnd = at;
  into.state = STATES[buffer[at + 2]! & 0x7f]!;
  at += 3;
  // `at` is on the blank before field 4.
  for (let field = 4; field <= 23; field++) {
    if (at >= length || buffer[at] !== SPACE) return false;
    at++;
    const negative = buffer[at] === MINUS;
    if (negative) at++;
    const begin = at;
    let value = 0;
    for (let byte = buffer[at]!; at < length && byte >= ZERO && byte <= NINE; byte = buffer[++at]!) {
      value = value * 10 + (byte - ZERO);
    }
    if (at === begin) return false;
    if (negative) value = -value;
    switch (field) {
      case 4:
        into.ppid = value;
        break;
      case 14:
        into.userTicks = value;
        break;
      case 15:
        into.systemTicks = value;
        break;
      case 20:
        into.threads = value;
        break;
      case 22:
        into.startTicks = value;
        break;
      case 23:
        into.virtualBytes = value;
        break;
      default:
    }
  }
  return true;
}

/**
 * Resident memory by /proc/PID/statm, in pages. The figure in stat is a sloppy one: of some hundred
 * pages that a small process has, a third may be missing (proc(5)).
 * @returns undefined when the content is of another form
 */
export function parseResident(buffer: Buffer, length: number): number | undefined {
  let at = 0;
  while (at < length && buffer[at] !== SPACE) at++;
  const begin = ++at;
  let value = 0;
  for (; at < length && buffer[at]! >= ZERO && buffer[at]! <= NINE; at++) value = value * 10 + (buffer[at]! - ZERO);
  return at === begin ? undefined : value;
}
