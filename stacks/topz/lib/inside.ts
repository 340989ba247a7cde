/** The same processes, asked for inside the app's container. */
import type { Project } from '../../../scripts/lib/compose.ts';

/** A line of ps. */
export interface PsLine {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly threads: number;
  /** KiB. */
  readonly rss: number;
  readonly args: string;
}

/** What `ps` of the app's own image shows, but itself. */
export async function ps(project: Project, service: string): Promise<PsLine[]> {
  const text = await project.exec(service, ['ps', '-ww', '-eo', 'pid=,ppid=,uid=,nlwp=,rss=,args=']);
  return text
    .split('\n')
    .map((line) => {
      const [, pid, ppid, uid, threads, rss, args] = /^ *(\d+) +(\d+) +(\d+) +(\d+) +(\d+) (.*)$/.exec(line) ?? [];
      return {
        pid: Number(pid),
        ppid: Number(ppid),
        uid: Number(uid),
        threads: Number(threads),
        rss: Number(rss),
        args: args ?? line,
      };
    })
    .filter(({ args }) => !args.startsWith('ps -ww '));
}

/** Process ids and start times of a service's user: what a restart would change. */
export async function lives(project: Project, service: string, uid: number): Promise<string[]> {
  const script = `for stat in /proc/[0-9]*/stat; do
    [[ $(stat -c %u "\${stat%/stat}") == ${uid} ]] && sed 's/(.*) //' "$stat" 2>&-
  done | cut -d' ' -f1,21; true`;
  return (await project.exec(service, ['bash', '-c', script])).split('\n').toSorted();
}

/** One reading of the processor time that the kernel charged a process. */
export interface Charge {
  /** Seconds since the machine's start. */
  readonly at: number;
  readonly nanoseconds: number;
}

/**
 * Read, again and again, what the scheduler charged a process (proc(5), schedstat): a source that
 * topz does not use, and finer than its.
 * @param seconds how long
 */
export async function charges(project: Project, service: string, pid: number, seconds: number): Promise<Charge[]> {
  const script = `exec {pause}<> <(:)
    end=$((SECONDS + ${seconds}))
    while ((SECONDS < end)); do
      read -r up _ </proc/uptime && read -r ns _ </proc/${pid}/schedstat && echo "$up $ns"
      read -r -t 0.01 -u "$pause"
    done; true`;
  const text = await project.exec(service, ['bash', '-c', script], { timeoutMs: (seconds + 30) * 1000 });
  return text.split('\n').map((line) => {
    const [at, nanoseconds] = line.split(' ').map(Number);
    return { at: at!, nanoseconds: nanoseconds! };
  });
}

/**
 * The processor time charged up to a moment, between the two readings around it.
 * @returns undefined when they are too far apart to tell
 */
export function chargedAt(readings: readonly Charge[], at: number): number | undefined {
  const index = readings.findIndex((each) => each.at >= at);
  const [before, after] = [readings[index - 1], readings[index]];
  if (!before || !after || after.at - before.at > 0.06) return undefined;
  const share = (at - before.at) / (after.at - before.at);
  return before.nanoseconds + share * (after.nanoseconds - before.nanoseconds);
}
