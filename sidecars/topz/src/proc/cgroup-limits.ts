/**
 * What a container's control group allows it, as the container itself sees it: through the root of its
 * first process, which the kernel opens to the same user and to CAP_SYS_PTRACE.
 * Sources: cgroups(7); Linux' admin-guide/cgroup-v2.rst, "memory.max" and "cpu.max", and
 * admin-guide/cgroup-v1/memory.rst, "memory.limit_in_bytes".
 */
import { attempt } from './attempt.ts';
import { readBounded } from './bounded.ts';

export interface CgroupLimits {
  /** Null where there is none. */
  readonly memoryBytes: number | null;
  /** Processors, such as 0.5; null where there is none. */
  readonly processors: number | null;
}

/** Version 1 writes the largest number of pages for "no limit": far more than any machine has. */
const UNLIMITED = 2 ** 60;

/**
 * Read the limits.
 * @param pid a process of the container
 * @returns undefined when they may not be read, or are not there
 */
export function readCgroupLimits(pid: number, proc = '/proc'): CgroupLimits | undefined {
  const read = (path: string): string | undefined =>
    attempt(() => readBounded(`${proc}/${pid}/root/sys/fs/cgroup/${path}`, 256)?.toString('latin1').trim(), undefined);
  const memory = read('memory.max') ?? read('memory/memory.limit_in_bytes');
  const processors = read('cpu.max') ?? quotaOfVersion1(read);
  if (memory === undefined && processors === undefined) return undefined;
  return { memoryBytes: bytesOf(memory), processors: processorsOf(processors) };
}

function quotaOfVersion1(read: (path: string) => string | undefined): string | undefined {
  for (const controller of ['cpu', 'cpu,cpuacct']) {
    const quota = read(`${controller}/cpu.cfs_quota_us`);
    if (quota !== undefined) return `${quota} ${read(`${controller}/cpu.cfs_period_us`) ?? ''}`;
  }
  return undefined;
}

/** `268435456`, or `max`. */
function bytesOf(text = ''): number | null {
  const bytes = /^\d{1,20}$/.test(text) ? Number(text) : UNLIMITED;
  return bytes < UNLIMITED ? bytes : null;
}

/** `50000 100000`: microseconds in each period of microseconds; `max` and `-1` for none. */
function processorsOf(text = ''): number | null {
  const [, quota, period] = /^(\d{1,15}) (\d{1,15})$/.exec(text) ?? [];
  return quota === undefined || Number(period) === 0 ? null : Math.round((Number(quota) / Number(period)) * 100) / 100;
}
