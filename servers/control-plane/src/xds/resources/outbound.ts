/** What applications call: a listener (LDS) and routes (RDS) for each port, and the listener that catches the rest. */
import { isIPv6 } from 'node:net';
import type { FilterChain } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/listener/v3/FilterChain.js';
import type { VirtualHost } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/VirtualHost.js';
import type { FilterChainMatch } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/listener/v3/FilterChainMatch.js';
import { any } from './messages.ts';
import { draft, type Draft } from './types.ts';
import {
  ADS,
  AS_DOWNSTREAM,
  CORS,
  FAULT,
  HTTP_INSPECTOR,
  httpFilter,
  ORIGINAL_DST,
  RATE_LIMIT,
  ROUTER,
  SIDECAR,
  silence,
  socketAddress,
  speaks,
  tcpFilter,
} from './http.ts';
import type { Audience } from './matchers.ts';
import { virtualHost } from './routes.ts';
import { ALPN } from './tls.ts';
import { tracingOf } from './tracing.ts';
import {
  addressesOf,
  clusterName,
  isHttp,
  METADATA,
  neverNone,
  spiffeId,
  struct,
  type MeshState,
  type ServiceState,
} from './state.ts';

/** Where mesh-init sends what applications open. */
export const OUTBOUND = { name: 'outbound', port: 15_001 } as const;
export const PASSTHROUGH = 'PassthroughCluster';
export const BLACK_HOLE = 'BlackHoleCluster';
/** As http_inspector tells them. */
const HTTP1 = ['http/1.0', 'http/1.1'];
const HTTP2 = ['h2c'];
/** A server that speaks first is waited for no longer than this, in milliseconds. */
const SILENCE = 100;

const routeName = (port: number): string => `outbound|${port}`;

/** The listener of a port, and its routes. @param services those that listen on it */
export const portDrafts = (port: number, services: readonly ServiceState[], state: MeshState): Draft[] => {
  const listener = portListener(port, services, state);
  return listener.length === 0 ? [] : [...listener, ...routesDraft(port, services, state)];
};

/** The listener of a port; none where there is nothing to listen for. */
export function portListener(
  port: number,
  services: readonly ServiceState[],
  state: MeshState,
  audience: Audience = 'proxy',
): Draft[] {
  const place = { port, state, audience };
  const on = services.map((service) => ({
    service,
    protocol: service.ports.find((each) => each.port === port)!.protocol,
  }));
  const http = on.filter(({ protocol }) => protocol !== 'tcp');
  const name = routeName(port);
  const chains = [
    ...on
      .filter(({ protocol, service }) => (protocol === 'tcp' || protocol === 'auto') && service.replicas.length > 0)
      .flatMap(({ service, protocol }) => addressChains(service, place, protocol === 'auto')),
    ...(http.length > 0 ? httpChains('http', place) : []),
  ];
  // Envoy refuses a listener without chains.
  if (chains.length === 0) return [];
  const listener = draft('envoy.config.listener.v3.Listener', name, {
    name,
    address: socketAddress('0.0.0.0', port),
    traffic_direction: 'OUTBOUND',
    bind_to_port: { value: false },
    filter_chains: chains,
    // An Envoy ends what fits no chain.
    default_filter_chain: unknownChain(state),
    ...(http.length > 0 && { listener_filters: [HTTP_INSPECTOR] }),
    ...(http.some(({ protocol }) => protocol === 'auto') && silence(SILENCE)),
  });
  return [listener];
}

/** The routes of a port. @param caller for whose requests; absent: of all that have none of their own */
export function routesDraft(
  port: number,
  services: readonly ServiceState[],
  state: MeshState,
  caller?: string,
  audience: Audience = 'proxy',
): Draft[] {
  const name = routeName(port);
  const virtual_hosts = services
    .filter(({ ports }) => ports.some((each) => each.port === port && isHttp(each)))
    .map((service) => virtualHost({ state, service, port, audience, caller }));
  if (virtual_hosts.length === 0) return [];
  // Our proxy knows by the address whether a name that is not here is one outside.
  const hosts = audience === 'envoy' ? [...virtual_hosts, unknownHost(state)] : virtual_hosts;
  return [draft('envoy.config.route.v3.RouteConfiguration', name, { name, virtual_hosts: hosts })];
}

/** For names that no service of the mesh has. */
const unknownHost = (state: MeshState): VirtualHost => ({
  name: 'unknown',
  domains: ['*'],
  routes: [
    {
      match: { prefix: '/' },
      ...(state.mesh.outbound === 'ALLOW_ANY'
        ? { route: { cluster: PASSTHROUGH, timeout: { seconds: 0 } } }
        : { direct_response: { status: 502 } }),
    },
  ],
});

