/** What is made of a service: for all clients, for proxies, and for Envoys without a certificate of the mesh. */
import { errorOf } from './boundary.ts';
import type { Failures } from './held.ts';
import { clusterFor, endpointsFor, envoyClusterFor, type ClusterPlace } from './resources/clusters.ts';
import { envoyClusters, envoyListener } from './resources/envoy.ts';
import { grpcDrafts } from './resources/grpc.ts';
import { inboundDrafts } from './resources/inbound.ts';
import type { Locality } from '#mesh/model/locality.ts';
import { callersOf, namesDraft, portDrafts, portListener, routesDraft } from './resources/outbound.ts';
import type { MeshState, ServiceState } from './resources/state.ts';
import { tracesEnvoys } from './resources/tracing.ts';
import { draft, ResourceCache, type Draft } from './resources/types.ts';

/** Our proxies, and Envoys in their place. */
export type ProxyAudience = 'proxy' | 'envoy';

/** Of a service that names no port: its callers learn by the cluster whose pods these are, and nothing is routed to it. */
const NO_PORT = { port: 0, protocol: 'auto' } as const;

/** A service as a whole and its subsets, on each of its ports. */
const placesOf = (state: MeshState, service: ServiceState): ClusterPlace[] =>
  service.ports.length === 0 && service.replicas.some(({ meshed }) => meshed)
    ? [{ state, service, port: NO_PORT, subset: undefined }]
    : service.ports.flatMap((port) =>
        [undefined, ...Object.keys(service.policy.subsets ?? {})].map((subset) => ({ state, service, port, subset })),
      );

const clusterDrafts = (state: MeshState, service: ServiceState): Draft[] =>
  placesOf(state, service).flatMap((place) => {
    const cluster = clusterFor(place);
    return [
      draft('envoy.config.cluster.v3.Cluster', cluster.name!, cluster),
      draft('envoy.config.endpoint.v3.ClusterLoadAssignment', cluster.name!, endpointsFor(place)),
    ];
  });

/** In place of the endpoints of all others: as callers of a locality are told of them. */
export const nearEndpoints = (state: MeshState, service: ServiceState, near: Locality): Draft[] =>
  placesOf(state, service).map((place) => {
    const endpoints = endpointsFor(place, near);
    return draft('envoy.config.endpoint.v3.ClusterLoadAssignment', endpoints.cluster_name!, endpoints);
  });

/** In place of the clusters of our proxies; the endpoints are the same. */
export const envoyProxyClusters = (state: MeshState, service: ServiceState): Draft[] =>
  placesOf(state, service).map((place) => {
    const cluster = envoyClusterFor(place);
    return draft('envoy.config.cluster.v3.Cluster', cluster.name!, cluster);
  });

/** In place of the listeners of our proxies where an Envoy's send spans; and its routes. */
export const envoyProxyPort = (port: number, services: readonly ServiceState[], state: MeshState): Draft[] => [
  ...(tracesEnvoys(state) ? portListener(port, services, state, 'envoy') : []),
  ...routesDraft(port, services, state, undefined, 'envoy'),
];

/** Services whose drafts cannot be made or encoded. */
export function failuresIn(
  services: readonly ServiceState[],
  draftsFor: (service: ServiceState) => Iterable<Draft>,
): Failures {
  const failures = new Map<string, Error>();
  for (const service of services) {
    const cache = new ResourceCache();
    try {
      for (const each of draftsFor(service)) cache.resource(each);
    } catch (error) {
      failures.set(service.name, errorOf(error));
    }
  }
  return failures;
}

export const serviceDrafts = (state: MeshState, service: ServiceState): Draft[] => [
  ...grpcDrafts(state, service),
  ...clusterDrafts(state, service),
];

/** All that a service has a part in, as if it were alone. */
export function* draftsOf(service: ServiceState, state: MeshState): Generator<Draft> {
  yield* serviceDrafts(state, service);
  for (const { port } of service.ports) yield* portDrafts(port, [service], state);
  yield* namesDraft({ ...state, services: [service] });
  yield* proxyDraftsOf(service, state, 'proxy');
}

export function* proxyDraftsOf(service: ServiceState, state: MeshState, audience: ProxyAudience): Generator<Draft> {
  yield* inboundDrafts(state, service, audience);
  if (audience === 'envoy') yield* envoyProxyClusters(state, service);
  for (const { port } of service.ports) {
    yield* routesDraft(port, [service], state, undefined, audience);
    for (const caller of callersOf(service)) yield* routesDraft(port, [service], state, caller, audience);
  }
}

export function* envoyDraftsOf(service: ServiceState, state: MeshState): Generator<Draft> {
  for (const { port } of service.ports) yield* envoyListener(port, [service], state);
  yield* envoyClusters(state, service);
}
