/** The HTTP filters of a listener. */
import type { HttpConnectionManager } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/network/http_connection_manager/v3/HttpConnectionManager.js';
import type { HttpFilter } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/network/http_connection_manager/v3/HttpFilter.js';
import { any } from './messages.ts';

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

/** The network filter that passes on bytes. */
export const tcpFilter = (name: string, cluster: string) => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: name, cluster }),
});

export const socketAddress = (address: string, port: number) => ({
  socket_address: { address, port_value: port },
});
