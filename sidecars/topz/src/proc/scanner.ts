/**
 * One look at every process: /proc is read as fast as it goes, and what seldom changes is kept from
 * one scan to the next. A process that ends meanwhile is left out.
 */
import { readdirSync, statSync } from 'node:fs';
import type { Mask } from '../mask/mask.ts';
import { attempt } from './attempt.ts';
import { groupOf, nameOf, splitArguments, uidOf } from './facts.ts';
import { KeptFiles } from './kept-files.ts';
import { printable } from './printable.ts';
import { Process } from './process.ts';
import { DENIED, GONE, ProcReader, why } from './reader.ts';
import { newStat, parseResident, parseStat, type Stat } from './stat.ts';

export interface ScannerOptions {
  readonly proc?: string;
  readonly ticksPerSecond: number;
  readonly mask: Mask;
  /** Most processes that are looked at; those with the highest ids are left out. */
  readonly maxProcesses: number;
}

/** How much of a command line is read and looked through for secrets, in bytes. */
const COMMAND_READ = 8 * 1024;
/** How much of it is shown, in characters. */
const COMMAND_SHOWN = 4096;
/** Seconds after which facts are read again: a program may change its own title. */
const FACTS_AGE = 10;
/** A process that is younger than this, in seconds, may be about to call exec or change its user. */
const SETTLED = 2;

export class Scanner {
  /** By process id, as of the last scan. */
  readonly processes = new Map<number, Process>();
  /** Processes of the last scan that were beyond the bound. */
  omitted = 0;
  /** Processes that ended while they were looked at, since the start. */
  vanished = 0;

  readonly #proc: string;
  readonly #mask: Mask;
  readonly #max: number;
  readonly #ticksPerSecond: number;
  readonly #reader = new ProcReader();
  readonly #stat: Stat = newStat();
  readonly #kept: KeptFiles;
  readonly #countsFiles: boolean;
  #scan = 0;

  constructor({ proc = '/proc', ticksPerSecond, mask, maxProcesses }: ScannerOptions) {
    this.#proc = proc;
    this.#mask = mask;
    this.#max = maxProcesses;
    this.#ticksPerSecond = ticksPerSecond;
    this.#kept = new KeptFiles(proc);
    // Since Linux 6.2 the size of /proc/PID/fd is the number of open files, for everybody to see.
    this.#countsFiles = attempt(() => openFileCount(`${proc}/self/fd`) > 0, false);
  }

