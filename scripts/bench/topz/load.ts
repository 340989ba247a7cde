/** Looks at five hundred processes, timed inside their container. */
import type { Project } from '../../lib/compose.ts';
import type { Memory } from '../load.ts';

/** The same fields as topz has. */
const PS = 'ps -eo pid,ppid,user,state,pcpu,pmem,rss,nlwp,lstart,etime,args';

export interface Scans {
  /** Milliseconds of each scan. */
  readonly topz: number[];
  readonly ps: number[];
  readonly top: number[];
}

/**
 * Scan in turns. What is timed is what one pays: of ps and top the whole program, of topz a request
 * on a connection of its own until the last byte of the JSON, its scan included.
 * @param times how often each
 */
export async function compareScans(project: Project, times: number): Promise<Scans> {
  // Looks within 100 ms share a scan, so the sides come in turns with a pause before topz'.
  const script = `exec {pause}<> <(:)
    timed() { local begin=\${EPOCHREALTIME/./}; "$@" >/dev/null; echo "$1 $((\${EPOCHREALTIME/./} - begin))"; }
    topz() { exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /topz?format=json HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3; exec 3>&-; }
    for ((i = 0; i < ${times}; i++)); do
      read -r -t 0.2 -u "$pause"; timed topz
      timed ${PS}
      timed top -b -n 1
    done; true`;
  const text = await project.exec('crowd', ['bash', '-c', script], { timeoutMs: 120_000 });
  const of = (side: string): number[] =>
    [...text.matchAll(new RegExp(`^${side} (\\d+)$`, 'gm'))].map(([, microseconds]) => Number(microseconds) / 1000);
  return { topz: of('topz'), ps: of('ps'), top: of('top') };
}

/**
 * Processor time of one look a second: of topz for Prometheus, of ps for comparison.
 * @param seconds how many looks
 * @returns percent of one processor
 */
export async function scrapeCost(project: Project, seconds: number): Promise<{ topz: number; ps: number }> {
  const pid = await topzPid(project);
  const script = `exec {pause}<> <(:)
    ticks() { local line; read -r line </proc/${pid}/stat; set -- \${line##*) }; echo "$((\${12} + \${13}))"; }
    scrape() { exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 >/dev/null; exec 3>&-; }
    begin=\${EPOCHREALTIME/./}; before=$(ticks)
    for ((i = 0; i < ${seconds}; i++)); do scrape; read -r -t 1 -u "$pause"; done
    echo "topz $(($(ticks) - before)) $((\${EPOCHREALTIME/./} - begin))"
    TIMEFORMAT='ps %U %S'; time for i in 1 2 3 4 5; do ${PS} >/dev/null; done 2>&1`;
  const text = await project.exec('crowd', ['bash', '-c', `{ ${script}\n} 2>&1`], { timeoutMs: (seconds + 60) * 1000 });
  const [, ticks, microseconds] = /^topz (\d+) (\d+)$/m.exec(text)!;
  const [, user, system] = /^ps ([\d.]+) ([\d.]+)$/m.exec(text)!;
  return {
    topz: (Number(ticks) / 100 / (Number(microseconds) / 1e6)) * 100,
    ps: ((Number(user) + Number(system)) / 5) * 100,
  };
}

/** Memory of topz, in MiB. */
export async function topzMemory(project: Project): Promise<Memory> {
  const rollup = await project.exec('topz', ['cat', `/proc/${await topzPid(project)}/smaps_rollup`]);
  const megabytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(rollup)![1]) / 1024;
  return { rss: megabytes('Rss'), pss: megabytes('Pss') };
}

async function topzPid(project: Project): Promise<string> {
  const text = await project.exec('crowd', ['ps', '-eo', 'pid=,args=']);
  return /^ *(\d+) node .*topz\.mjs/m.exec(text)![1]!;
}
