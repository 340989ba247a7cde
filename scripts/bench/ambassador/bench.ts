/** The ambassador's shard mode beside nutcracker: the same three servers, the same placing of keys. */
import { eventually } from '#kit/testing/eventually.ts';
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { setup } from '../../setup/setup.ts';
import { memoryMb } from '../load.ts';
import { agedRatio, ratesOf } from '../aging.ts';
import { compare, type Bench, type Measurement } from '../measurement.ts';

const PORTS = { ours: 6379, nutcracker: 22121 } as const;
type Side = keyof typeof PORTS;
const SIDES = Object.keys(PORTS) as Side[];
type Samples = Record<Side, number[]>;

const CLIENTS = 50;
const KEYS = 100_000;
const PIPELINES = [1, 16] as const;
/** A second of load, about. */
const AGED_REQUESTS = 20_000;
const LIMIT_MB = (64 * 1024 * 1024) / 1e6;

/** What nutcracker closes the connection on. */
const CLOSED_THERE: readonly (readonly string[])[] = [
  ['HELLO', '3'],
  ['SELECT', '0'],
  ['INFO'],
  ['SCAN', '0'],
  ['CLIENT', 'SETNAME', 'bench'],
  ['BLPOP', 'none', '0.01'],
  ['PUBLISH', 'nobody', 'x'],
  ['MULTI'],
];

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const project = new Project({ name: 'sidecar-stacks-bench-ambassador', dir: import.meta.dirname });
  await project.down();
  try {
    progress('building and starting the pod');
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    for (const side of SIDES)
      await eventually(`${side} answers`, () => load(project, side, 1, 1000).then(() => true), { every: 500 });
    return await measure(project);
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(project: Project): Promise<Measurement[]> {
    const errors = await closedThere(project);
    const rates: Record<number, Samples> = {};
    const costs: Record<number, Samples> = {};
    const rss = fresh();
    const pss = fresh();
    for (const pipeline of PIPELINES) [rates[pipeline], costs[pipeline]] = [fresh(), fresh()];
    const gets = (side: Side): Promise<number> => load(project, side, 1, AGED_REQUESTS * seconds);
    const young = await ratesOf(SIDES, gets);
    for (let round = 0; round < rounds; round++) {
      for (const pipeline of PIPELINES) {
        for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
          signal.throwIfAborted();
          // About so long on any machine: by what the round before took.
          const last = rates[pipeline]![side].at(-1) ?? 20_000 * pipeline ** 0.5;
          const requests = Math.max(10_000, Math.round(last * seconds));
          const before = await cpu(project, side);
          rates[pipeline]![side].push(await load(project, side, pipeline, requests));
          costs[pipeline]![side].push((((await cpu(project, side)) - before) / requests) * 1e6);
        }
      }
      for (const side of SIDES) {
        const memory = await memoryMb(project, side);
        rss[side].push(memory.rss);
        pss[side].push(memory.pss);
      }
      progress(
        `round ${round + 1} of ${rounds}: ${shown({ p1: rates[1]!, p16: rates[16]!, cpu1: costs[1]!, cpu16: costs[16]!, rss })}`,
      );
    }
    for (const side of SIDES) await age(project, side, AGED_REQUESTS * seconds);
    const old = await ratesOf(SIDES, gets);
    const of = (metric: string, better: 'more' | 'less') => ({
      bench: 'ambassador',
      metric,
      peer: 'nutcracker',
      better,
    });
    const beside = (samples: Samples) => ({ ours: samples.ours, theirs: samples.nutcracker });
    return [
      ...PIPELINES.map((pipeline) =>
        compare(of(`get_pipeline_${pipeline}_rps`, 'more'), beside(rates[pipeline]!), { ratio: 0.7 }),
      ),
      ...PIPELINES.map((pipeline) =>
        compare(of(`get_pipeline_${pipeline}_cpu_us`, 'less'), beside(costs[pipeline]!), { ratio: 0.7 }),
      ),
      compare(of('rss_mb', 'less'), beside(rss), { limit: Math.round(LIMIT_MB) }),
      compare(of('pss_mb', 'less'), beside(pss), { limit: Math.round(LIMIT_MB) }),
      agedRatio('ambassador', ['nutcracker', 'nutcracker'], 'ours', young, old),
      compare(of('closed_connections', 'less'), { ours: [errors.ours], theirs: [errors.nutcracker] }, { limit: 0 }),
    ];
  }
};

const fresh = (): Samples => ({ ours: [], nutcracker: [] });

const shown = (samples: Record<string, Samples>): string =>
  Object.entries(samples)
    .map(
      ([name, each]) =>
        `${name} ${SIDES.map((side) => `${side} ${each[side].at(-1)?.toPrecision(4) ?? '-'}`).join(' ')}`,
    )
    .join('; ');

/** GETs a second. @throws when valkey-benchmark says anything else */
async function load(project: Project, side: Side, pipeline: number, requests: number): Promise<number> {
  const output = await project.exec(
    'client',
    // --threads off, no CONFIG asked of who does not know it.
    [
      'valkey-benchmark',
      '-p',
      String(PORTS[side]),
      '-c',
      String(CLIENTS),
      '-P',
      String(pipeline),
      '-n',
      String(requests),
    ].concat(['-r', String(KEYS), '--csv', 'GET', 'key:__rand_int__']),
    { timeoutMs: 120_000 },
  );
  const rate = /^"GET key:__rand_int__","([\d.]+)"/m.exec(output)?.[1];
  if (rate === undefined) throw new Error(`valkey-benchmark against ${side}: ${output}`);
  return Number(rate);
}

/** What a long life brings: a connection for each command, and large values. */
async function age(project: Project, side: Side, requests: number): Promise<void> {
  for (const args of [
    ['-k', '0', '-n', String(requests), 'GET', 'key:__rand_int__'],
    ['-d', '65536', '-n', String(Math.ceil(requests / 20)), '-t', 'set'],
  ])
    await project.exec(
      'client',
      ['valkey-benchmark', '-p', String(PORTS[side]), '-c', String(CLIENTS), '-q', ...args],
      {
        timeoutMs: 120_000,
      },
    );
}

/** CPU time that a side's program has spent, in seconds. */
async function cpu(project: Project, side: Side): Promise<number> {
  const stats = await project.exec(side, ['bash', '-c', 'cat /proc/[0-9]*/stat']);
  // proc(5): utime and stime are fields 14 and 15, in hundredths of a second; names may hold blanks.
  const ticks = stats
    .split('\n')
    .filter((line) => !/\((bash|cat|docker-init|tini)\)/.test(line))
    .map((line) => line.slice(line.lastIndexOf(')') + 2).split(' '))
    .reduce((sum, fields) => sum + Number(fields[11] ?? 0) + Number(fields[12] ?? 0), 0);
  return ticks / 100;
}

/** On how many commands each side closes the connection. */
async function closedThere(project: Project): Promise<Record<Side, number>> {
  const counts = { ours: 0, nutcracker: 0 };
  for (const side of SIDES)
    for (const command of CLOSED_THERE) {
      const output = await project.exec('client', [
        'sh',
        '-c',
        'valkey-cli -p "$@" 2>&1; true',
        'sh',
        String(PORTS[side]),
        ...command,
      ]);
      if (/closed the connection|Server closed|I\/O error/.test(output)) counts[side]++;
    }
  return counts;
}