  /**
   * Look at all processes; `processes` then holds those that there are.
   * @param uptime seconds since the machine's start
   */
  scan(uptime: number): void {
    this.#scan++;
    for (const pid of this.#processIds()) this.#look(pid, uptime);
    for (const process of this.processes.values()) if (process.seen !== this.#scan) this.#forget(process);
  }

  /** Close what is held open. */
  close(): void {
    for (const process of this.processes.values()) this.#forget(process);
  }

  #forget(process: Process): void {
    this.#kept.release(process);
    this.processes.delete(process.pid);
  }

  #processIds(): number[] {
    const ids: number[] = [];
    for (const name of readdirSync(this.#proc)) {
      const first = name.charCodeAt(0);
      if (first >= 0x31 && first <= 0x39) ids.push(Number(name));
    }
    this.omitted = Math.max(0, ids.length - this.#max);
    return this.omitted === 0 ? ids : ids.toSorted((a, b) => a - b).slice(0, this.#max);
  }

  #look(pid: number, uptime: number): void {
    const directory = `${this.#proc}/${pid}`;
    const stat = this.#stat;
    let process = this.processes.get(pid);
    let length = process?.files ? this.#reader.readOpen(process.files.stat) : GONE;
    if (length === GONE) {
      if (process?.files) this.#kept.release(process);
      length = this.#reader.read(`${directory}/stat`);
    }
    if (length <= 0 || !parseStat(this.#reader.buffer, length, stat)) {
      if (length !== DENIED) this.vanished++;
      return;
    }
    if (process === undefined || process.startTicks !== stat.startTicks) {
      if (process) this.#kept.release(process);
      process = new Process(pid, stat.startTicks);
    }
    const { buffer } = this.#reader;
    const renamed = process.comm.compare(buffer, stat.nameStart, stat.nameEnd) !== 0;
    const moved = process.virtualBytes !== stat.virtualBytes;
    if (renamed) process.comm = Buffer.from(buffer.subarray(stat.nameStart, stat.nameEnd));
    process.state = stat.state;
    process.ppid = stat.ppid;
    process.userTicks = stat.userTicks;
    process.systemTicks = stat.systemTicks;
    process.threads = stat.threads;
    process.virtualBytes = stat.virtualBytes;

    const age = uptime - process.factsAt;
    const young = process.factsAt - process.startTicks / this.#ticksPerSecond < SETTLED;
    // An exec moves the program's memory, too, where it keeps the name.
    // Not all in the same scan: the last digits of the id spread them.
    if (renamed || age > (young ? SETTLED : FACTS_AGE + (pid & 7)) || (young && moved)) {
      if (!this.#readFacts(process, directory, uptime)) {
        this.vanished++;
        return;
      }
    }
    const memory = process.files ? this.#reader.readOpen(process.files.statm) : this.#reader.read(`${directory}/statm`);
    const resident = memory > 0 ? parseResident(this.#reader.buffer, memory) : undefined;
    const files = this.#openFiles(directory);
    if (resident === undefined || files === 'gone') {
      this.vanished++;
      return;
    }
    process.rssPages = resident;
    process.openFiles = files;
    process.seen = this.#scan;
    process.readAt = performance.now();
    // Most that are seen once are never seen again.
    if (process.files === undefined && this.processes.get(pid) === process) this.#kept.keep(process, directory);
    else this.processes.set(pid, process);
  }

  /** Returns false when the process is gone. */
  #readFacts(process: Process, directory: string, uptime: number): boolean {
    const reader = this.#reader;
    const status = reader.read(`${directory}/status`);
    const uid = status > 0 ? uidOf(reader.buffer.subarray(0, status)) : undefined;
    if (uid === undefined) return false;
    process.uid = uid;
    const group = reader.read(`${directory}/cgroup`);
    process.group = (group > 0 ? groupOf(reader.buffer.toString('latin1', 0, group)) : undefined) ?? this.#kin(process);
    const length = reader.read(`${directory}/cmdline`);
    this.#readCommand(process, Math.max(0, length));
    process.factsAt = uptime;
    return true;
  }

  /** Without control groups: the family that began with a process whose parent cannot be seen. */
  #kin(process: Process): string {
    const parent = this.processes.get(process.ppid);
    return process.ppid > 1 && parent ? parent.group : `pid-${process.pid}`;
  }

  #readCommand(process: Process, length: number): void {
    const bytes = this.#reader.buffer.subarray(0, Math.min(length, COMMAND_READ));
    const digest = digestOf(bytes);
    // What has no arguments is shown by its name, which may be new.
    if (digest === process.commandDigest && length > 0) return;
    process.commandDigest = digest;
    const comm = process.comm.toString();
    const args = splitArguments(bytes);
    // Half a secret may look like none.
    if (length > COMMAND_READ) args.splice(-1, 1, '…');
    process.name = nameOf(args, comm);
    process.command = args.length === 0 ? bracketed(printable(comm), process.state) : cut(printable(this.#mask(args)));
  }

  #openFiles(directory: string): number | null | 'gone' {
    try {
      const path = `${directory}/fd`;
      return this.#countsFiles ? openFileCount(path) : readdirSync(path).length;
    } catch (error) {
      return why(error) === DENIED ? null : 'gone';
    }
  }
}

/** FNV-1a, 32 bits. */
function digestOf(bytes: Buffer): number {
  let digest = 0x811c9dc5;
  for (const byte of bytes) digest = Math.imul(digest ^ byte, 0x01000193);
  return digest >>> 0;
}

const openFileCount = (path: string): number => statSync(path).size;

/** As ps writes what has no arguments: a kernel's thread, or a process that ended and was not waited for. */
const bracketed = (comm: string, state: string): string => `[${comm}]${state === 'Z' ? ' <defunct>' : ''}`;

const cut = (text: string): string => (text.length > COMMAND_SHOWN ? `${text.slice(0, COMMAND_SHOWN)}…` : text);
