/** The HTTP filters of a listener. */
import type { HttpConnectionManager } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/network/http_connection_manager/v3/HttpConnectionManager.js';
import type { HttpFilter } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/network/http_connection_manager/v3/HttpFilter.js';
import { any } from './messages.ts';
import { duration } from './state.ts';

export const ROUTER: HttpFilter = {
  name: 'envoy.filters.http.router',
  typed_config: any('envoy.extensions.filters.http.router.v3.Router', {}),
};

/** Does nothing unless a route says what. */
export const CORS: HttpFilter = {
  name: 'envoy.filters.http.cors',
  typed_config: any('envoy.extensions.filters.http.cors.v3.Cors', {}),
};

/** Does nothing unless a route says what. */
export const FAULT: HttpFilter = {
  name: 'envoy.filters.http.fault',
  typed_config: any('envoy.extensions.filters.http.fault.v3.HTTPFault', {}),
};

/** Does nothing unless a route says what. */
export const RATE_LIMIT: HttpFilter = {
  name: 'envoy.filters.http.local_ratelimit',
  typed_config: any('envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', { stat_prefix: 'rate_limit' }),
};

export const ADS = { ads: {}, resource_api_version: 'V3' } as const;

/** The network filter that speaks HTTP. */
export const httpFilter = (manager: HttpConnectionManager) => ({
  name: 'envoy.filters.network.http_connection_manager',
  typed_config: any('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', manager),
});

/** What a sidecar's filter has besides: old clients are served, and who is behind it is not hidden. */
export const SIDECAR = {
  http_protocol_options: { accept_http_10: true },
  server_header_transformation: 'PASS_THROUGH',
  upgrade_configs: [{ upgrade_type: 'websocket' }],
} as const satisfies HttpConnectionManager;

/** Of a cluster: HTTP/2 stays HTTP/2, and HTTP/1 stays HTTP/1. */
export const AS_DOWNSTREAM = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    { use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} } },
  ),
};

/** Says by which protocol (ALPN) the endpoint's proxy is met, where its cluster knows several. */
export const speaks = (alpn: string) => ({
  name: 'envoy.filters.network.set_filter_state',
  typed_config: any('envoy.extensions.filters.network.set_filter_state.v3.Config', {
    on_new_connection: [
      {
        object_key: 'envoy.network.application_protocols',
        format_string: { text_format_source: { inline_string: alpn } },
        shared_with_upstream: 'ONCE',
      },
    ],
  }),
});

/** Listener filters: the address that was meant, TLS or not, HTTP or not. */
export const ORIGINAL_DST = {
  name: 'envoy.filters.listener.original_dst',
  typed_config: any('envoy.extensions.filters.listener.original_dst.v3.OriginalDst', {}),
};
export const TLS_INSPECTOR = {
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: any('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', {}),
};
export const HTTP_INSPECTOR = {
  name: 'envoy.filters.listener.http_inspector',
  typed_config: any('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector', {}),
};

/** How long silence is waited for where the server may speak first, in milliseconds. */
export const silence = (milliseconds: number) => ({
  listener_filters_timeout: duration(milliseconds),
  continue_on_listener_filters_timeout: true,
});

/** The network filter that passes on bytes. */
export const tcpFilter = (name: string, cluster: string) => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: name, cluster }),
});

export const socketAddress = (address: string, port: number) => ({
  socket_address: { address, port_value: port },
});
