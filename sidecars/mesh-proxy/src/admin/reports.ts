/** What the admin port tells of the data path. */
import type { MeshCluster } from '../cluster/cluster.ts';
import { plainAddress } from '#proxy/sockets/connection.ts';
import type { AccessEntry } from '../telemetry/access-log.ts';
import { isLoopback } from './pod-ports.ts';
import type { Credentials } from '#mesh/model/identity.ts';

export function clusterReport(clusters: Iterable<MeshCluster>): object[] {
  const now = performance.now();
  return Array.from(clusters, (cluster) => ({
    name: cluster.name,
    requests: cluster.limits.requests,
    connections: cluster.limits.connections,
    pending: cluster.limits.pending,
    retries: cluster.limits.retries.underWay,
    endpoints: cluster.hosts.map((host) => ({
      address: `${host.model.address}:${host.model.port}`,
      health: host.model.health ?? 'healthy',
      mtls: host.secured,
      weight: host.weight,
      priority: host.priority,
      active: host.active,
      loadMs: Math.round(host.latency.load(0, now) * 1000) / 1000,
      ejected: cluster.outliers.ejected(host),
      ejections: host.ejections,
    })),
  }));
}

/**
 * The last requests, for an address that asks. Queries of paths may hold secrets: the pod itself alone sees them.
 * @param remoteAddress of who asks, as its socket has it
 */
export const requestReport = (entries: readonly AccessEntry[], remoteAddress: string | undefined): AccessEntry[] =>
  isLoopback(plainAddress(remoteAddress)) ? [...entries] : entries.map(withoutQuery);

const withoutQuery = (entry: AccessEntry): AccessEntry =>
  entry.path?.includes('?') === true ? { ...entry, path: `${entry.path.split('?', 1)[0]}?...` } : entry;

/** Nothing of the key. */
export function identityReport(credentials: Credentials | undefined): object {
  if (credentials === undefined) return { identity: null };
  const { spiffeId, notAfter, chain, trustBundle } = credentials;
  return { identity: spiffeId, notAfter: new Date(notAfter).toISOString(), chain, trustBundle };
}
