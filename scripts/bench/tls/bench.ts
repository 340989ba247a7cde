/** The TLS sidecar beside nginx: one worker each, the same TLS settings, the same origin. */
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { setup } from '../../setup/setup.ts';
import { compare, type Bench, type Measurement } from '../measurement.ts';
import { h2load, idleMb, latencies, residentMb, wrk } from '../load.ts';

const SIDES = { ours: 'https://127.0.0.1:8443', theirs: 'https://127.0.0.1:9443' } as const;
/** The same before a gRPC server. */
const GRPC = { ours: 'https://127.0.0.1:8444', theirs: 'https://127.0.0.1:9444' } as const;
const PORTS = { ours: 8443, theirs: 9443 } as const;
const IDLE_CONNECTIONS = 10_000;
const DIRECT = 'http://127.0.0.1:8080';
/** Requests a second at which the tail is compared: well below what either can do. */
const EQUAL_LOAD = 5000;
const LIGHT_LOAD = 1000;
/** A difference of two medians below this, in milliseconds, is noise and counts as this. */
const RESOLUTION = 0.05;

type Side = keyof typeof SIDES;
type Samples = Record<Side, number[]>;

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const project = new Project({ name: 'sidecar-stacks-bench-tls', dir: import.meta.dirname });
  await project.down();
  try {
    progress('building and starting the pod');
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    const version = (await project.exec('theirs', ['bash', '-c', 'nginx -v 2>&1'])).replace(
      'nginx version: nginx/',
      'nginx ',
    );
    return await measure(project, version);
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(project: Project, peer: string): Promise<Measurement[]> {
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
    for (const [side, url] of Object.entries(SIDES)) {
      await wrk(project, { url: `${url}/small`, seconds: 3 });
      progress(`warmed up ${side}`);
    }
    for (let round = 1; round <= rounds; round++) {
      // Each side is first as often as the other.
      const sides = (round % 2 === 1 ? ['ours', 'theirs'] : ['theirs', 'ours']) as Side[];
      for (const side of sides) {
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
    const of = (metric: string, better: 'more' | 'less') => ({ bench: 'tls', metric, peer, better });
    return [
      compare(of('keepalive_rps', 'more'), samples.keepalive, { ratio: 1 }),
      compare(of('body64k_rps', 'more'), samples.body64k, { ratio: 1.2 }),
      compare(of('h2_rps', 'more'), samples.h2, { ratio: 0.9 }),
      compare(of('grpc_rps', 'more'), samples.grpc, { ratio: 0.9 }),
      compare(of('p99_ms', 'less'), samples.p99, { ratio: 1 }),
      compare(of('handshakes', 'more'), samples.handshakes, { ratio: 0.8 }),
      compare(of('rss_mb', 'less'), samples.rss, { limit: 64 }),
      compare(of('idle10k_mb', 'less'), samples.idle, { limit: 200 }),
      compare(of('after10k_mb', 'less'), samples.after, { limit: 110 }),
      compare(of('added_p50_ms', 'less'), samples.added, { limit: 0.3 }),
    ];
  }
};

const fresh = (): Samples => ({ ours: [], theirs: [] });

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
