/** The log shipper beside rsyslog: the same half million lines from a file into the same store. */
import { docker } from '../../lib/engine.ts';
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { setup } from '../../setup/setup.ts';
import { compare, percentile, type Bench, type Measurement } from '../measurement.ts';
import { VictoriaLogs } from './store.ts';
import { usage } from './usage.ts';

const LINES = 500_000;
/** Lines a second at which the time until a line is found is measured. */
const RATE = 1000;
const FILES = 100;
/** How long an idle shipper is watched, in milliseconds. */
const IDLE = 20_000;

const SIDES = ['ours', 'theirs'] as const;
type Side = (typeof SIDES)[number];
type Samples = Record<Side, number[]>;
const fresh = (): Samples => ({ ours: [], theirs: [] });

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const port = await freePort();
  /** The project, its shippers reading one of the volumes. */
  const reading = (volume: 'load' | 'live' | 'many'): Project =>
    new Project({
      name: 'sidecar-stacks-bench-logs',
      dir: import.meta.dirname,
      env: { PUBLISH_STORE: String(port), BENCH_VOLUME: volume },
    });
  const [load, live, many] = [reading('load'), reading('live'), reading('many')];
  const store = new VictoriaLogs(`http://127.0.0.1:${port}`);
  await load.down();
  try {
    progress('building and starting');
    await buildImages(load, undefined, { signal });
    await load.up(['store', 'writer'], { signal });
    progress(`writing ${LINES} lines`);
    const write = (...args: string[]): Promise<string> =>
      load.exec('writer', ['write-lines', ...args], { timeoutMs: 120_000, signal });
    await write('/load/load.log', '1', String(LINES));
    for (let file = 0; file < FILES; file++) await write(`/many/${file}.log`, String(file), '5');
    const version = await load.exec('writer', [
      'bash',
      '-c',
      'dpkg-query --show --showformat "rsyslog \\${Version}" rsyslog',
    ]);

    const samples = { rate: fresh(), cpu: fresh(), rss: fresh(), visible: fresh() };
    for (let round = 1; round <= rounds; round++) {
      // Each side is first as often as the other.
      for (const side of round % 2 === 1 ? SIDES : SIDES.toReversed()) {
        signal.throwIfAborted();
        const { took, cpu, rss } = await ship(load, store, side);
        samples.rate[side].push(LINES / took);
        samples.cpu[side].push(cpu);
        samples.rss[side].push(rss);
        samples.visible[side].push(await visible(live, store, side, `${side}-${round}`, seconds));
        progress(
          `round ${round} of ${rounds}, ${side}: ${Object.entries(samples)
            .map(([name, each]) => `${name} ${each[side].at(-1)!.toPrecision(4)}`)
            .join(', ')}`,
        );
      }
    }
    const idle = await idlePercent(many);
    const of = (metric: string, better: 'more' | 'less') => ({ bench: 'logs', metric, peer: version, better });
    return [
      compare(of('lines_per_s', 'more'), samples.rate, { ratio: 1 }),
      compare(of('cpu_s', 'less'), samples.cpu, { ratio: 0.67 }),
      compare(of('peak_rss_mb', 'less'), samples.rss, { limit: 128 }),
      compare(of('visible_p50_ms', 'less'), samples.visible, { limit: 1000 }),
      alone('idle_cpu_percent', idle, 0.5),
    ] satisfies Measurement[];
  } finally {
    await load.down({ timeoutMs: 60_000 });
  }
};

/** What has a limit of its own and no peer. */
function alone(metric: string, ours: number, limit: number): Measurement {
  const rounded = Number(ours.toPrecision(3));
  return { bench: 'logs', metric, ours: rounded, target: `<= ${limit}`, reached: rounded <= limit };
}

/** A shipper that knows of nothing yet, started; and ended whatever happens. */
async function withShipper<T>(project: Project, side: Side, work: () => Promise<T>): Promise<T> {
  await project.compose(['up', '--detach', '--no-deps', '--force-recreate', '--no-start', side], { timeoutMs: 60_000 });
  try {
    return await work();
  } finally {
    await docker(['rm', '--force', await project.id(side)], { timeoutMs: 60_000 });
  }
}

/** From the start of its container until the store has taken the last line in. */
async function ship(
  project: Project,
  store: VictoriaLogs,
  side: Side,
): Promise<{ took: number; cpu: number; rss: number }> {
  return withShipper(project, side, async () => {
    const before = await store.rows();
    const started = performance.now();
    await docker(['start', await project.id(side)], { timeoutMs: 60_000 });
    const end = await eventually(
      `${side} has shipped ${LINES} lines`,
      async () => (await store.rows()) - before >= LINES && performance.now(),
      { within: 180_000, every: 50 },
    );
    return { took: (end - started) / 1000, ...(await usage(project, side)) };
  });
}

/**
 * Median time in milliseconds from a line's being written until a query finds it.
 * @param name of the file, which no other measurement has: the store still holds what was in theirs, and
 * would find it before it is written
 */
async function visible(
  project: Project,
  store: VictoriaLogs,
  side: Side,
  name: string,
  seconds: number,
): Promise<number> {
  const lines = RATE * seconds;
  const path = `${name}.log`;
  return withShipper(project, side, async () => {
    // The only file: what was in others is not to be shipped first.
    await project.exec('writer', ['bash', '-c', 'rm -f /live/*']);
    await project.exec('writer', ['write-lines', `/live/${path}`, '1', '1']);
    await docker(['start', await project.id(side)], { timeoutMs: 60_000 });
    await eventually('the first line is there', async () => (await store.highest(path)) === 1, { within: 30_000 });
    const writing = project.exec('writer', ['write-lines', `/live/${path}`, '2', String(lines), String(RATE)], {
      timeoutMs: (seconds + 60) * 1000,
    });
    // When each line was first found.
    const found: number[] = [];
    await eventually(
      'all lines are there',
      async () => {
        const highest = await store.highest(path);
        const now = Date.now();
        while (found.length < highest) found.push(now);
        return highest >= lines + 1;
      },
      { within: (seconds + 60) * 1000, every: 20 },
    );
    await writing;
    const written = await store.written(path);
    return percentile(
      [...written].filter(([seq]) => seq > 1).map(([seq, time]) => found[seq - 1]! - time),
      0.5,
    );
  });
}

/** Processor time in percent of one core while nothing is written. */
async function idlePercent(project: Project): Promise<number> {
  const side = 'ours';
  return withShipper(project, side, async () => {
    await docker(['start', await project.id(side)], { timeoutMs: 60_000 });
    // Files that have just changed are looked at more often.
    await new Promise((resolve) => setTimeout(resolve, IDLE));
    const before = (await usage(project, side)).cpu;
    await new Promise((resolve) => setTimeout(resolve, IDLE));
    return (((await usage(project, side)).cpu - before) / (IDLE / 1000)) * 100;
  });
}
