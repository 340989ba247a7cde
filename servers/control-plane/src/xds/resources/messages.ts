/** Encoding and decoding of the xDS messages that the control plane speaks. */
import type protobuf from 'protobufjs';
import type { Cluster } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/cluster/v3/Cluster.js';
import type { ClusterLoadAssignment } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/endpoint/v3/ClusterLoadAssignment.js';
import type { Listener } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/listener/v3/Listener.js';
import type { RouteConfiguration } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/RouteConfiguration.js';
import type { HTTPFault } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/http/fault/v3/HTTPFault.js';
import type { RBAC } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/http/rbac/v3/RBAC.js';
import type { HttpConnectionManager } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/network/http_connection_manager/v3/HttpConnectionManager.js';
import type { Secret } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/transport_sockets/tls/v3/Secret.js';
import type { UpstreamTlsContext } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/transport_sockets/tls/v3/UpstreamTlsContext.js';
import type { DeltaDiscoveryRequest__Output } from '@grpc/grpc-js-xds/build/src/generated/envoy/service/discovery/v3/DeltaDiscoveryRequest.js';
import type { DeltaDiscoveryResponse } from '@grpc/grpc-js-xds/build/src/generated/envoy/service/discovery/v3/DeltaDiscoveryResponse.js';
import type { DiscoveryRequest__Output } from '@grpc/grpc-js-xds/build/src/generated/envoy/service/discovery/v3/DiscoveryRequest.js';
import type { DiscoveryResponse } from '@grpc/grpc-js-xds/build/src/generated/envoy/service/discovery/v3/DiscoveryResponse.js';
import type { ClientStatusRequest__Output } from '@grpc/grpc-js-xds/build/src/generated/envoy/service/status/v3/ClientStatusRequest.js';
import type { ClientStatusResponse } from '@grpc/grpc-js-xds/build/src/generated/envoy/service/status/v3/ClientStatusResponse.js';
import { loadProtos } from './protos.ts';

/** A message of which the package has no generated type; the .proto file is its description. */
type Plain = Readonly<Record<string, unknown>>;

/** What is written, by the message's full name. */
export interface Messages {
  'envoy.config.cluster.v3.Cluster': Cluster;
  'envoy.config.endpoint.v3.ClusterLoadAssignment': ClusterLoadAssignment;
  'envoy.config.listener.v3.Listener': Listener;
  'envoy.config.route.v3.RouteConfiguration': RouteConfiguration;
  'envoy.config.trace.v3.OpenTelemetryConfig': Plain;
  'envoy.extensions.filters.http.cors.v3.Cors': Plain;
  'envoy.extensions.filters.http.cors.v3.CorsPolicy': Plain;
  'envoy.extensions.filters.http.fault.v3.HTTPFault': HTTPFault;
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': Plain;
  'envoy.extensions.filters.http.rbac.v3.RBAC': RBAC;
  'envoy.extensions.filters.http.router.v3.Router': Plain;
  'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector': Plain;
  'envoy.extensions.filters.listener.original_dst.v3.OriginalDst': Plain;
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector': Plain;
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': HttpConnectionManager;
  'envoy.extensions.filters.network.rbac.v3.RBAC': Plain;
  'envoy.extensions.filters.network.set_filter_state.v3.Config': Plain;
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': Plain;
  'envoy.extensions.filters.udp.dns_filter.v3.DnsFilterConfig': Plain;
  'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate': Plain;
  'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig': Plain;
  'envoy.extensions.tracers.opentelemetry.resource_detectors.v3.EnvironmentResourceDetectorConfig': Plain;
  'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer': Plain;
  'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext': Plain;
  'envoy.extensions.transport_sockets.tls.v3.Secret': Secret;
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext': UpstreamTlsContext;
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': Plain;
  'envoy.service.discovery.v3.DeltaDiscoveryResponse': DeltaDiscoveryResponse;
  'envoy.service.discovery.v3.DiscoveryResponse': DiscoveryResponse;
  'envoy.service.status.v3.ClientStatusResponse': ClientStatusResponse;
}

export interface Requests {
  'envoy.service.discovery.v3.DeltaDiscoveryRequest': DeltaDiscoveryRequest__Output;
  'envoy.service.discovery.v3.DiscoveryRequest': DiscoveryRequest__Output;
  'envoy.service.status.v3.ClientStatusRequest': ClientStatusRequest__Output;
}

/** What declares them, with all that these import. */
export const MESSAGE_FILES = [
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/endpoint/v3/endpoint.proto',
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/config/trace/v3/opentelemetry.proto',
  'envoy/extensions/filters/http/cors/v3/cors.proto',
  'envoy/extensions/filters/http/fault/v3/fault.proto',
  'envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto',
  'envoy/extensions/filters/http/rbac/v3/rbac.proto',
  'envoy/extensions/filters/http/router/v3/router.proto',
  'envoy/extensions/filters/listener/http_inspector/v3/http_inspector.proto',
  'envoy/extensions/filters/listener/original_dst/v3/original_dst.proto',
  'envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto',
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
  'envoy/extensions/filters/network/rbac/v3/rbac.proto',
  'envoy/extensions/filters/network/set_filter_state/v3/set_filter_state.proto',
  'envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto',
  'envoy/extensions/filters/udp/dns_filter/v3/dns_filter.proto',
  'envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto',
  'envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.proto',
  'envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector.proto',
  'envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.proto',
  'envoy/extensions/transport_sockets/tls/v3/tls.proto',
  'envoy/extensions/upstreams/http/v3/http_protocol_options.proto',
  'envoy/service/discovery/v3/ads.proto',
  'envoy/service/status/v3/csds.proto',
];

let loaded: protobuf.Root | undefined;
const types = new Map<string, protobuf.Type>();

function typeOf(name: string): protobuf.Type {
  let type = types.get(name);
  if (type === undefined) {
    loaded ??= loadProtos(MESSAGE_FILES);
    type = loaded.lookupType(name);
    types.set(name, type);
  }
  return type;
}

/** A message as its bytes. */
export function encode<Name extends keyof Messages>(name: Name, message: Messages[Name]): Buffer {
  const type = typeOf(name);
  return Buffer.from(type.encode(type.fromObject(message as Record<string, unknown>)).finish());
}

/** A message inside a `google.protobuf.Any`. */
export function any<Name extends keyof Messages>(
  name: Name,
  message: Messages[Name],
): { type_url: string; value: Buffer } {
  return { type_url: `type.googleapis.com/${name}`, value: encode(name, message) };
}

/**
 * What a client sent.
 * @throws when the bytes are no such message
 */
export function decode<Name extends keyof Requests>(name: Name, bytes: Uint8Array): Requests[Name] {
  const type = typeOf(name);
  return type.toObject(type.decode(bytes), {
    enums: String,
    longs: String,
    defaults: true,
    arrays: true,
    objects: true,
  }) as Requests[Name];
}

/** Any message as plain data, for tests and for looking at what was sent. */
export function show(name: string, bytes: Uint8Array): Record<string, unknown> {
  const type = typeOf(name);
  return type.toObject(type.decode(bytes), { enums: String, longs: Number });
}
