/**
 * What reaches an application: one listener (LDS) on the port to which mesh-init sends it, with filter chains
 * for each port, for TLS of the mesh and for what comes in the clear, for HTTP and for the rest; as Istio has it.
 */
import type { FilterChain } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/listener/v3/FilterChain.js';
import type { PortPolicy } from '../../policy/types.ts';
import { any } from './messages.ts';
import { draft, type Draft } from './types.ts';
import { rbacOf } from './authorization.ts';
import { httpFilter, RATE_LIMIT, ROUTER, socketAddress, tcpFilter } from './http.ts';
import { additions, RATE_LIMIT_FILTER, rateLimitOf } from './routes.ts';
import { mtlsOf, type MeshState, type ServiceState } from './state.ts';
import { ALPN, tlsOfListener } from './tls.ts';

export const INBOUND = { name: 'inbound', port: 15_006 } as const;
/** To the address that was meant. */
export const INBOUND_CLUSTER = 'InboundPassthroughCluster';

const CLEAR_HTTP = ['http/1.0', 'http/1.1', 'h2c'];
const MESH_HTTP = [ALPN.http1, ALPN.http2];

/** The inbound listener of a service, and the cluster of its application. */
export function inboundDrafts(state: MeshState, service: ServiceState): Draft[] {
  return [
    draft('envoy.config.listener.v3.Listener', INBOUND.name, {
      name: INBOUND.name,
      address: socketAddress('0.0.0.0', INBOUND.port),
      traffic_direction: 'INBOUND',
      use_original_dst: { value: false },
      filter_chains: [
        ...service.ports.flatMap((port) => chains(state, service, port)),
        ...chains(state, service, undefined),
      ],
    }),
    draft('envoy.config.cluster.v3.Cluster', INBOUND_CLUSTER, {
      name: INBOUND_CLUSTER,
      type: 'ORIGINAL_DST',
      lb_policy: 'CLUSTER_PROVIDED',
    }),
  ];
}

function chains(state: MeshState, service: ServiceState, port: PortPolicy | undefined): FilterChain[] {
  const mode = mtlsOf(state, service, port);
  const protocol = port?.protocol ?? 'auto';
  const http = protocol !== 'tcp';
  const raw = protocol === 'tcp' || protocol === 'auto';
  const secure = [true, false].filter((tls) => (tls ? mode !== 'DISABLE' : mode !== 'STRICT'));
  return secure.flatMap((tls) => [
    ...(http ? [chain(state, service, port, tls, true)] : []),
    ...(raw ? [chain(state, service, port, tls, false)] : []),
  ]);
}

function chain(
  state: MeshState,
  service: ServiceState,
  port: PortPolicy | undefined,
  tls: boolean,
  http: boolean,
): FilterChain {
  const name = `${port?.port ?? 'any'}-${tls ? 'mtls' : 'clear'}-${http ? 'http' : 'tcp'}`;
  const protocols = tls ? (http ? MESH_HTTP : [ALPN.tcp]) : http ? CLEAR_HTTP : [];
  return {
    name,
    filter_chain_match: {
      ...(port && { destination_port: { value: port.port } }),
      transport_protocol: tls ? 'tls' : 'raw_buffer',
      application_protocols: protocols,
    },
    ...(tls && { transport_socket: tlsOfListener(protocols) }),
    filters: http
      ? [httpOf(name, state, service, port)]
      : [
          ...rbacOf(state, service, 'tcp').map((rules) => ({
            name: 'envoy.filters.network.rbac',
            typed_config: any('envoy.extensions.filters.network.rbac.v3.RBAC', { stat_prefix: name, rules }),
          })),
          tcpFilter(name, INBOUND_CLUSTER),
        ],
  };
}

function httpOf(name: string, state: MeshState, service: ServiceState, port: PortPolicy | undefined) {
  const limit = port?.rateLimit;
  return httpFilter({
    stat_prefix: name,
    forward_client_cert_details: 'SANITIZE_SET',
    set_current_client_cert_details: { uri: true },
    normalize_path: { value: true },
    merge_slashes: true,
    path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT',
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    route_config: {
      name,
      virtual_hosts: [
        {
          name,
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: INBOUND_CLUSTER, timeout: { seconds: 0 } } }],
        },
      ],
      request_headers_to_add: additions(port?.requestHeaders),
      request_headers_to_remove: [...(port?.requestHeaders?.remove ?? [])],
      response_headers_to_add: additions(port?.responseHeaders),
      response_headers_to_remove: [...(port?.responseHeaders?.remove ?? [])],
    },
    http_filters: [
      ...rbacOf(state, service, 'http').map((rules, index) => ({
        name: `envoy.filters.http.rbac.${index}`,
        typed_config: any('envoy.extensions.filters.http.rbac.v3.RBAC', { rules }),
      })),
      ...(limit
        ? [
            {
              name: RATE_LIMIT_FILTER,
              typed_config: any('envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', rateLimitOf(limit)),
            },
          ]
        : [RATE_LIMIT]),
      ROUTER,
    ],
  });
}
