/** The columns of the table of processes. */
import type { ProcessDocument } from '../src/view/document.ts';
import { elapsedText, startedText } from '../src/view/format.ts';
import { bytes } from '#kit/page/plot.ts';

export interface Column {
  readonly key: string;
  readonly title: string;
  /** What a heading's tooltip says. */
  readonly meaning: string;
  readonly number: boolean;
  readonly text: (process: ProcessDocument) => string;
  /** What it is sorted by. */
  readonly order: (process: ProcessDocument) => number | string;
  /** The field whose privilege may be missing. */
  readonly field?: string;
}

export const COLUMNS: readonly Column[] = [
  {
    key: 'pid',
    title: 'PID',
    meaning: 'Process id',
    number: true,
    text: ({ pid }) => String(pid),
    order: ({ pid }) => pid,
  },
  {
    key: 'ppid',
    title: 'PPID',
    meaning: "The parent's process id",
    number: true,
    text: ({ ppid }) => String(ppid),
    order: ({ ppid }) => ppid,
  },
  {
    key: 'user',
    title: 'User',
    meaning: "Effective user: its name in the process' own container, where that may be read",
    number: false,
    text: ({ user }) => user,
    order: ({ user }) => user,
    field: 'user',
  },
  {
    key: 'state',
    title: 'S',
    meaning: 'State: running, sleeping, disk sleep, stopped, zombie, idle',
    number: false,
    text: ({ state }) => state,
    order: ({ state }) => state,
  },
  {
    key: 'cpu',
    title: 'CPU %',
    meaning: 'Share of one processor since the last look',
    number: true,
    text: ({ cpu_percent: cpu }) => cpu?.toFixed(1) ?? '–',
    order: ({ cpu_percent: cpu }) => cpu ?? -1,
  },
  {
    key: 'memory',
    title: 'Mem %',
    meaning: "Resident memory as a share of the machine's",
    number: true,
    text: ({ memory_percent: percent }) => percent.toFixed(1),
    order: ({ memory_percent: percent }) => percent,
  },
  {
    key: 'resident',
    title: 'Resident',
    meaning: 'Resident memory',
    number: true,
    text: ({ resident_bytes: size }) => bytes(size),
    order: ({ resident_bytes: size }) => size,
  },
  {
    key: 'threads',
    title: 'Thr',
    meaning: 'Threads',
    number: true,
    text: ({ threads }) => String(threads),
    order: ({ threads }) => threads,
  },
  {
    key: 'files',
    title: 'Files',
    meaning: 'Open file descriptors',
    number: true,
    text: ({ open_files: files }) => (files === null ? '–' : String(files)),
    order: ({ open_files: files }) => files ?? -1,
    field: 'open_files',
  },
  {
    key: 'started',
    title: 'Started',
    meaning: 'Start time, UTC',
    number: true,
    text: ({ started, elapsed_seconds: age }) => startedText(started, age),
    order: ({ started }) => started,
  },
  {
    key: 'elapsed',
    title: 'Elapsed',
    meaning: 'Time since the start',
    number: true,
    text: ({ elapsed_seconds: age }) => elapsedText(age),
    order: ({ elapsed_seconds: age }) => age,
  },
  {
    key: 'command',
    title: 'Command',
    meaning: 'Arguments; secrets are hidden',
    number: false,
    text: ({ command }) => command,
    order: ({ command }) => command,
  },
];
