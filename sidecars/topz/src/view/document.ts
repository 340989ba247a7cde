/**
 * What topz shows, as plain data: `?format=json`, and what the page and the text are made of.
 *
 * This is contract: fields are added, never renamed or removed without a new `version`. Each is
 * described in fields.ts.
 */
import type { Group } from '../sampling/groups.ts';
import type { Details, Namespace } from '../proc/details.ts';
import type { Limit } from '../proc/limits.ts';
import type { Process } from '../proc/process.ts';
import type { Socket } from '../proc/sockets.ts';
import type { Users } from '../proc/users.ts';
import type { Snapshot } from '../sampling/sampler.ts';

/** The capability that opens what belongs to other users' processes. */
export const PTRACE = 'CAP_SYS_PTRACE';

export interface ProcessDocument {
  readonly pid: number;
  readonly ppid: number;
  readonly user: string;
  readonly uid: number;
  readonly state: string;
  readonly cpu_percent: number | null;
  readonly cpu_seconds: number;
  readonly memory_percent: number;
  readonly resident_bytes: number;
  readonly threads: number;
  readonly open_files: number | null;
  readonly started: string;
  readonly elapsed_seconds: number;
  readonly group: string;
  readonly name: string;
  readonly command: string;
  readonly lacks?: Readonly<Record<string, string>>;
}

export interface GroupDocument {
  readonly id: string;
  /** Its main program. */
  readonly name: string;
  /** What the engine calls it; absent where that is not known. */
  readonly container?: string;
  readonly processes: number;
  readonly cpu_percent: number | null;
  readonly cpu_seconds: number;
  readonly memory_percent: number;
  readonly resident_bytes: number;
  readonly threads: number;
  readonly open_files: number | null;
  readonly started: string;
  readonly restarts: number;
  /** Of its control group, in bytes; null without a limit, absent where it may not be read. */
  readonly memory_limit_bytes?: number | null;
  /** Processors that its control group allows it; null without a limit, absent where it may not be read. */
  readonly processors_limit?: number | null;
  readonly history?: HistoryDocument;
}

export interface HistoryDocument {
  readonly period_seconds: number;
  readonly cpu_percent: readonly (number | null)[];
  readonly resident_bytes: readonly (number | null)[];
}

export interface OverviewDocument {
  readonly version: 1;
  readonly time: string;
  readonly uptime_seconds: number;
  readonly window_seconds: number | null;
  readonly processors: number;
  readonly memory_bytes: number;
  readonly load: readonly number[];
  readonly omitted: number;
  /** Why not all processes can be seen; absent when they can. */
  readonly problem?: string;
  readonly groups: readonly GroupDocument[];
  readonly processes: readonly ProcessDocument[];
}

export interface DetailDocument {
  readonly version: 1;
  readonly time: string;
  readonly process: ProcessDocument;
  readonly limits: readonly Limit[] | null;
  readonly namespaces: readonly Namespace[] | null;
  readonly sockets: readonly Socket[] | null;
  readonly history: HistoryDocument | null;
  readonly lacks?: Readonly<Record<string, string>>;
}

/**
 * Everything.
 * @param withHistory also the plots' samples of each group
 * @param period milliseconds between two of them
 */
export function overviewDocument(
  snapshot: Snapshot,
  users: Users,
  { withHistory, period }: { withHistory: boolean; period: number },
): OverviewDocument {
  const { time, uptime, window, machine, load, omitted, problem, groups, processes } = snapshot;
  return {
    version: 1,
    time: new Date(time).toISOString(),
    uptime_seconds: round(uptime, 3),
    window_seconds: window === null ? null : round(window, 3),
    processors: machine.processors,
    memory_bytes: machine.memoryBytes,
    load,
    omitted,
    ...(problem !== undefined && { problem }),
    groups: groups
      .filter(({ members }) => members.length > 0)
      .map((group) => groupDocument(group, snapshot, withHistory ? period : 0)),
    processes: Array.from(processes.values(), (process) => processDocument(process, snapshot, users)),
  };
}

/** One process with all that may be known of it. */
export function detailDocument(
  process: Process,
  details: Details,
  snapshot: Snapshot,
  users: Users,
  period: number,
): DetailDocument {
  const missing = Object.entries(details).filter(([, value]) => value === null);
  return {
    version: 1,
    time: new Date(snapshot.time).toISOString(),
    process: processDocument(process, snapshot, users),
    ...details,
    history: process.history ? { period_seconds: period / 1000, ...process.history.read(snapshot.tick) } : null,
    ...(missing.length > 0 && { lacks: Object.fromEntries(missing.map(([name]) => [name, PTRACE])) }),
  };
}

function processDocument(process: Process, snapshot: Snapshot, users: Users): ProcessDocument {
  const { machine } = snapshot;
  const user = users.nameOf(process);
  const resident = process.rssPages * machine.pageSize;
  const document: ProcessDocument = {
    pid: process.pid,
    ppid: process.ppid,
    user: user.name,
    uid: process.uid,
    state: process.state,
    cpu_percent: process.cpuPercent === null ? null : round(process.cpuPercent, 1),
    cpu_seconds: process.ticks / machine.ticksPerSecond,
    memory_percent: round((resident / machine.memoryBytes) * 100, 1),
    resident_bytes: resident,
    threads: process.threads,
    open_files: process.openFiles,
    started: startOf(process.startTicks, snapshot),
    elapsed_seconds: Math.max(0, Math.floor(snapshot.uptime - process.startTicks / machine.ticksPerSecond)),
    group: process.group,
    name: process.name,
    command: process.command,
  };
  if (!user.denied && process.openFiles !== null) return document;
  return {
    ...document,
    lacks: { ...(user.denied && { user: PTRACE }), ...(process.openFiles === null && { open_files: PTRACE }) },
  };
}

function groupDocument(group: Group, snapshot: Snapshot, period: number): GroupDocument {
  const { machine } = snapshot;
  const resident = group.rssPages * machine.pageSize;
  return {
    id: group.id,
    name: group.name,
    ...(group.container !== undefined && { container: group.container }),
    processes: group.members.length,
    cpu_percent: group.cpuPercent === null ? null : round(group.cpuPercent, 1),
    cpu_seconds: (group.userTicks + group.systemTicks) / machine.ticksPerSecond,
    memory_percent: round((resident / machine.memoryBytes) * 100, 1),
    resident_bytes: resident,
    threads: group.threads,
    open_files: group.openFiles,
    started: startOf(group.startTicks, snapshot),
    restarts: group.restarts,
    ...(group.limits && {
      memory_limit_bytes: group.limits.memoryBytes,
      processors_limit: group.limits.processors,
    }),
    ...(period > 0 && { history: { period_seconds: period / 1000, ...group.history.read(snapshot.tick) } }),
  };
}

function startOf(startTicks: number, { time, uptime, machine }: Snapshot): string {
  // To the second: the two clocks are not read in the same moment.
  const seconds = Math.round(time / 1000 - uptime + startTicks / machine.ticksPerSecond);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
