/** `?format=text`: what `top -b` would print, and a little more. */
import { amount } from '#kit/text/amount.ts';
import type { OverviewDocument, ProcessDocument } from './document.ts';
import { elapsedText, missingPrivilege, startedText, timeText } from './format.ts';
import { treeOf } from './tree.ts';

/** How the text may be sorted; numbers come largest first. */
export const SORTS = ['cpu', 'memory', 'pid', 'threads', 'files', 'started', 'user', 'command'] as const;
export type Sort = (typeof SORTS)[number];

export interface TextOptions {
  readonly sort: Sort;
  /** Children under their parents. */
  readonly tree: boolean;
  /** Of the terminal; lines are cut there, and a narrow one goes without some columns. */
  readonly width: number;
}

/** Below this many characters a line goes without the columns that are dispensable. */
const WIDE = 110;

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly dispensable?: true;
  /** @param containers names by id */
  readonly value: (process: ProcessDocument, containers: ReadonlyMap<string, string>) => string;
}

const COLUMNS: readonly Column[] = [
  { title: 'PID', align: 'right', value: ({ pid }) => String(pid) },
  { title: 'PPID', align: 'right', dispensable: true, value: ({ ppid }) => String(ppid) },
  { title: 'USER', align: 'left', value: ({ user }) => user },
  { title: 'S', align: 'left', value: ({ state }) => state },
  { title: '%CPU', align: 'right', value: ({ cpu_percent: cpu }) => cpu?.toFixed(1) ?? '-' },
  { title: '%MEM', align: 'right', dispensable: true, value: ({ memory_percent: memory }) => memory.toFixed(1) },
  { title: 'RES', align: 'right', value: ({ resident_bytes: bytes }) => amount(bytes) },
  { title: 'THR', align: 'right', value: ({ threads }) => String(threads) },
  { title: 'FD', align: 'right', value: ({ open_files: files }) => (files === null ? '-' : String(files)) },
  {
    title: 'STARTED',
    align: 'right',
    dispensable: true,
    value: ({ started, elapsed_seconds: age }) => startedText(started, age),
  },
  { title: 'ELAPSED', align: 'right', value: ({ elapsed_seconds: age }) => elapsedText(age) },
  { title: 'TIME+', align: 'right', dispensable: true, value: ({ cpu_seconds: seconds }) => timeText(seconds) },
  {
    title: 'CONTAINER',
    align: 'left',
    dispensable: true,
    value: ({ group }, containers) => containers.get(group) ?? '',
  },
];

/**
 * All processes.
 * @returns lines, each ended; the command, of any length, is last in its line
 */
export function overviewText(document: OverviewDocument, { sort, tree, width }: TextOptions): string {
  const { groups, processes } = document;
  const rows = tree
    ? treeOf(sorted(processes, sort))
    : sorted(processes, sort).map((process) => ({ process, depth: 0 }));
  const names = new Map(groups.map(({ id, name, container = name }) => [id, container]));
  const columns = COLUMNS.filter(({ dispensable }) => width >= WIDE || !dispensable);
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map(({ process }) => columns.map(({ value }) => value(process, names))),
  ];
  const widths = columns.map((_, index) => cells.reduce((most, row) => Math.max(most, row[index]!.length), 0));
  const commands = ['COMMAND', ...rows.map(({ process, depth }) => '  '.repeat(depth) + process.command)];
  const lines = cells.map((row, index) => {
    const padded = row.map((cell, at) =>
      columns[at]!.align === 'right' ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!),
    );
    return `${padded.join(' ')} ${commands[index]}`;
  });
  return [...heading(document), '', ...lines, ...missing(document), ''].map((line) => line.slice(0, width)).join('\n');
}

function heading({
  time,
  uptime_seconds: uptime,
  processors,
  memory_bytes: memory,
  load,
  omitted,
  problem,
  groups,
  processes,
}: OverviewDocument): string[] {
  const count = (states: string): number => processes.filter(({ state }) => states.includes(state)).length;
  const resident = processes.reduce((sum, { resident_bytes: bytes }) => sum + bytes, 0);
  const cpu = processes.reduce((sum, { cpu_percent: percent }) => sum + (percent ?? 0), 0);
  const left = omitted > 0 ? `, ${omitted} left out` : '';
  return [
    `topz - ${time.slice(11, 19)} up ${elapsedText(Math.floor(uptime))}, load average: ${load.map((each) => each.toFixed(2)).join(', ')}`,
    `Tasks: ${processes.length} total, ${count('R')} running, ${count('SDI')} sleeping, ${count('Tt')} stopped, ${count('Z')} zombie${left}, in ${groups.length} containers`,
    `%Cpu: ${cpu.toFixed(1)} used of ${processors * 100}; Mem: ${amount(resident)} resident of ${amount(memory)}`,
    ...(problem === undefined ? [] : [`Not all: ${problem}`]),
  ];
}

/** What could not be read, and what that would take. */
function missing({ processes }: OverviewDocument): string[] {
  const counts = new Map<string, number>();
  for (const { lacks = {} } of processes)
    for (const [field, privilege] of Object.entries(lacks)) {
      const key = `${field} of %: ${missingPrivilege(privilege)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  return counts.size === 0 ? [] : ['', ...Array.from(counts, ([key, count]) => key.replace('%', `${count} processes`))];
}

const ORDER: Readonly<Record<Sort, (a: ProcessDocument, b: ProcessDocument) => number>> = {
  cpu: (a, b) => (b.cpu_percent ?? 0) - (a.cpu_percent ?? 0),
  memory: (a, b) => b.resident_bytes - a.resident_bytes,
  pid: () => 0,
  threads: (a, b) => b.threads - a.threads,
  files: (a, b) => (b.open_files ?? 0) - (a.open_files ?? 0),
  started: (a, b) => (a.started < b.started ? 1 : a.started > b.started ? -1 : 0),
  user: (a, b) => (a.user < b.user ? -1 : a.user > b.user ? 1 : 0),
  command: (a, b) => (a.command < b.command ? -1 : a.command > b.command ? 1 : 0),
};

const sorted = (processes: readonly ProcessDocument[], sort: Sort): ProcessDocument[] =>
  processes.toSorted((a, b) => ORDER[sort](a, b) || a.pid - b.pid);
