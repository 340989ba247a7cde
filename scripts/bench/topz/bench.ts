/** The topz sidecar beside ps and top, over the same five hundred processes. */
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { setup } from '../../setup/setup.ts';
import { alone, compare, median, type Bench, type Measurement } from '../measurement.ts';
import type { Memory } from '../load.ts';
import { compareScans, scrapeCost, topzMemory } from './load.ts';

/** How often each side scans in a round. */
const SCANS = 8;
/** Ticks of 10 ms want some seconds to tell a percent. */
const LEAST_SECONDS = 10;
const CPU_LIMIT = 2;
const PSS_LIMIT = 64;

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const project = new Project({ name: 'sidecar-stacks-bench-topz', dir: import.meta.dirname });
  await project.down();
  try {
    progress('building and starting five hundred processes');
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    const version = (await project.exec('crowd', ['ps', '--version'])).replace('ps from procps-ng ', 'procps ');
    return await measure(version);
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(procps: string): Promise<Measurement[]> {
    const scans = { topz: [] as number[], ps: [] as number[], top: [] as number[] };
    const cpu = { ours: [] as number[], theirs: [] as number[] };
    const memory: Memory[] = [];
    await compareScans(project, SCANS);
    progress('warmed up');
    for (let round = 1; round <= rounds; round++) {
      signal.throwIfAborted();
      const times = await compareScans(project, SCANS);
      for (const side of ['topz', 'ps', 'top'] as const) scans[side].push(median(times[side]));
      const cost = await scrapeCost(project, Math.max(LEAST_SECONDS, seconds));
      cpu.ours.push(cost.topz);
      cpu.theirs.push(cost.ps);
      memory.push(await topzMemory(project));
      progress(
        `round ${round} of ${rounds}: scan ${scans.topz.at(-1)!.toFixed(1)} ms, ps ${scans.ps.at(-1)!.toFixed(1)}, top ${scans.top.at(-1)!.toFixed(1)}; a scrape a second ${cost.topz.toFixed(2)} %, ps ${cost.ps.toFixed(2)}; ${memory.at(-1)!.rss.toFixed(1)} MB`,
      );
    }
    const of = (metric: string, peer: string) => ({ bench: 'topz', metric, peer, better: 'less' as const });
    const most = (field: keyof Memory): number => Math.max(...memory.map((each) => each[field]));
    return [
      compare(of('scan500_ms', `ps -eo, ${procps}`), { ours: scans.topz, theirs: scans.ps }, { ratio: 1 }),
      compare(of('scan500_ms', `top -b -n 1, ${procps}`), { ours: scans.topz, theirs: scans.top }, { ratio: 1 }),
      compare(of('scrape_cpu_pct', 'ps -eo, once a second'), cpu, { limit: CPU_LIMIT }),
      alone('topz', 'rss_mb', most('rss')),
      alone('topz', 'pss_mb', most('pss'), PSS_LIMIT),
    ];
  }
};
