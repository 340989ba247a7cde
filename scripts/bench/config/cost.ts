/** What a container's node process costs. */
import type { Project } from '../../lib/compose.ts';

/** Prints, for the node process of a container: nanoseconds of CPU by all its threads, and its memory. */
const LOOK = `
for p in /proc/[0-9]*; do
  [[ $(<$p/comm) == node || $(tr '\\0' ' ' < $p/cmdline) == node\\ * ]] || continue
  cat $p/task/*/schedstat | while read -r ns _; do echo "ns $ns"; done
  grep -E '^(VmRSS|VmHWM|RssAnon):' $p/status
  grep '^Pss:' $p/smaps_rollup
done`;

export interface Cost {
  /** Nanoseconds of CPU since it started. */
  readonly cpu: number;
  /** Resident memory in MB: now, and the most that it ever was. */
  readonly rss: number;
  readonly peak: number;
  /** The same with pages that processes share divided among them. */
  readonly pss: number;
  /** What of `rss` is its own: all but the pages of Node's binary, which processes share. */
  readonly own: number;
}

/** @param service whose only node process is looked at */
export async function costOf(project: Project, service: string): Promise<Cost> {
  const text = await project.exec(service, ['bash', '-c', LOOK]);
  const sum = [...text.matchAll(/^ns (\d+)$/gm)].reduce((total, [, ns]) => total + Number(ns), 0);
  const megabytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) / 1024;
  const cost = {
    cpu: sum,
    rss: megabytes('VmRSS'),
    pss: megabytes('Pss'),
    peak: megabytes('VmHWM'),
    own: megabytes('RssAnon'),
  };
  if (!(cost.cpu > 0 && cost.rss > 0)) throw new Error(`no node process in ${service}: ${text}`);
  return cost;
}

/** CPU of a process that has nothing to do, in percent of one processor. */
export async function idleCpu(project: Project, service: string, seconds: number): Promise<number> {
  const before = await costOf(project, service);
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = await costOf(project, service);
  return ((after.cpu - before.cpu) / 1e6 / (performance.now() - began)) * 100;
}
