/** The cache sidecar beside nginx's proxy_cache and Varnish: one worker, 64 MiB, the same application. */
import { eventually } from '#kit/testing/eventually.ts';
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { setup } from '../../setup/setup.ts';
import { age, agedRatio, ratesOf } from '../aging.ts';
import { compare, percentile, type Bench, type Measurement } from '../measurement.ts';
import { memoryMb, wrk } from '../load.ts';

const PORTS = { ours: 8070, nginx: 9080, varnish: 9081 } as const;
type Side = keyof typeof PORTS;
const SIDES = Object.keys(PORTS) as Side[];
type Samples = Record<Side, number[]>;

/** Bytes of an answer that is hit. */
const SIZES = [1024, 65_536] as const;
const hit = (size: number): string => `/${size}/0/max-age=3600/hit`;
const urlOf = (side: Side, path: string): string => `http://127.0.0.1:${PORTS[side]}${path}`;
/** Stampede: number of clients of a cold key whose answer takes 300 ms. */
const CLIENTS = 100;
/** Clients of a key that is not stored, whose answer takes 200 ms. */
const NO_STORE_CLIENTS = 20;
const LIMIT_MB = (64 * 1024 * 1024) / 1e6;
/** Ten times the limit, in answers of 64 KiB. */
const FILL = 10_240;

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const project = new Project({ name: 'sidecar-stacks-bench-cache', dir: import.meta.dirname });
  await project.down();
  try {
    progress('building and starting the pod');
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    for (const side of SIDES)
      await eventually(`${side} answers`, () => clients(project, side, 1, '/10/0/no-store/up').then(() => true), {
        within: 60_000,
        every: 500,
      });
    return await measure(project);
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(project: Project): Promise<Measurement[]> {
    // What is stored is one answer: requests for it differ in their fields alone.
    const hits = (side: Side, size: (typeof SIZES)[number], length = seconds): Promise<number> =>
      wrk(project, { url: urlOf(side, hit(size)), seconds: length, queries: false });
    // None is measured while it reads its program, or makes its first connections; a key that is hit is stored already.
    for (const side of SIDES) {
      for (const size of SIZES) {
        await clients(project, side, 1, hit(size));
        await hits(side, size, 1);
      }
      await clients(project, side, CLIENTS, '/1024/300/max-age=3600/cold-0');
      await clients(project, side, NO_STORE_CLIENTS, '/1024/200/no-store/never-0');
    }
    const young = await ratesOf(SIDES, (side) => hits(side, SIZES[0]));
    const samples = { small: fresh(), large: fresh(), stampede: fresh(), noStore: fresh(), rss: fresh(), pss: fresh() };
    for (let round = 1; round <= rounds; round++) {
      // Each side is first as often as the others.
      const sides = SIDES.map((_, index) => SIDES[(index + round) % SIDES.length]!);
      for (const side of sides) {
        signal.throwIfAborted();
        samples.small[side].push(await hits(side, SIZES[0]));
        samples.large[side].push(await hits(side, SIZES[1]));
        const stampede = await clients(project, side, CLIENTS, `/1024/300/max-age=3600/cold-${round}`);
        samples.stampede[side].push(percentile(stampede, 0.5));
        const path = `/1024/200/no-store/never-${round}`;
        await clients(project, side, NO_STORE_CLIENTS, path);
        samples.noStore[side].push((await clients(project, side, NO_STORE_CLIENTS, path)).at(-1)!);
      }
      progress(`round ${round} of ${rounds}: ${shown(samples)}`);
    }
    for (const side of SIDES)
      await age(project, { url: urlOf(side, hit(SIZES[0])), seconds, queries: false }, urlOf(side, hit(SIZES[1])));
    const old = await ratesOf(SIDES, (side) => hits(side, SIZES[0]));
    // Once: a cache that was filled stays full.
    for (const side of ['ours', 'varnish'] as const) {
      await project.exec(
        'client',
        ['node', '/client.mjs', String(PORTS[side]), '16', '/65536/0/max-age=3600/fill-', String(FILL)],
        {
          timeoutMs: 180_000,
        },
      );
      const memory = await memoryMb(project, side);
      samples.rss[side].push(memory.rss);
      samples.pss[side].push(memory.pss);
    }
    progress(shown(samples));
    const of = (metric: string, peer: string, better: 'more' | 'less') => ({ bench: 'cache', metric, peer, better });
    const beside = (each: Samples, peer: 'nginx' | 'varnish') => ({ ours: each.ours, theirs: each[peer] });
    return [
      compare(of('hit_1k_rps', 'nginx', 'more'), beside(samples.small, 'nginx'), { ratio: 0.9 }),
      compare(of('hit_1k_rps', 'Varnish', 'more'), beside(samples.small, 'varnish'), { ratio: 0.9 }),
      compare(of('hit_64k_rps', 'nginx', 'more'), beside(samples.large, 'nginx'), { ratio: 0.8 }),
      compare(of('hit_64k_rps', 'Varnish', 'more'), beside(samples.large, 'varnish'), { ratio: 0.8 }),
      compare(of('stampede_p50_ms', 'nginx', 'less'), beside(samples.stampede, 'nginx'), { limit: 330 }),
      compare(of('stampede_p50_ms', 'Varnish', 'less'), beside(samples.stampede, 'varnish'), { limit: 330 }),
      compare(of('nostore_last_ms', 'nginx', 'less'), beside(samples.noStore, 'nginx'), { limit: 250 }),
      compare(of('nostore_last_ms', 'Varnish', 'less'), beside(samples.noStore, 'varnish'), { limit: 250 }),
      compare(of('rss_mb', 'Varnish', 'less'), beside(samples.rss, 'varnish'), { limit: Math.round(LIMIT_MB + 48) }),
      compare(of('pss_mb', 'Varnish', 'less'), beside(samples.pss, 'varnish'), { limit: Math.round(LIMIT_MB + 48) }),
      agedRatio('cache', ['nginx', 'nginx'], 'ours', young, old),
      agedRatio('cache', ['varnish', 'Varnish'], 'ours', young, old),
    ];
  }
};

const fresh = (): Samples => ({ ours: [], nginx: [], varnish: [] });

function shown(samples: Record<string, Samples>): string {
  return Object.entries(samples)
    .map(
      ([name, each]) =>
        `${name} ${SIDES.map((side) => `${side} ${each[side].at(-1)?.toPrecision(4) ?? '-'}`).join(' ')}`,
    )
    .join('; ');
}

/** How long each of many clients waited for a path, in milliseconds, the shortest first. */
async function clients(project: Project, side: Side, count: number, path: string): Promise<number[]> {
  const output = await project.exec('client', ['node', '/client.mjs', String(PORTS[side]), String(count), path], {
    timeoutMs: 60_000,
  });
  return output.trim().split(' ').map(Number);
}
