/** The TLS sidecar beside nginx, HAProxy, Caddy and Envoy: one worker each, the same certificate, the same origin. */
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { provideWheels } from '../../lib/wheels.ts';
import { setup } from '../../setup/setup.ts';
import { agedRatio, ratesOf } from '../aging.ts';
import { compare, type Bench, type Measurement } from '../measurement.ts';
import { h2load, idleMb, latencies, memoryMb, wrk, type Memory } from '../load.ts';

/** Ports by their services' names; each has one before the origin, and the next one before a gRPC server. */
const PORTS = { ours: 8443, nginx: 9443, haproxy: 5443, caddy: 7443, envoy: 6443 } as const;
/** Folders of the images whose programs are wheels. */
const WHEELS = { caddy: 'scripts/bench/tls/caddy', envoy: 'stacks/mesh/services/envoy' } as const;
/** What they are called, and how they say their version. */
const PEERS = {
  nginx: ['nginx', 'nginx -v 2>&1'],
  haproxy: ['HAProxy', 'haproxy -v'],
  caddy: ['Caddy', 'caddy version'],
  envoy: ['Envoy', 'envoy --version'],
} as const;
const IDLE_CONNECTIONS = 10_000;
const DIRECT = 'http://127.0.0.1:8080';
/** Requests a second at which the tail is compared: well below what either can do. */
const EQUAL_LOAD = 5000;
const LIGHT_LOAD = 1000;
/** A difference of two medians below this, in milliseconds, is noise and counts as this. */
const RESOLUTION = 0.05;

type Side = keyof typeof PORTS;
type Samples = Record<Side, number[]>;
/** Whom we compare ourselves with. */
type Peer = Exclude<Side, 'ours'>;

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const profiles: string[] = [];
  for (const [peer, folder] of Object.entries(WHEELS)) {
    const missing = await provideWheels(folder);
    if (missing === undefined) profiles.push(peer);
    else progress(`without ${peer}: ${missing}`);
  }
  const project = new Project({
    name: 'sidecar-stacks-bench-tls',
    dir: import.meta.dirname,
    env: { COMPOSE_PROFILES: profiles.join(',') },
  });
  await project.down();
  try {
    progress('building and starting the pod');
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    const peers: (readonly [Peer, string])[] = [];
    for (const [peer, [name, command]] of Object.entries(PEERS) as [Peer, (typeof PEERS)[Peer]][]) {
      if (peer in WHEELS && !profiles.includes(peer)) continue;
      const said = await project.exec(peer, ['bash', '-c', command]);
      peers.push([peer, `${name} ${/\b\d+\.\d+\.\d+\b/.exec(said)?.[0] ?? ''}`]);
    }
    for (const side of ['ours', ...peers.map(([peer]) => peer)] as Side[])
      progress(`${side} exchanges keys by ${await keyExchange(project, PORTS[side])}`);
    return await measure(project, peers);
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
      pss: fresh(),
      added: fresh(),
      idle: fresh(),
      after: fresh(),
    };
    for (const side of all) {
      await wrk(project, { url: `${urlOf(side)}/small`, seconds: 3 });
      progress(`warmed up ${side}`);
    }
    const keptAlive = (side: Side): Promise<number> => wrk(project, { url: `${urlOf(side)}/small`, seconds });
    const young = await ratesOf(all, keptAlive);
    for (let round = 1; round <= rounds; round++) {
      // Each side is first as often as the others.
      const first = (round - 1) % all.length;
      for (const side of [...all.slice(first), ...all.slice(0, first)]) {
        signal.throwIfAborted();
        const url = urlOf(side);
        samples.keepalive[side].push(await keptAlive(side));
        // A load of its own: looking costs what is measured above.
        const [, memory] = await Promise.all([
          wrk(project, { url: `${url}/small`, seconds: 2 }),
          peakMb(project, side, 2),
        ]);
        samples.rss[side].push(memory.rss);
        samples.pss[side].push(memory.pss);
        samples.body64k[side].push(await wrk(project, { url: `${url}/64k`, seconds }));
        samples.h2[side].push(await h2load(project, { url: `${url}/small`, seconds }));
        const calls = { url: `${urlOf(side, 1)}/bench.Echo/Unary`, seconds, call: true };
        samples.grpc[side].push(await h2load(project, calls));
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
    // Behind them are storms of handshakes, ten thousand idle connections and gigabytes of bodies, once a round.
    const old = await ratesOf(all, keptAlive);
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
        against('pss_mb', 'less', samples.pss, { limit: 64 }),
        against('idle10k_mb', 'less', samples.idle, { limit: 200 }),
        against('after10k_mb', 'less', samples.after, { limit: 110 }),
        against('added_p50_ms', 'less', samples.added, { limit: 0.3 }),
        agedRatio('tls', [peer, name], 'ours', young, old),
      ];
    });
  }
};

const fresh = (): Samples => ({ ours: [], nginx: [], haproxy: [], caddy: [], envoy: [] });
const urlOf = (side: Side, further = 0): string => `https://127.0.0.1:${PORTS[side] + further}`;

/** The group in which a client of OpenSSL's that has settings of its own for nothing agrees with a server of TLS 1.3. */
async function keyExchange(project: Project, port: number): Promise<string> {
  const command = `openssl s_client -connect 127.0.0.1:${port} -tls1_3 </dev/null 2>&1 || true`;
  const said = await project.exec('load', ['bash', '-c', command]);
  return /Negotiated TLS1\.3 group: (\S+)/.exec(said)?.[1] ?? 'nothing';
}

/** The most memory seen while a load runs. */
async function peakMb(project: Project, side: Side, seconds: number): Promise<Memory> {
  const end = performance.now() + seconds * 1000;
  let peak: Memory = { rss: 0, pss: 0 };
  do {
    const { rss, pss } = await memoryMb(project, side);
    peak = { rss: Math.max(peak.rss, rss), pss: Math.max(peak.pss, pss) };
    await new Promise((resolve) => setTimeout(resolve, 500));
  } while (performance.now() < end);
  return peak;
}
