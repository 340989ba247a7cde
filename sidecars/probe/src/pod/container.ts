/**
 * A container of the pod, seen from the shared pid namespace. What belongs to it is told by the control
 * group, which the engine gives each container alone: parents do not tell, since an orphan is taken in
 * by the pod's process 1, and whatever `docker exec` brings in has no parent at all.
 */
import { readFileSync } from 'node:fs';
import {
  containerRoots,
  controlGroup,
  findProcesses,
  listProcesses,
  type ProcessInfo,
} from '#kit/process/processes.ts';

export interface Container {
  /** Its first process: the engine's init, or the program itself. */
  readonly root: ProcessInfo;
  /** Differs for each life of the container. */
  readonly life: string;
  readonly group: string;
}

/** Several containers run a process of this name. */
export class AmbiguousProcess extends Error {
  constructor(name: string, count: number) {
    super(`${count} containers run a process named ${name}: name one that only the target runs`);
    this.name = 'AmbiguousProcess';
  }
}

/**
 * Find the container that runs a process.
 * @param name the process' name, as for the kit's findProcesses
 * @returns undefined while there is none: it is away
 * @throws {AmbiguousProcess}
 */
export function findContainer(name: string, proc = '/proc', self = process.pid): Container | undefined {
  const groups = new Set(findProcesses(name, proc, self).map(({ pid }) => controlGroup(pid, proc)));
  const found = containerRoots(proc, self).flatMap((root): Container[] => {
    const group = controlGroup(root.pid, proc);
    return group !== undefined && groups.has(group) ? [{ root, life: `${root.pid}@${root.startTime}`, group }] : [];
  });
  if (found.length > 1) throw new AmbiguousProcess(name, found.length);
  return found[0];
}

/** Every process of a container, orphans and what was brought in included. */
export const processesOf = ({ group }: Container, proc = '/proc'): ProcessInfo[] =>
  listProcesses(proc).filter(({ pid }) => controlGroup(pid, proc) === group);

/** Ticks of the kernel's clock a second, as user space is told: 100 on every Linux that Node runs on. */
const TICKS = 100;

/** How long a process has been there, in milliseconds. */
export function ageOf({ startTime }: ProcessInfo, proc = '/proc'): number {
  const uptime = Number(readFileSync(`${proc}/uptime`, 'latin1').split(' ', 1)[0]);
  return Math.max(0, uptime * 1000 - (startTime / TICKS) * 1000);
}