/** Services that some routes of a service are for alone. */
export const callersOf = ({ policy: { routes = [] } }: ServiceState): string[] =>
  routes.flatMap(({ match }) => match?.from ?? []);

interface Place {
  readonly port: number;
  readonly state: MeshState;
  readonly audience: Audience;
}

/**
 * What is not HTTP goes by the address that was meant, which is one of the service's replicas. What may be
 * HTTP has a chain for it, too, since chains are chosen by address first.
 */
function addressChains(service: ServiceState, place: Place, auto: boolean): FilterChain[] {
  const prefix_ranges = service.replicas.flatMap(addressesOf).map((address) => ({
    address_prefix: address,
    prefix_len: { value: isIPv6(address) ? 128 : 32 },
  }));
  return [
    ...(auto ? httpChains(`${service.name}-http`, place, true, { prefix_ranges }) : []),
    {
      name: service.name,
      filter_chain_match: { prefix_ranges },
      filters: [
        ...(auto ? [speaks(ALPN.tcp)] : []),
        tcpFilter(service.name, clusterName(place.port, undefined, service.name)),
      ],
    },
  ];
}

/** HTTP/2 has a chain of its own: it stays HTTP/2 on its way. */
const httpChains = (name: string, place: Place, auto = false, match: FilterChainMatch = {}): FilterChain[] => [
  httpChain(name, place, { ...match, application_protocols: HTTP1 }, auto ? [speaks(ALPN.http1)] : []),
  httpChain(`${name}2`, place, { ...match, application_protocols: HTTP2 }, [speaks(ALPN.http2)]),
];

const httpChain = (
  name: string,
  { port, state, audience }: Place,
  filter_chain_match: FilterChainMatch,
  before: readonly ReturnType<typeof speaks>[],
): FilterChain => ({
  name,
  filter_chain_match,
  filters: [
    ...before,
    httpFilter({
      stat_prefix: name,
      rds: { route_config_name: routeName(port), config_source: ADS },
      http_filters: [CORS, FAULT, RATE_LIMIT, ROUTER],
      ...SIDECAR,
      ...tracingOf(state, audience),
    }),
  ],
});

const unknownChain = (state: MeshState): FilterChain => ({
  filters: [tcpFilter('unknown', state.mesh.outbound === 'ALLOW_ANY' ? PASSTHROUGH : BLACK_HOLE)],
});

/** Where all arrives, and what becomes of destinations that no other listener is for. */
export function catchAll(state: MeshState): Draft {
  const { accessLog, tracing, tap } = state.mesh;
  return draft('envoy.config.listener.v3.Listener', OUTBOUND.name, {
    name: OUTBOUND.name,
    address: socketAddress('0.0.0.0', OUTBOUND.port),
    traffic_direction: 'OUTBOUND',
    use_original_dst: { value: true },
    listener_filters: [ORIGINAL_DST],
    default_filter_chain: unknownChain(state),
    metadata: {
      filter_metadata: {
        [METADATA]: struct({
          accessLog,
          tracing,
          tap: tap?.map((name) => (name.includes(':') ? name : spiffeId(state, name))),
        }),
      },
    },
  });
}

/** Where connections to them go. */
export function unknownClusters(): Draft[] {
  return [
    draft('envoy.config.cluster.v3.Cluster', PASSTHROUGH, {
      name: PASSTHROUGH,
      type: 'ORIGINAL_DST',
      lb_policy: 'CLUSTER_PROVIDED',
      typed_extension_protocol_options: AS_DOWNSTREAM,
    }),
    draft('envoy.config.cluster.v3.Cluster', BLACK_HOLE, { name: BLACK_HOLE, type: 'STATIC' }),
  ];
}

/** Answers to DNS questions: Envoy's DNS filter, so that no type of our own is needed. */
export function namesDraft(state: MeshState): Draft[] {
  const domains = state.services.flatMap(({ hosts, replicas }) => {
    const address = neverNone(replicas)
      .filter(({ health }) => health === 'healthy')
      .flatMap(addressesOf);
    return address.length === 0 ? [] : hosts.map((name) => ({ name, endpoint: { address_list: { address } } }));
  });
  if (domains.length === 0) return [];
  const name = 'dns';
  return [
    draft('envoy.config.listener.v3.Listener', name, {
      name,
      address: { socket_address: { protocol: 'UDP', address: '127.0.0.1', port_value: 15_053 } },
      listener_filters: [
        {
          name: 'envoy.filters.udp.dns_filter',
          typed_config: any('envoy.extensions.filters.udp.dns_filter.v3.DnsFilterConfig', {
            stat_prefix: name,
            server_config: { inline_dns_table: { virtual_domains: domains } },
            // An Envoy asks the pod's own resolvers for all other names.
            client_config: { max_pending_lookups: 256 },
          }),
        },
      ],
    }),
  ];
}
