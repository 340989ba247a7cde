/** Where a request of the application's goes. */
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Cluster } from '#proxy/upstream/cluster.ts';
import { ChoosingCluster } from '../cluster/choosing.ts';
import { hashOf } from '../cluster/ring.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import { readField } from '../policy/matchers.ts';
import type { KnownEndpoint, Snapshot } from '../compile/snapshot.ts';
import type { HashPolicy, Route } from '#mesh/model/route.ts';
import { MeshRetry } from './retry.ts';
import { RetryRules } from '../policy/retry-rules.ts';
import type { Passthrough } from '../destination/passthrough.ts';
import { preflight } from './cors.ts';
import { refuse } from './refuse.ts';
import { requestStateOf, type RequestState } from '../stream-info/request-state.ts';

export interface RouteOptions {
  readonly snapshot: () => Snapshot;
  readonly passthrough: Passthrough;
}

const NO_RETRIES = new RetryRules({ on: [], attempts: 0 }, 'no retries');

/** Filter: chooses route and cluster, and how often and how long the cluster is tried. */
export function route({ snapshot, passthrough }: RouteOptions): Filter {
  return {
    onRequest(exchange) {
      const record = requestStateOf(exchange);
      const { connection } = record;
      const host = connection.listener?.hosts.find(exchange.request.authority);
      if (host === undefined) {
        const known = snapshot().endpoint(connection.destination);
        if (known !== undefined) return toEndpoint(exchange, record, known);
        if (snapshot().configuration.outbound.unknown === 'REGISTRY_ONLY')
          return refuse(record, 502, 'NR', unknownHost(record));
        const member = snapshot().member(connection.destination);
        const cluster = passthrough.to(connection.destination, member);
        exchange.cluster = cluster;
        if (member !== undefined) record.cluster = cluster;
        exchange.timeout = Infinity;
        return undefined;
      }
      const found = host.find(exchange.request);
      if (found === undefined)
        return refuse(record, 404, 'NR', `No route of ${host.name} fits ${record.method} ${exchange.request.path}.`);
      record.route = found;
      exchange.timeout = found.route.timeout || Infinity;
      const { idleTimeout } = found.route;
      if (idleTimeout !== undefined) exchange.idleTimeout = idleTimeout || Infinity;
      const answer = found.cors && preflight(record, exchange.request);
      if (answer !== undefined) return answer;
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

/**
 * Nothing that is routed by name, and meant for an endpoint that is known (a container's own name, a pod's address, a
 * Host of the outside): it goes there and nowhere else, as it would without a mesh, and by mTLS.
 */
function toEndpoint(exchange: FilteredExchange, record: RequestState, { cluster, host }: KnownEndpoint): undefined {
  record.cluster = cluster;
  exchange.cluster = new ChoosingCluster(cluster, () => host.endpoint(record.connection.protocol));
  exchange.timeout = Infinity;
}

function unknownHost({ authority, connection: { destination } }: RequestState): string {
  return `${authority || 'No host'} on port ${destination.port} is not known to the mesh, and only what is known is let out (REGISTRY_ONLY).`;
}

function ownReply(record: RequestState, { status, body }: NonNullable<Route['reply']>): Reply {
  record.local = true;
  record.cause = `The route ${record.route!.name} answers by itself.`;
  return { status, ...(body !== undefined && { body, fields: [['Content-Type', 'text/plain']] }) };
}

/** The cluster, or one of its endpoints by what the request says. */
function hashed(cluster: MeshCluster, policies: readonly HashPolicy[], exchange: FilteredExchange): Cluster {
  for (const policy of policies) {
    const text = 'header' in policy ? readField(exchange.request, policy.header) : exchange.downstream.remoteAddress;
    if (text === undefined) continue;
    const hash = hashOf(text);
    return new ChoosingCluster(cluster, (pick) => cluster.pickBy(pick, hash));
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
