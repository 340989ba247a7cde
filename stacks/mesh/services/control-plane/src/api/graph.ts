/** The mesh as pages show it. */
import type { MeshState } from '../xds/resources/state.ts';
import { mtlsOf } from '../xds/resources/state.ts';
import type { ConnectedClient } from '../xds/server.ts';
import { destinationName } from '../mesh.ts';

/** Plain data: services with replicas and splits, and what each client of xDS has. */
export function graphOf(
  state: MeshState,
  clients: readonly ConnectedClient[],
  policy: { refusal: string | undefined },
) {
  return {
    trustDomain: state.trustDomain,
    namespace: state.namespace,
    policy: { state: policy.refusal === undefined ? 'taken' : 'refused', refusal: policy.refusal },
    services: state.services.map((service) => ({
      name: service.name,
      hosts: service.hosts,
      ports: service.ports.map((port) => ({
        port: port.port,
        protocol: port.protocol,
        mtls: mtlsOf(state, service, port),
      })),
      mtls: mtlsOf(state, service),
      replicas: service.replicas,
      splits: (service.policy.routes ?? []).flatMap((route, index) =>
        route.to && route.to.length > 1
          ? [
              {
                route: route.name ?? String(index),
                weights: Object.fromEntries(route.to.map((each) => [destinationName(each), each.weight])),
              },
            ]
          : [],
      ),
    })),
    clients: clients.map(({ id, service, userAgent, since, types }) => ({
      id,
      service,
      userAgent,
      since: new Date(since).toISOString(),
      types: types.map(({ type, state: sync, version, refused, resources }) => ({
        type: type.slice(type.lastIndexOf('.') + 1),
        state: sync,
        version,
        resources,
        ...(refused && { refused: refused.reason }),
      })),
    })),
  };
}
