/**
 * What reaches an application: one listener (LDS) on the port to which mesh-init sends it, with filter chains
 * for each port, for TLS of the mesh and for what comes in the clear, for HTTP and for the rest; as Istio has it.
 */
import type { FilterChain } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/listener/v3/FilterChain.js';
import type { PortPolicy } from '../../policy/types.ts';
import { any } from './messages.ts';
import { draft, type Draft } from './types.ts';
import { rbacOf } from './authorization.ts';
import {
  AS_DOWNSTREAM,
  HTTP_INSPECTOR,
  httpFilter,
  ORIGINAL_DST,
  RATE_LIMIT,
  ROUTER,
  SIDECAR,
  silence,
  socketAddress,
  tcpFilter,
  TLS_INSPECTOR,
} from './http.ts';
import type { Audience } from './matchers.ts';
import { additions, RATE_LIMIT_FILTER, rateLimitOf, UNREACHED } from './routes.ts';
import { mtlsOf, type MeshState, type ServiceState } from './state.ts';
import { ALPN, tlsOfListener } from './tls.ts';
import { tracingOf } from './tracing.ts';

export const INBOUND = { name: 'inbound', port: 15_006 } as const;
/** To the address that was meant. */
export const INBOUND_CLUSTER = 'InboundPassthroughCluster';

/** A caller whose server may speak first is waited for no longer than this, in milliseconds: its hello may be late. */
const HELLO_OR_SILENCE = 1000;

/** The inbound listener of a service, and the cluster of its application. */
export function inboundDrafts(state: MeshState, service: ServiceState, audience: Audience = 'proxy'): Draft[] {
  const open = [...service.ports, undefined].some((port) => mtlsOf(state, service, port) !== 'STRICT');
  return [
    draft('envoy.config.listener.v3.Listener', INBOUND.name, {
      name: INBOUND.name,
      address: socketAddress('0.0.0.0', INBOUND.port),
      traffic_direction: 'INBOUND',
      use_original_dst: { value: false },
      listener_filters: [ORIGINAL_DST, TLS_INSPECTOR, ...(open ? [HTTP_INSPECTOR] : [])],
      ...(open && silence(HELLO_OR_SILENCE)),
      filter_chains: [
        ...service.ports.flatMap((port) => chains({ state, service, port, audience })),
        ...chains({ state, service, port: undefined, audience }),
      ],
    }),
    draft('envoy.config.cluster.v3.Cluster', INBOUND_CLUSTER, {
      name: INBOUND_CLUSTER,
      type: 'ORIGINAL_DST',
      lb_policy: 'CLUSTER_PROVIDED',
      typed_extension_protocol_options: AS_DOWNSTREAM,
    }),
  ];
}

/** UF, upstream connection failure, is the application's here: the proxy that called asks another replica. */
const SAYS_UNREACHED = {
  filter: { response_flag_filter: { flags: ['UF'] } },
  headers_to_add: [{ header: { key: UNREACHED, value: 'connection_failure' } }],
};

/** A port of a service; of all other ports where it is undefined. */
interface Place {
  readonly state: MeshState;
  readonly service: ServiceState;
  readonly port: PortPolicy | undefined;
  readonly audience: Audience;
}

/** How a connection is told from others, and what is spoken inside. */
interface Kind {
  readonly name: string;
  readonly tls: boolean;
  readonly alpn: readonly string[];
  /** Undefined: bytes. */
  readonly codec?: 'AUTO' | 'HTTP1' | 'HTTP2';
}

const MESH_HTTP: readonly Kind[] = [
  { name: 'mtls-http1', tls: true, alpn: [ALPN.http1], codec: 'HTTP1' },
  { name: 'mtls-http2', tls: true, alpn: [ALPN.http2], codec: 'HTTP2' },
];
const MESH_TCP: Kind = { name: 'mtls-tcp', tls: true, alpn: [ALPN.tcp] };
const CLEAR_HTTP: Kind = {
  name: 'clear-http',
  tls: false,
  // As http_inspector tells them.
  alpn: ['http/1.0', 'http/1.1', 'h2c'],
  codec: 'AUTO',
};
/** TLS among them that is the application's own. */
const CLEAR_TCP: Kind = { name: 'clear-tcp', tls: false, alpn: [] };

function chains(place: Place): FilterChain[] {
  const { state, service, port } = place;
  const mode = mtlsOf(state, service, port);
  const protocol = port?.protocol ?? 'auto';
  const http = protocol !== 'tcp';
  const raw = protocol === 'tcp' || protocol === 'auto';
  return [
    ...(mode === 'DISABLE' ? [] : [...(http ? MESH_HTTP : []), ...(raw ? [MESH_TCP] : [])]),
    ...(mode === 'STRICT' ? [] : [...(http ? [CLEAR_HTTP] : []), ...(raw ? [CLEAR_TCP] : [])]),
  ].flatMap((kind) => [
    chain(kind, place, kind.tls ? 'tls' : 'raw_buffer'),
    ...(kind === CLEAR_TCP ? [chain({ ...kind, name: 'own-tls' }, place, 'tls')] : []),
  ]);
}

function chain(kind: Kind, place: Place, transport: 'tls' | 'raw_buffer'): FilterChain {
  const { state, service, port } = place;
  const name = `${port?.port ?? 'any'}-${kind.name}`;
  return {
    name,
    filter_chain_match: {
      ...(port && { destination_port: { value: port.port } }),
      transport_protocol: transport,
      application_protocols: [...kind.alpn],
    },
    ...(kind.tls && { transport_socket: tlsOfListener(state.trustDomain, kind.alpn) }),
    filters:
      kind.codec !== undefined
        ? [httpOf(name, kind.codec, place)]
        : [
            ...rbacOf(state, service, 'tcp').map((rules) => ({
              name: 'envoy.filters.network.rbac',
              typed_config: any('envoy.extensions.filters.network.rbac.v3.RBAC', { stat_prefix: name, rules }),
            })),
            tcpFilter(name, INBOUND_CLUSTER),
          ],
  };
}

function httpOf(name: string, codec_type: NonNullable<Kind['codec']>, { state, service, port, audience }: Place) {
  const limit = port?.rateLimit;
  return httpFilter({
    stat_prefix: name,
    codec_type,
    ...SIDECAR,
    ...tracingOf(state, audience),
    ...(audience === 'envoy' && { local_reply_config: { mappers: [SAYS_UNREACHED] } }),
    forward_client_cert_details: 'SANITIZE_SET',
    set_current_client_cert_details: { uri: true },
    normalize_path: { value: true },
    merge_slashes: true,
    path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT',
    route_config: {
      name,
      virtual_hosts: [
        {
          name,
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: INBOUND_CLUSTER, timeout: { seconds: 0 } } }],
        },
      ],
      request_headers_to_add: additions(port?.requestHeaders, audience),
      request_headers_to_remove: [...(port?.requestHeaders?.remove ?? [])],
      response_headers_to_add: additions(port?.responseHeaders, audience),
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
