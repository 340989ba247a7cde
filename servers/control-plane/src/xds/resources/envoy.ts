/**
 * What an Envoy takes: a listener (LDS) that binds each port, routes (RDS) by the names of the services, and clusters
 * (CDS) without mTLS, since no key is served. So it is told of ports alone that let callers without a certificate in.
 */
import type { Listener } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/listener/v3/Listener.js';
import type { VirtualHost } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/VirtualHost.js';
import { draft, type Draft } from './types.ts';
import { clearClusterFor } from './clusters.ts';
import { ADS, CORS, FAULT, httpFilter, RATE_LIMIT, ROUTER, socketAddress, tcpFilter } from './http.ts';
import { virtualHost } from './routes.ts';
import { clusterName, mtlsOf, type MeshState, type ServiceState } from './state.ts';

/** A reply may have 4,096 characters, and Envoy's own limit is of as many bytes. */
const MAX_REPLY_BYTES = 4 * 4096;

const listenerName = (port: number): string => `envoy|${port}`;

/** The clusters of a service: also those that no listener leads to, since a route of another service may. */
export const envoyClusters = (state: MeshState, service: ServiceState): Draft[] =>
  service.ports.flatMap((port) =>
    [undefined, ...Object.keys(service.policy.subsets ?? {})].map((subset) => {
      const cluster = clearClusterFor({ state, service, port, subset });
      return draft('envoy.config.cluster.v3.Cluster', cluster.name!, cluster);
    }),
  );

/** The listener of a port, and its routes; nothing where nobody may be called on it. @param services on this port */
export function envoyListener(port: number, services: readonly ServiceState[], state: MeshState): Draft[] {
  const open = services.flatMap((service) => {
    const own = service.ports.find((each) => each.port === port)!;
    return mtlsOf(state, service, own) === 'STRICT' ? [] : [{ service, protocol: own.protocol }];
  });
  const http = open.filter(({ protocol }) => protocol === 'http' || protocol === 'grpc');
  if (http.length > 0)
    return httpDrafts(
      port,
      http.map(({ service }) => virtualHost({ state, service, port, audience: 'envoy' })),
    );
  // Bytes name nobody: of several services on one port none can be meant.
  if (open.length !== 1) return [];
  const cluster = clusterName(port, undefined, open[0]!.service.name);
  return [listener(port, tcpFilter(listenerName(port), cluster))];
}

function httpDrafts(port: number, hosts: VirtualHost[]): Draft[] {
  const name = listenerName(port);
  return [
    listener(
      port,
      httpFilter({
        stat_prefix: name,
        rds: { route_config_name: name, config_source: ADS },
        http_filters: [CORS, FAULT, RATE_LIMIT, ROUTER],
        upgrade_configs: [{ upgrade_type: 'websocket' }],
        // Clients are outside the mesh: their claims about themselves are removed, and paths are normalized as services see them.
        use_remote_address: { value: true },
        normalize_path: { value: true },
        merge_slashes: true,
        path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT',
      }),
    ),
    draft('envoy.config.route.v3.RouteConfiguration', name, {
      name,
      virtual_hosts: hosts,
      max_direct_response_body_size_bytes: { value: MAX_REPLY_BYTES },
    }),
  ];
}

const listener = (port: number, filter: NonNullable<NonNullable<Listener['filter_chains']>[0]['filters']>[0]): Draft =>
  draft('envoy.config.listener.v3.Listener', listenerName(port), {
    name: listenerName(port),
    address: socketAddress('0.0.0.0', port),
    traffic_direction: 'OUTBOUND',
    filter_chains: [{ filters: [filter] }],
  });
