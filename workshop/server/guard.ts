/**
 * Taking faults back by a process of its own, which outlives the server. What is to be undone is written down as well,
 * for the case that this process ends, too (the machine restarts): the next server takes it back.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { ROOT } from '../../scripts/lib/stacks.ts';

/** Arguments of docker commands. */
export type Commands = readonly (readonly string[])[];

interface Note {
  /** The process that will take it back. */
  readonly pid: number;
  /** When it is to, in milliseconds since the epoch. */
  readonly at: number;
  readonly undo: Commands;
}

/** Where notes of all servers of this clone lie. */
const NOTES = join(ROOT, 'artifacts', 'workshop-faults');
/** Its commands may take so long, in milliseconds: later another process has its number. */
const LATE = 10 * 60_000;

/**
 * Take a fault back: some seconds after it has been made, or after this process has ended.
 * @param ended is called when it was taken back
 * @param notes folder of notes
 * @returns to be called when the fault has been made, or could not be
 */
export function startGuard(seconds: number, undo: Commands, ended: () => void, notes = NOTES): () => void {
  mkdirSync(notes, { recursive: true });
  const file = join(notes, `${randomUUID()}.json`);
  const write = (pid: number): void =>
    writeFileSync(file, JSON.stringify({ pid, at: Date.now() + seconds * 1000, undo } satisfies Note), { mode: 0o600 });
  // Before the fault can be.
  write(process.pid);
  const program = join(import.meta.dirname, 'undo.mjs');
  const child = spawn(process.execPath, [program, String(seconds), JSON.stringify(undo), file], {
    detached: true,
    // Its input ends with this process, too: on a slow machine the fault may still be on its way.
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.once('exit', ended);
  child.once('error', ended);
  if (child.pid !== undefined) write(child.pid);
  child.unref();
  (child.stdin as Socket).on('error', () => {}).unref();
  return () => child.stdin.end();
}

/**
 * Take back, now, what processes that are no more have left.
 * @returns how many faults
 */
export function takeBackLeftOver(notes = NOTES): number {
  let found = 0;
  for (const name of namesIn(notes)) {
    const file = join(notes, name);
    const note = noteOf(file);
    if (note !== undefined && isAlive(note.pid) && Date.now() < note.at + LATE) continue;
    rmSync(file, { force: true });
    if (note === undefined) continue;
    found += 1;
    startGuard(0, note.undo, () => {}, notes)();
  }
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}

/** @returns undefined for what is none: it was cut off while it was written, before its fault */
function noteOf(file: string): Note | undefined {
  try {
    const note = JSON.parse(readFileSync(file, 'utf8')) as Partial<Note>;
    if (typeof note.pid !== 'number' || typeof note.at !== 'number' || !isCommands(note.undo)) return undefined;
    return { pid: note.pid, at: note.at, undo: note.undo };
  } catch {
    return undefined;
  }
}

const isCommands = (value: unknown): value is Commands =>
  Array.isArray(value) &&
  value.every((args) => Array.isArray(args) && args.every((each: unknown) => typeof each === 'string'));

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
