/** What each container takes, and what sidecars say of themselves. */
import { request } from '#kit/net/http-client.ts';
import type { EngineApi } from '../../scripts/lib/engine-api.ts';
import { joined, variable, type Container } from './containers.ts';
import type { Usage } from './document.ts';

/** The parts of /containers/ID/stats that are looked at. */
interface Stats {
  readonly cpu_stats: { readonly cpu_usage: { readonly total_usage: number } };
  readonly memory_stats: { readonly usage?: number; readonly stats?: { readonly inactive_file?: number } };
  readonly read: string;
}

/** The metric of each sidecar that says most about its work, by the prefix of its metrics. A test compares with the contracts. */
export const MAIN_METRICS: readonly string[] = [
  'tls_requests_total',
  'config_versions_total',
  'git_sync_publications_total',
  'shipper_sent_total',
  'probe_restarts_total',
];

/** Milliseconds for a sidecar's answer. */
const PATIENCE = 800;
const MOST = 512 * 1024;

export class UsageReader {
  readonly #before = new Map<string, { readonly cpu: number; readonly at: number }>();

  /**
   * Look at one container.
   * @param owner the container whose network it shares, or itself: by whose address its admin port is reached
   */
  async read(api: EngineApi, container: Container, owner: Container | undefined): Promise<Usage> {
    const [stats, sidecar] = await Promise.all([
      api.get<Stats>(`/containers/${container.Id}/stats?stream=false&one-shot=true`).catch(() => undefined),
      sidecarFacts(container, owner),
    ]);
    return { ...this.#figures(container.Id, stats), ...sidecar };
  }

  /** Forget who is gone. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#before.keys()) if (!ids.has(id)) this.#before.delete(id);
  }

  #figures(id: string, stats: Stats | undefined): Pick<Usage, 'cpu' | 'memory'> {
    if (!stats) return { cpu: null, memory: null };
    const now = { cpu: stats.cpu_stats.cpu_usage.total_usage, at: Date.parse(stats.read) };
    const before = this.#before.get(id);
    this.#before.set(id, now);
    // Nanoseconds of processor time in milliseconds of time; a container that was restarted counts from 0.
    const cpu =
      before === undefined || now.at <= before.at || now.cpu < before.cpu
        ? null
        : (now.cpu - before.cpu) / (now.at - before.at) / 1e4;
    const { usage, stats: { inactive_file: inactive = 0 } = {} } = stats.memory_stats;
    return { cpu, memory: usage === undefined ? null : Math.max(0, usage - inactive) };
  }
}

/** Readiness and main metric, where its admin port can be reached from here. */
async function sidecarFacts(
  container: Container,
  owner: Container | undefined,
): Promise<Pick<Usage, 'ready' | 'metric'>> {
  const nothing = { ready: null, metric: null };
  const port = variable(container, 'ADMIN_PORT');
  const address = Object.values(owner?.NetworkSettings.Networks ?? {}).find(
    ({ IPAddress }) => IPAddress !== '',
  )?.IPAddress;
  // An image says it: only digits become part of the address that is asked.
  if (
    port === undefined ||
    !/^\d{1,5}$/.test(port) ||
    address === undefined ||
    !container.State.Running ||
    container.State.Paused
  )
    return nothing;
  try {
    const ask = (path: string) => request(`http://${address}:${port}${path}`, { timeout: PATIENCE, maxBody: MOST });
    const [readyz, metrics] = await Promise.all([ask('/readyz'), ask('/metrics')]);
    return { ready: readyz.status === 200, metric: mainMetric(metrics.body.toString()) };
  } catch {
    return nothing;
  }
}

/** The sum of the main metric's samples in the text format; null where there is none. */
export function mainMetric(text: string): Usage['metric'] {
  for (const name of MAIN_METRICS) {
    const samples = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    if (samples.length === 0) continue;
    const value = samples.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    if (Number.isFinite(value)) return { name, value };
  }
  return null;
}

/** Whose address a container is reached by. */
export const networkOwner = (container: Container, all: readonly Container[]): Container | undefined => {
  const owner = joined(container, 'net');
  return owner === undefined ? container : all.find(({ Id }) => Id === owner);
};
