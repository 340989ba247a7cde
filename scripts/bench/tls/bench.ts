/** The TLS sidecar beside nginx and Caddy: one worker each, the same certificate, the same origin. */
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { provideWheels } from '../../lib/wheels.ts';
import { setup } from '../../setup/setup.ts';
import { compare, type Bench, type Measurement } from '../measurement.ts';
import { h2load, idleMb, latencies, residentMb, wrk } from '../load.ts';

const SIDES = {
  ours: 'https://127.0.0.1:8443',
  nginx: 'https://127.0.0.1:9443',
  caddy: 'https://127.0.0.1:7443',
} as const;
/** The same before a gRPC server. */
const GRPC = {
  ours: 'https://127.0.0.1:8444',
  nginx: 'https://127.0.0.1:9444',
  caddy: 'https://127.0.0.1:7444',
} as const;
const PORTS = { ours: 8443, nginx: 9443, caddy: 7443 } as const;
const CADDY = 'scripts/bench/tls/caddy';
const IDLE_CONNECTIONS = 10_000;
const DIRECT = 'http://127.0.0.1:8080';
/** Requests a second at which the tail is compared: well below what either can do. */
const EQUAL_LOAD = 5000;
const LIGHT_LOAD = 1000;
/** A difference of two medians below this, in milliseconds, is noise and counts as this. */
const RESOLUTION = 0.05;

type Side = keyof typeof SIDES;
type Samples = Record<Side, number[]>;
/** Whom we compare ourselves with. */
type Peer = Exclude<Side, 'ours'>;

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const missing = await provideWheels(CADDY);
  if (missing !== undefined) progress(`without Caddy: ${missing}`);
  const project = new Project({
    name: 'sidecar-stacks-bench-tls',
    dir: import.meta.dirname,
    env: { COMPOSE_PROFILES: missing === undefined ? 'caddy' : '' },
  });
  await project.down();
  try {
    progress('building and starting the pod');
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    const versionOf = async (peer: Peer, command: string): Promise<string> =>
      /\d+\.\d+\.\d+/.exec(await project.exec(peer, ['bash', '-c', command]))?.[0] ?? '';
    return await measure(project, [
      ['nginx', `nginx ${await versionOf('nginx', 'nginx -v 2>&1')}`],
      ...(missing === undefined ? [['caddy', `Caddy ${await versionOf('caddy', 'caddy version')}`] as const] : []),
    ]);
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(project: Project, peers: readonly (readonly [Peer, string])[]): Promise<Measurement[]> {
    const all: readonly Side[] = ['ours', ...peers.map(([peer]) => peer)];
    const samples = {
      keepalive: fresh(),
      body64k: fresh(),
      h2: fresh(),
      grpc: fresh(),
      p99: fresh(),
      handshakes: fresh(),
      rss: fresh(),
      added: fresh(),
      idle: fresh(),
      after: fresh(),
    };
    for (const side of all) {
      await wrk(project, { url: `${SIDES[side]}/small`, seconds: 3 });
      progress(`warmed up ${side}`);
    }
    for (let round = 1; round <= rounds; round++) {
      // Each side is first as often as the others.
      const first = (round - 1) % all.length;
      for (const side of [...all.slice(first), ...all.slice(0, first)]) {
        signal.throwIfAborted();
        const url = SIDES[side];
        samples.keepalive[side].push(await wrk(project, { url: `${url}/small`, seconds }));
        // A load of its own: looking costs what is measured above.
        const [, rss] = await Promise.all([
          wrk(project, { url: `${url}/small`, seconds: 2 }),
          peakMb(project, side, 2),
        ]);
        samples.rss[side].push(rss);
        samples.body64k[side].push(await wrk(project, { url: `${url}/64k`, seconds }));
        samples.h2[side].push(await h2load(project, { url: `${url}/small`, seconds }));
        samples.grpc[side].push(await h2load(project, { url: `${GRPC[side]}/bench.Echo/Unary`, seconds, call: true }));
        samples.handshakes[side].push(await wrk(project, { url: `${url}/small`, seconds, close: true }));
        samples.p99[side].push((await latencies(project, { url: `${url}/small`, seconds, rate: EQUAL_LOAD })).p99);
        const direct = await latencies(project, { url: `${DIRECT}/small`, seconds, rate: LIGHT_LOAD });
        const through = await latencies(project, { url: `${url}/small`, seconds, rate: LIGHT_LOAD });
        samples.added[side].push(Math.max(RESOLUTION, through.p50 - direct.p50));
        const idle = { service: side, port: PORTS[side], connections: IDLE_CONNECTIONS };
        const { open, after } = await idleMb(project, idle);
        samples.idle[side].push(open);
        samples.after[side].push(after);
        progress(
          `round ${round} of ${rounds}, ${side}: ${Object.entries(samples)
            .map(([name, each]) => `${name} ${each[side].at(-1)!.toPrecision(4)}`)
            .join(', ')}`,
        );
      }
    }
    return peers.flatMap(([peer, name]) => {
      const against = (
        metric: string,
        better: 'more' | 'less',
        each: Samples,
        target: Parameters<typeof compare>[2],
      ): Measurement =>
        compare({ bench: 'tls', metric, peer: name, better }, { ours: each.ours, theirs: each[peer] }, target);
      return [
        against('keepalive_rps', 'more', samples.keepalive, { ratio: 1 }),
        against('body64k_rps', 'more', samples.body64k, { ratio: 1.2 }),
        against('h2_rps', 'more', samples.h2, { ratio: 0.9 }),
        against('grpc_rps', 'more', samples.grpc, { ratio: 0.9 }),
        against('p99_ms', 'less', samples.p99, { ratio: 1 }),
        against('handshakes', 'more', samples.handshakes, { ratio: 0.8 }),
        against('rss_mb', 'less', samples.rss, { limit: 64 }),
        against('idle10k_mb', 'less', samples.idle, { limit: 200 }),
        against('after10k_mb', 'less', samples.after, { limit: 110 }),
        against('added_p50_ms', 'less', samples.added, { limit: 0.3 }),
      ];
    });
  }
};

const fresh = (): Samples => ({ ours: [], nginx: [], caddy: [] });

/** The most resident memory seen while a load runs. */
async function peakMb(project: Project, side: Side, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let peak = 0;
  do {
    peak = Math.max(peak, await residentMb(project, side));
    await new Promise((resolve) => setTimeout(resolve, 500));
  } while (performance.now() < end);
  return peak;
}
