/** config-sync beside polling reloaders, a fleet of it on one server, and what it costs. */
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { setup } from '../../setup/setup.ts';
import { ConfigServer } from '../../lib/config-server.ts';
import { alone, percentile, type Bench, type Measurement, round } from '../measurement.ts';
import { costOf, idleCpu } from './cost.ts';
import { boardIni, Clock, type Side } from './latency.ts';

/** Changes of ours in all rounds; peers take a second for each, and get fewer. */
const CHANGES = 200;
const PEER_CHANGES = 40;
const FLEET = 200;
const FLEET_CHANGES = 5;
/** An idle sidecar wakes for a heartbeat and a poll every 10 s: three of each. */
const IDLE_SECONDS = 30;

export const bench: Bench = async ({ rounds, signal, progress }) => {
  await setup({ say: progress, signal });
  const project = new Project({ name: 'sidecar-stacks-bench-config', dir: import.meta.dirname });
  await project.down();
  try {
    progress('building and starting the server');
    await buildImages(project, undefined, { signal });
    await project.up(['server', 'fleet'], { signal });
    const url = `http://${await project.port('server', 8080)}`;
    const server = new ConfigServer(url, await project.exec('fleet', ['cat', '/run/operator/token']));
    await server.create('board.ini', boardIni(1));
    await project.up([], { signal });
    return await measure(project, server);
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(project: Project, server: ConfigServer): Promise<Measurement[]> {
    const sideOf = async (name: string): Promise<Side> => ({
      url: `http://${await project.port(`${name}-pod`, 8080)}/`,
    });
    const [ours, poll, confd] = (await Promise.all(['ours', 'poll', 'confd'].map(sideOf))) as [Side, Side, Side];
    const clock = new Clock(server, { release: 1, version: await server.version('board.ini') });
    const random = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * ms));
    for (let change = 0; change < 10; change++) await clock.change([ours], signal);
    await clock.change([ours, poll, confd], signal);
    progress('warmed up');

    const idle = await idleCpu(project, 'ours-config', IDLE_SECONDS);
    progress(`idle for ${IDLE_SECONDS} s: ${idle.toFixed(3)} % CPU`);

    const times = { ours: [] as number[], poll: [] as number[], confd: [] as number[] };
    for (let round = 1; round <= rounds; round++) {
      for (let change = 0; change < CHANGES / rounds; change++) {
        await random(20);
        times.ours.push(...(await clock.change([ours], signal)));
      }
      // Those who poll are asked at any moment of their second.
      for (let change = 0; change < PEER_CHANGES / rounds; change++) {
        await random(1000);
        const [first, second] = (await clock.change([poll, confd], signal)) as [number, number];
        times.poll.push(first);
        times.confd.push(second);
      }
      progress(
        `round ${round} of ${rounds}: ${Object.entries(times)
          .map(
            ([name, each]) =>
              `${name} p50 ${percentile(each, 0.5).toFixed(1)} p99 ${percentile(each, 0.99).toFixed(1)} ms`,
          )
          .join(', ')}`,
      );
    }
    const sidecar = await costOf(project, 'ours-config');
    const serverCost = await costOf(project, 'server');

    progress(`starting ${FLEET} sidecars`);
    const output = await project.exec('fleet', ['node', '/fleet/fleet.ts', String(FLEET), String(FLEET_CHANGES)], {
      timeoutMs: 400_000,
      signal,
    });
    const { latencies } = JSON.parse(output) as { latencies: number[] };
    const serverPeak = (await costOf(project, 'server')).peak;
    await eventually('the board is still served', () => clock.change([ours], signal).then(() => true));
    return [
      ...latency('put_to_served_p50_ms', 0.5, 10, times),
      ...latency('put_to_served_p99_ms', 0.99, 50, times),
      alone('config', 'fanout200_p99_ms', percentile(latencies, 0.99), 1000),
      alone('config', 'server_peak_rss_mb', serverPeak, 150),
      alone('config', 'server_rss_mb', serverCost.rss),
      alone('config', 'server_pss_mb', serverCost.pss, 48),
      alone('config', 'server_own_mb', serverCost.own, 48),
      alone('config', 'idle_cpu_pct', idle, 0.2),
      alone('config', 'rss_mb', sidecar.rss),
      alone('config', 'pss_mb', sidecar.pss, 48),
      alone('config', 'own_mb', sidecar.own, 48),
    ];
  }
};

/** One line for each peer. */
function latency(
  metric: string,
  share: number,
  limit: number,
  times: { ours: readonly number[]; poll: readonly number[]; confd: readonly number[] },
): Measurement[] {
  const ours = percentile(times.ours, share);
  return (
    [
      ['polling, in place', times.poll],
      ['confd-style polling', times.confd],
    ] as const
  ).map(([peer, samples]) => {
    const theirs = percentile(samples, share);
    return { ...alone('config', metric, ours, limit), peer, theirs: round(theirs), ratio: round(theirs / ours) };
  });
}
