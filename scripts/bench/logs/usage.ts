/** What a shipper has used, from /proc. */
import type { Project } from '../../lib/compose.ts';

const TICKS_PER_SECOND = 100;
const PROGRAMS = /^(node|rsyslogd|collector)/;

export interface Usage {
  /** Processor time in seconds. */
  readonly cpu: number;
  /** Resident memory in MB, now and at its most. */
  readonly rss: number;
  /** As `rss`, with pages that processes share divided among them. */
  readonly pss: number;
  readonly peak: number;
}

/**
 * Processor time and memory of a service's program.
 * @throws when it does not run
 */
export async function usage(project: Project, service: string): Promise<Usage> {
  const text = await project.exec(service, [
    'bash',
    '-c',
    'for p in /proc/[0-9]*; do printf "%s\\n" "#$(< $p/comm)" "$(< $p/stat)" "$(< $p/status)" "$(< $p/smaps_rollup)"; done 2>/dev/null',
  ]);
  for (const process of text.split(/^#/m)) {
    if (!PROGRAMS.test(process)) continue;
    // Source: proc_pid_stat(5), fields 14 and 15, counted behind the name in parentheses.
    const fields = /\) (.*)/.exec(process)![1]!.split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const megabytes = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(process)![1]) / 1024;
    return {
      cpu: ticks / TICKS_PER_SECOND,
      rss: megabytes('VmRSS'),
      pss: megabytes('\\nPss'),
      peak: megabytes('VmHWM'),
    };
  }
  throw new Error(`no shipper runs in ${service}`);
}
