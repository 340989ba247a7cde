/** One process as the scanner keeps it from scan to scan. */

import type { History } from './history.ts';

export interface OpenFiles {
  readonly stat: number;
  readonly statm: number;
}

/** Processor time of a whole life, in ticks, and when it was read, in milliseconds. */
export interface Mark {
  ticks: number;
  at: number;
}

export class Process {
  readonly pid: number;
  /** Clock ticks from the machine's start to the process': with the pid, its identity. */
  readonly startTicks: number;

  // Of every scan.
  ppid = 0;
  state = '?';
  userTicks = 0;
  systemTicks = 0;
  threads = 0;
  rssPages = 0;
  virtualBytes = 0;
  /** Null when it may not be read. */
  openFiles: number | null = null;
  /** Its stat and statm, held open; undefined for one that is new, or beyond the bound. */
  files: OpenFiles | undefined;
  /** The number of the scan that saw it last. */
  seen = 0;

  // Read when it is new, when it called exec, and again once in a while.
  /** Name of the program in the kernel's words: at most 15 bytes. */
  comm: Buffer = Buffer.alloc(0);
  /** A digest of the command line, by which a new one is noticed. */
  commandDigest = -1;
  /** For people: masked, without control characters. */
  command = '';
  /** The program's name, for labels. */
  name = '';
  /** Effective user id. */
  uid = 0;
  /** The group that it belongs to: its container's id, or what stands for one. */
  group = '';
  /** Seconds since the machine's start at which these were read. */
  factsAt = -1;

  /** When the fields of every scan were read, on the clock of `performance.now()`. */
  readAt = 0;

  /** Processor time then, for the windows over which its use is told. */
  readonly older: Mark = { ticks: 0, at: 0 };
  readonly newer: Mark = { ticks: 0, at: 0 };
  readonly plotted: Mark = { ticks: 0, at: 0 };
  /** What its group has counted of its processor time already, in ticks. */
  countedUser = 0;
  countedSystem = 0;
  /** Share of one processor during the last window, in percent; null before there is one. */
  cpuPercent: number | null = null;
  /** Made when it has lived long enough for a plot. */
  history: History | undefined;

  constructor(pid: number, startTicks: number) {
    this.pid = pid;
    this.startTicks = startTicks;
  }

  /** Processor time of its whole life, in ticks. */
  get ticks(): number {
    return this.userTicks + this.systemTicks;
  }
}
