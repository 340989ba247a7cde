/** What the control plane says of itself, over its published port. */
import * as assert from 'uvu/assert';
import type { Driver } from '../../../scripts/lib/driver.ts';

export interface Graph {
  /** Of the whole configuration: higher with each change. */
  readonly version: number;
  /** SHA-256 of the policy file that is in use, in hex. */
  readonly policy?: string;
  /** Why the policy file as it is now is not in use. */
  readonly problem?: string;
  readonly services: readonly {
    readonly name: string;
    readonly replicas: readonly {
      readonly name: string;
      readonly address: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly health: 'healthy' | 'unhealthy' | 'draining';
    }[];
    readonly splits?: readonly { readonly route: string; readonly weights: Readonly<Record<string, number>> }[];
  }[];
  readonly proxies: readonly {
    readonly service: string;
    readonly replica: string;
    /** Of the configuration that it has acknowledged. */
    readonly version: number;
  }[];
  /** All that are connected, gRPC applications among them. */
  readonly clients: readonly {
    readonly id: string;
    readonly types: readonly {
      /** `Cluster`, `Listener`, … */
      readonly type: string;
      /** Why it refused the last of them; absent where it did not. */
      readonly refused?: string;
    }[];
  }[];
}

const PATIENCE = 20_000;

/** The mesh as the control plane knows it. */
export async function graphOf({ env }: Pick<Driver, 'env'>): Promise<Graph> {
  const response = await fetch(`http://127.0.0.1:${env['PUBLISH_CONTROL']}/api/graph`, {
    signal: AbortSignal.timeout(PATIENCE),
  });
  assert.is(response.status, 200);
  return (await response.json()) as Graph;
}

/** The replicas whose proxies are connected and have acknowledged all that there was at a version. */
export const upToDate = ({ version, proxies }: Graph, atLeast = version): string[] =>
  proxies.filter((each) => each.version >= atLeast).map(({ replica }) => replica);

/** Whether the control plane sends requests to a replica of echo. */
export async function isEndpoint(project: Pick<Driver, 'env'>, replica: string): Promise<boolean> {
  const echo = (await graphOf(project)).services.find(({ name }) => name === 'echo')!;
  return echo.replicas.some(({ name, health }) => name === replica && health === 'healthy');
}

/** Why a client refused its clusters; undefined where it did not. @throws while it has none, and while it is not connected */
export async function clustersRefused(project: Pick<Driver, 'env'>, client: string): Promise<string | undefined> {
  const { clients } = await graphOf(project);
  const clusters = clients.find(({ id }) => id === client)?.types.find(({ type }) => type === 'Cluster');
  assert.ok(clusters, `${client} has no clusters`);
  return clusters.refused;
}

/** Take back what was changed of a split beside the policy's file. */
export async function resetSplit(project: Driver, service: string, route: string): Promise<void> {
  const token = await project.exec('control-plane', ['cat', '/operator/token']);
  const response = await fetch(`http://127.0.0.1:${project.env['PUBLISH_CONTROL']}/api/splits/${service}/${route}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token.trim()}` },
    signal: AbortSignal.timeout(PATIENCE),
  });
  assert.ok(response.ok || response.status === 404, `${response.status} ${await response.text()}`);
}
