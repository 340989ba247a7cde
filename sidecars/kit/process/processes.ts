/**
 * The processes of a pod, seen from a shared pid namespace, and signals that hit the process that was
 * meant. Source of the formats: proc(5).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';

export interface ProcessInfo {
  readonly pid: number;
  /** 0 for the first process of a container that joined the namespace, and for process 1. */
  readonly ppid: number;
  /** The effective user. */
  readonly uid: number;
  /** One letter of proc(5): R, S, D, Z, T, t, X, I. */
  readonly state: string;
  /** The kernel's name of it, cut at 15 bytes. */
  readonly name: string;
  /** Clock ticks since boot: with the pid, this names one process for ever. */
  readonly startTime: number;
  /** Empty for a zombie. */
  readonly commandLine: readonly string[];
}

export type ProcessErrorReason = 'gone' | 'denied';

/** A process could not be signalled, and why. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly reason: ProcessErrorReason;
  constructor(reason: ProcessErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Programs whose first argument is the program that people mean: `python3 /srv/app.py`. */
export const INTERPRETERS = /^(?:python|perl|ruby|node|php|lua|java|bash|dash|ash|sh)[\d.]*$/;

/**
 * Look at one process.
 * @returns undefined when it is gone, or went while it was looked at
 */
export function readProcess(pid: number, proc = '/proc'): ProcessInfo | undefined {
  try {
    // As utf8, for which alone Node takes no buffer of 64 KiB a file; no field but the name can be anything else.
    const stat = readFileSync(`${proc}/${pid}/stat`, 'utf8');
    const status = readFileSync(`${proc}/${pid}/status`, 'utf8');
    const commandLine = readFileSync(`${proc}/${pid}/cmdline`, 'utf8');
    // The name may hold blanks and parentheses, so the fields are counted from its last one.
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    // Not with ^: the name may hold other characters that end a line for a regular expression.
    const uids = /\nUid:\s+\d+\s+(\d+)/.exec(status);
    return {
      pid,
      ppid: Number(fields[1]),
      uid: Number(uids?.[1]),
      state: fields[0]!,
      name: stat.slice(stat.indexOf('(') + 1, end),
      startTime: Number(fields[19]),
      commandLine: commandLine === '' ? [] : commandLine.replace(/\0$/, '').split('\0'),
    };
  } catch {
    // ENOENT and ESRCH: gone. EACCES cannot be for these three files, unless proc hides others'
    // processes (hidepid), and then they are not there for us.
    return undefined;
  }
}

/** Every process that can be seen, in the order of their pids. */
export function listProcesses(proc = '/proc'): ProcessInfo[] {
  return readdirSync(proc)
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .toSorted((a, b) => a - b)
    .flatMap((pid) => readProcess(pid, proc) ?? []);
}

/**
 * Find a program by its name: the kernel's name for it, the base name of its first argument, or the
 * base name of an interpreter's script. Only the roots are returned, that is processes whose parent is
 * not one too (nginx's master, not its workers), and neither zombies nor ourselves.
 * @param name such as `nginx` or `app.py`
 */
export function findProcesses(name: string, proc = '/proc', self = process.pid): ProcessInfo[] {
  const matching = listProcesses(proc).filter((each) => each.state !== 'Z' && namesOf(each).includes(name));
  const pids = new Set(matching.map(({ pid }) => pid));
  return matching.filter(({ pid, ppid }) => pid !== self && !pids.has(ppid));
}

/** The names by which people may mean a process. */
export function namesOf({ name, commandLine }: Pick<ProcessInfo, 'name' | 'commandLine'>): string[] {
  const [program = '', ...args] = commandLine;
  const names = [name, basename(program)];
  if (INTERPRETERS.test(basename(program))) {
    const script = args.find((arg) => !arg.startsWith('-'));
    if (script !== undefined) names.push(basename(script));
  }
  return names;
}

/**
 * The first process of each container of the pod, but of the one that owns the namespace (process 1)
 * and of our own. A process that was not forked inside the namespace has no parent in it; what was
 * brought in later (`docker exec`, a health check) has none either, so of each control group the
 * oldest is meant.
 */
export function containerRoots(proc = '/proc', self = process.pid): ProcessInfo[] {
  const all = listProcesses(proc);
  const parents = new Map(all.map(({ pid, ppid }) => [pid, ppid]));
  let own = self;
  for (let parent = parents.get(own); parent; parent = parents.get(own)) own = parent;
  const foreign = new Set([controlGroup(1, proc), controlGroup(own, proc)]);
  const roots = new Map<string, ProcessInfo>();
  for (const each of all) {
    if (each.ppid !== 0 || each.pid === 1 || each.pid === own) continue;
    const group = controlGroup(each.pid, proc);
    if (group === undefined || foreign.has(group)) continue;
    const known = roots.get(group);
    if (!known || each.startTime < known.startTime) roots.set(group, each);
  }
  return [...roots.values()];
}

/** Whether a process does something of its own with a signal, or ignores it, instead of dying of it. */
export function handlesSignal(pid: number, signal: NodeJS.Signals, proc = '/proc'): boolean {
  try {
    const status = readFileSync(`${proc}/${pid}/status`, 'utf8');
    const bit = 1n << BigInt(constants.signals[signal] - 1);
    return [...status.matchAll(/\nSig(?:Cgt|Ign):\s+([0-9a-f]+)/g)].some(([, mask]) => BigInt(`0x${mask}`) & bit);
  } catch {
    return false;
  }
}

/** The control group of a process as text that is the same for all of its container; undefined when it is gone. */
export function controlGroup(pid: number, proc = '/proc'): string | undefined {
  try {
    return readFileSync(`${proc}/${pid}/cgroup`, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Send a signal, unless the pid has come to mean another process since it was looked at.
 * @param target as it was found
 * @param signal 0 only asks whether it could be sent
 * @throws {ProcessError} when the process is gone, or belongs to somebody whom we may not signal
 */
export function sendSignal(
  { pid, startTime, uid }: Pick<ProcessInfo, 'pid' | 'startTime' | 'uid'>,
  signal: NodeJS.Signals | 0,
  proc = '/proc',
): void {
  const now = readProcess(pid, proc);
  if (now?.startTime !== startTime) throw new ProcessError('gone', `process ${pid} is gone`);
  try {
    process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') throw new ProcessError('gone', `process ${pid} is gone`, { cause: error });
    if (code === 'EPERM') {
      throw new ProcessError(
        'denied',
        `process ${pid} is of user ${uid} and we are of user ${process.geteuid?.()}: ` +
          'run this sidecar as the same user, or give it the capability KILL',
        { cause: error },
      );
    }
    throw error;
  }
}
