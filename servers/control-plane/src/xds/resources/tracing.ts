/** Spans of an Envoy: OTLP over HTTP to the collector of the policy. Our proxies have the policy's words in metadata. */
import type { HttpConnectionManager } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/network/http_connection_manager/v3/HttpConnectionManager.js';
import { socketAddress } from './http.ts';
import type { Audience } from './matchers.ts';
import { any } from './messages.ts';
import { duration, type MeshState } from './state.ts';
import { draft, type Draft } from './types.ts';

const CLUSTER = 'tracing';
/** For the collector to take some spans, in milliseconds. */
const TIMEOUT = 5000;

/** Where spans go; undefined for nowhere. An https collector's certificate an Envoy would not check without more: it is left out. */
function collectorOf({ mesh: { tracing } }: MeshState): URL | undefined {
  if (tracing === undefined) return undefined;
  const url = new URL(tracing.endpoint);
  return url.protocol === 'http:' ? url : undefined;
}

/** Whether Envoys send spans, so that their listeners are others than those of our proxies. */
export const tracesEnvoys = (state: MeshState): boolean => collectorOf(state) !== undefined;

/** What a listener says of tracing. */
export function tracingOf(state: MeshState, audience: Audience): Pick<HttpConnectionManager, 'tracing'> {
  const url = collectorOf(state);
  if (url === undefined || audience !== 'envoy') return {};
  const typed_config = any('envoy.config.trace.v3.OpenTelemetryConfig', {
    http_service: { http_uri: { uri: url.href, cluster: CLUSTER, timeout: duration(TIMEOUT) } },
    // Listeners are for callers of all services: whose spans they are its environment says (OTEL_RESOURCE_ATTRIBUTES).
    resource_detectors: [
      {
        name: 'envoy.tracers.opentelemetry.resource_detectors.environment',
        typed_config: any(
          'envoy.extensions.tracers.opentelemetry.resource_detectors.v3.EnvironmentResourceDetectorConfig',
          {},
        ),
      },
    ],
  });
  return {
    tracing: {
      random_sampling: { value: state.mesh.tracing!.percent },
      provider: { name: 'envoy.tracers.opentelemetry', typed_config },
    },
  };
}

/** The collector, as an Envoy reaches it. */
export function collectorDrafts(state: MeshState): Draft[] {
  const url = collectorOf(state);
  if (url === undefined) return [];
  const address = socketAddress(url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || 80));
  return [
    draft('envoy.config.cluster.v3.Cluster', CLUSTER, {
      name: CLUSTER,
      type: 'STRICT_DNS',
      connect_timeout: duration(TIMEOUT),
      load_assignment: { cluster_name: CLUSTER, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    }),
  ];
}
