/** What the control plane says of itself, over its published port. */
import * as assert from 'uvu/assert';
import type { Driver } from '../../scripts/lib/driver.ts';

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
