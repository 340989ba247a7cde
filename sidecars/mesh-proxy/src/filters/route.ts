/** Where a request of the application's goes. */
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Cluster } from '#proxy/upstream/cluster.ts';
import { HashedCluster } from '../cluster/hashed.ts';
import { hashOf } from '../cluster/ring.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { Snapshot } from '../compile/snapshot.ts';
import type { HashPolicy, Route } from '../model/route.ts';
import { MeshRetry } from '../policy/retry.ts';
import { RetryRules } from '../policy/retry-rules.ts';
import type { Passthrough } from '../listeners/passthrough.ts';
import { refuse } from './refuse.ts';
import { recordOf, type Record } from './record.ts';

export interface RouteOptions {
  readonly snapshot: () => Snapshot;
  readonly passthrough: Passthrough;
}

const NO_RETRIES = new RetryRules({ on: [], attempts: 0 }, 'no retries');

/** Filter: chooses route and cluster, and how often and how long the cluster is tried. */
export function route({ snapshot, passthrough }: RouteOptions): Filter {
  return {
    onRequest(exchange) {
      const record = recordOf(exchange);
      const { connection } = record;
      const host = connection.listener?.hosts.find(exchange.request.authority);
      if (host === undefined) {
        if (snapshot().configuration.outbound.unknown === 'REGISTRY_ONLY')
          return refuse(record, 502, 'NR', unknownHost(record));
        exchange.cluster = passthrough.to(connection.destination);
        exchange.timeout = Infinity;
        return undefined;
      }
      const found = host.find(exchange.request);
      if (found === undefined)
        return refuse(record, 404, 'NR', `No route of ${host.name} fits ${record.method} ${exchange.request.path}.`);
      record.route = found;
      exchange.timeout = found.route.timeout || Infinity;
      if (found.clusters === undefined) return ownReply(record, found.route.reply!);
      const cluster = found.clusters.pick(Math.random());
      record.cluster = cluster;
      exchange.cluster = found.hash === undefined ? cluster : hashed(cluster, found.hash, exchange);
      // Without another endpoint there is no other try that a route need not ask for.
      if (found.retry !== undefined || cluster.hosts.length > 1)
        exchange.retry = new MeshRetry(found.retry ?? NO_RETRIES, cluster, record);
      if (found.route.rewrite !== undefined) rewrite(exchange, found.route);
      return undefined;
    },
  };
}

function unknownHost({ authority, connection: { destination } }: Record): string {
  return `${authority || 'No host'} on port ${destination.port} is not known to the mesh, and only what is known is let out (REGISTRY_ONLY).`;
}

function ownReply(record: Record, { status, body }: NonNullable<Route['reply']>): Reply {
  record.local = true;
  record.cause = `The route ${record.route!.name} answers by itself.`;
  return { status, ...(body !== undefined && { body, fields: [['Content-Type', 'text/plain']] }) };
}

/** The cluster, or one of its endpoints by what the request says. */
function hashed(cluster: MeshCluster, policies: readonly HashPolicy[], exchange: FilteredExchange): Cluster {
  for (const policy of policies) {
    const text = 'header' in policy ? exchange.request.get(policy.header) : exchange.downstream.remoteAddress;
    if (text !== undefined) return new HashedCluster(cluster, hashOf(text));
  }
  return cluster;
}

function rewrite({ request }: FilteredExchange, { match, rewrite: { prefix, authority } = {} }: Route): void {
  if (authority !== undefined) request.authority = authority;
  if (prefix === undefined) return;
  const { path = { prefix: '/' } } = match;
  const { target } = request;
  const query = target.indexOf('?');
  const whole = query === -1 ? target : target.slice(0, query);
  const taken = 'prefix' in path ? path.prefix.length : 'exact' in path ? path.exact.length : whole.length;
  const rest = whole.slice(taken);
  const joined = prefix.endsWith('/') && rest.startsWith('/') ? prefix + rest.slice(1) : prefix + rest;
  request.target = `${joined.startsWith('/') ? joined : `/${joined}`}${query === -1 ? '' : target.slice(query)}`;
}
