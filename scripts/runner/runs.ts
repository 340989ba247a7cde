/**
 * Which runs are going on, so that what a killed runner left behind is found and removed by the
 * next one. A run is a file `.cache/runs/PROJECT.json` with the runner's pid, removed at its end.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_VARIABLE } from '../lib/compose.ts';
import { ROOT } from '../lib/stacks.ts';

const DIR = join(ROOT, '.cache', 'runs');

interface Entry {
  readonly pid: number;
  /** Start time of that process, since pids are used again. */
  readonly started: string;
  readonly stack: string;
  /** The run whose scenario this process is: it removes what the scenario could not. */
  readonly parent?: string | undefined;
}

/** Note that this process runs a project. */
export function enterRun(project: string, stack: string): void {
  mkdirSync(DIR, { recursive: true });
  writeFileSync(
    fileOf(project),
    JSON.stringify({
      pid: process.pid,
      started: startTime(process.pid) ?? '',
      stack,
      parent: process.env[PROJECT_VARIABLE],
    } satisfies Entry),
  );
}

/** It is over, or was left up on purpose. */
export function leaveRun(project: string): void {
  rmSync(fileOf(project), { force: true });
}

/** Projects whose runner is no more, with the stack that each is of. */
export function orphanedRuns(): { project: string; stack: string }[] {
  return entries().flatMap(({ project, entry }) => {
    const alive = entry && startTime(entry.pid) === entry.started;
    return alive ? [] : [{ project, stack: entry?.stack ?? '' }];
  });
}

/** Projects that the scenario of a run made, and did not remove. */
export function childRuns(parent: string): string[] {
  return entries().flatMap(({ project, entry }) => (entry?.parent === parent ? [project] : []));
}

function entries(): { project: string; entry: Entry | undefined }[] {
  let files: string[];
  try {
    files = readdirSync(DIR);
  } catch {
    return [];
  }
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ project: file.slice(0, -'.json'.length), entry: read(file) }));
}

const fileOf = (project: string): string => join(DIR, `${project}.json`);

function read(file: string): Entry | undefined {
  try {
    return JSON.parse(readFileSync(join(DIR, file), 'utf8')) as Entry;
  } catch {
    return undefined;
  }
}

/** When a process started, in the system's own words; empty where only its being alive can be told. */
function startTime(pid: number): string | undefined {
  try {
    // Field 22 of proc(5)'s stat, counted after the command, which may hold blanks.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    try {
      process.kill(pid, 0);
      return '';
    } catch {
      return undefined;
    }
  }
}
