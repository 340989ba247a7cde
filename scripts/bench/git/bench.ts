/** The git-sync sidecar beside a loop of `git pull`, and beside git itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { setup } from '../../setup/setup.ts';
import { alone, compare, median, type Bench, type Measurement } from '../measurement.ts';
import { memoryMb } from '../load.ts';

const CLIENT = readFileSync(join(import.meta.dirname, 'client.ts'), 'utf8');

/** The big repository. */
const FILES = 10_000;
const BYTES = 200_000_000;
/** Seconds of pushes in each round; all rounds together take longer than the slow loop's period. */
const SECONDS_A_ROUND = 25;
const LEAST_SECONDS = 75;
/** How often one file is changed in the big repository, a round. */
const SWITCHES_A_ROUND = 3;
/** How long an idle sidecar is looked at, in seconds: several of its periods. */
const IDLE = 40;
/** Clock ticks a second, in which Linux counts processor time. */
const TICKS = 100;

type Samples = { ours: number[]; theirs: number[] };

export const bench: Bench = async ({ rounds, signal, progress }) => {
  await setup({ say: progress, signal });
  const project = new Project({ name: 'sidecar-stacks-bench-git', dir: import.meta.dirname });
  const client = async <Result>(mode: string, ...numbers: readonly number[]): Promise<Result> => {
    signal.throwIfAborted();
    const args = ['node', '--input-type=module-typescript', '-', mode, ...numbers.map(String)];
    return JSON.parse(await project.exec('client', args, { input: CLIENT, timeoutMs: 600_000, signal })) as Result;
  };
  await project.down();
  try {
    progress('building and starting');
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    progress(`filling a repository with ${FILES} files, ${BYTES / 1e6} MB`);
    await client('fill', FILES, BYTES);
    return await measure();
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(): Promise<Measurement[]> {
    // The sidecars settle down, and with them what is idle.
    await client('switches', 1);
    const seconds = Math.max(LEAST_SECONDS, rounds * SECONDS_A_ROUND);
    progress(`pushing for ${seconds} s`);
    const live = await client<Record<'ours' | 'pull1' | 'pull60' | 'nodemon', number[]>>('pushes', seconds);
    progress(
      `push to live, medians in ms: ${Object.entries(live)
        .map(([side, times]) => `${side} ${median(times).toFixed(0)} (${times.length} pushes)`)
        .join(', ')}`,
    );
    const first: Samples = { ours: [], theirs: [] };
    const switched: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const { ours, theirs } = await client<{ ours: number; theirs: number }>('first-sync');
      first.ours.push(ours);
      first.theirs.push(theirs);
      switched.push(...(await client<number[]>('switches', SWITCHES_A_ROUND)));
      progress(`round ${round} of ${rounds}: first sync ${ours.toFixed(0)} ms, git ${theirs.toFixed(0)} ms`);
    }
    progress(`looking at idle sidecars for ${IDLE} s`);
    const [ours, theirs] = await Promise.all([idlePercent(project, 'big'), idlePercent(project, 'pull1')]);
    const { rss, pss } = await memoryMb(project, 'big');
    return [
      compare(of('push_to_live_p50_ms', PULL_1), { ours: live.ours, theirs: live.pull1 }, { limit: 150 }),
      compare(of('push_to_live_p50_ms', PULL_60), { ours: live.ours, theirs: live.pull60 }, { limit: 150 }),
      alone('git', 'push_to_nodemon_p50_ms', median(live.nodemon)),
      // At most as long.
      compare(of('first_sync_10k', 'git clone --depth 1'), first, { ratio: 1 }),
      alone('git', 'switch_10k_ms', median(switched), 500),
      compare(of('idle_cpu_pct', PULL_1), { ours: [ours], theirs: [theirs] }, { limit: 0.2 }),
      alone('git', 'rss_mb', rss),
      alone('git', 'pss_mb', pss, 48),
    ];
  }
};

const PULL_1 = 'git pull every 1 s';
const PULL_60 = 'git pull every 60 s';

const of = (metric: string, peer: string) => ({ bench: 'git', metric, peer, better: 'less' }) as const;

/** Processor time of all of a container's processes, those that ended too, in percent of one processor. */
async function idlePercent(project: Project, service: string): Promise<number> {
  // Each process has counted what its ended children took; the measurement costs the same both times.
  const ticks = async (): Promise<number> => {
    const text = await project.exec(service, ['bash', '-c', 'cat /proc/[0-9]*/stat 2> /dev/null; true']);
    return text
      .split('\n')
      .map((line) => line.slice(line.lastIndexOf(')') + 2).split(' '))
      .reduce((total, fields) => total + fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0), 0);
  };
  const before = await ticks();
  await new Promise((resolve) => setTimeout(resolve, IDLE * 1000));
  return (((await ticks()) - before) / TICKS / IDLE) * 100;
}
