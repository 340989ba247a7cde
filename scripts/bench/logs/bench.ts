/** The log shipper beside rsyslog and OpenTelemetry's filelog: the same half million lines from a file into one store. */
import { Project } from '../../lib/compose.ts';
import { providePeer, versionIn } from '../../lib/go-program.ts';
import { buildImages } from '../../lib/images.ts';
import { freePort } from '#kit/testing/ports.ts';
import { setup } from '../../setup/setup.ts';
import { alone, compare, median, percentile, type Bench, type Measurement } from '../measurement.ts';
import { idle, knownDelay, ship, visible, type Side } from './shippers.ts';
import { VictoriaLogs } from './store.ts';

const LINES = 500_000;
/** Idle files: a few, and the most that is asked of a shipper. */
const FEW = 100;
const MANY = 5000;
/** A delay that is known, and how much longer it may be measured, in milliseconds. */
const KNOWN = 500;
const LONGER = 250;

type Samples = Record<Side, number[]>;
const fresh = (): Samples => ({ ours: [], rsyslog: [], filelog: [] });
/** Whom we compare ourselves with. */
type Peer = Exclude<Side, 'ours'>;
/** The module of the collector's receiver. */
const FILELOG = 'github.com/open-telemetry/opentelemetry-collector-contrib/receiver/filelogreceiver';

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const program = await providePeer('collector', progress, { signal });
  if ('missing' in program) progress(`without filelog: ${program.missing}`);
  const port = await freePort();
  /** The project, its shippers reading one of the volumes. */
  const reading = (volume: 'load' | 'live' | 'few' | 'many'): Project =>
    new Project({
      name: 'sidecar-stacks-bench-logs',
      dir: import.meta.dirname,
      env: {
        PUBLISH_STORE: String(port),
        BENCH_VOLUME: volume,
        ...('path' in program && { COMPOSE_PROFILES: 'filelog', COLLECTOR: program.path }),
      },
    });
  const load = reading('load');
  const live = reading('live');
  const store = new VictoriaLogs(`http://127.0.0.1:${port}`);
  await load.down();
  try {
    progress('building and starting');
    await buildImages(load, undefined, { signal });
    await load.up(['store', 'writer'], { signal });
    progress(`writing ${LINES} lines`);
    const write = (...command: string[]): Promise<string> =>
      load.exec('writer', command, { timeoutMs: 120_000, signal });
    await write('write-lines', '/load/load.log', '1', String(LINES));
    await write('write-files', '/few', String(FEW));
    await write('write-files', '/many', String(MANY));
    const version = await write('dpkg-query', '--show', '--showformat', 'rsyslog ${Version}', 'rsyslog');
    const peers: (readonly [Peer, string])[] = [['rsyslog', version]];
    if ('path' in program) peers.push(['filelog', `filelog ${await versionIn('collector', FILELOG)}`]);
    const all: readonly Side[] = ['ours', ...peers.map(([peer]) => peer)];

    const samples = { rate: fresh(), cpu: fresh(), peak: fresh(), visible: fresh() };
    for (let round = 1; round <= rounds; round++) {
      // Each side is first as often as the others.
      const first = (round - 1) % all.length;
      for (const side of [...all.slice(first), ...all.slice(0, first)]) {
        signal.throwIfAborted();
        const { took, cpu, peak } = await ship(load, store, side, LINES);
        samples.rate[side].push(LINES / took);
        samples.cpu[side].push(cpu);
        samples.peak[side].push(peak);
        samples.visible[side].push(percentile(await visible(live, store, side, `${side}-${round}`, seconds), 0.5));
        progress(
          `round ${round} of ${rounds}, ${side}: ${Object.entries(samples)
            .map(([name, each]) => `${name} ${each[side].at(-1)!.toPrecision(4)}`)
            .join(', ')}`,
        );
      }
    }
    await checkDelays(store, progress);
    progress(`${FEW} files that do not grow, then ${MANY}`);
    const few = await idle(reading('few'));
    const many = await idle(reading('many'));
    return [
      ...peers.flatMap(([side, peer]) => {
        const of = (metric: string, better: 'more' | 'less') => ({ bench: 'logs', metric, peer, better });
        const beside = (each: Samples) => ({ ours: each.ours, theirs: each[side] });
        return [
          compare(of('lines_per_s', 'more'), beside(samples.rate), { ratio: 1.5 }),
          compare(of('cpu_s', 'less'), beside(samples.cpu), { ratio: 1 }),
          compare(of('peak_rss_mb', 'less'), beside(samples.peak), { limit: 128 }),
          compare(of('visible_p50_ms', 'less'), beside(samples.visible), { limit: 1000 }),
        ];
      }),
      alone('logs', 'idle_cpu_percent', few.percent, 0.5),
      alone('logs', `idle_${MANY}_cpu_percent`, many.percent, 2),
      alone('logs', 'idle_rss_mb', few.rss),
      alone('logs', 'idle_pss_mb', few.pss, 48),
    ] satisfies Measurement[];
  } finally {
    await load.down({ timeoutMs: 60_000 });
  }
};

/**
 * Measure a delay that is known, with the store as full as it was for the others.
 * @throws when it is not found again: then the others are no figures either
 */
async function checkDelays(store: VictoriaLogs, progress: (line: string) => void): Promise<void> {
  const measured = median(await knownDelay(store, 'known', KNOWN));
  progress(`a delay of ${KNOWN} ms is measured as ${measured} ms`);
  if (measured < KNOWN || measured > KNOWN + LONGER)
    throw new Error(`a delay of ${KNOWN} ms was measured as ${measured} ms`);
}
