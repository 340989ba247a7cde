/** The mesh as pages show it. */
import type { MeshState } from '../xds/resources/state.ts';
import { leftOutForGrpc } from '../xds/resources/routes.ts';
import { mtlsOf } from '../xds/resources/state.ts';
import type { ConnectedClient } from '../xds/server.ts';
import { destinationName } from '../mesh/mesh.ts';

export interface Publication {
  /** Higher with each one. */
  readonly version: number;
  /** SHA-256 of the policy file in force, in hex; undefined before the first. */
  readonly policy: string | undefined;
  /** Why the policy file as it is now is not in force. */
  readonly problem: string | undefined;
}

/** Plain data: services with replicas and splits, and what each client of xDS has. */
export function graphOf(
  state: MeshState,
  clients: readonly ConnectedClient[],
  { version, policy, problem }: Publication,
) {
  return {
    trustDomain: state.trustDomain,
    namespace: state.namespace,
    version,
    policy,
    problem,
    proxies: clients.flatMap(({ id, service, publication }) =>
      service === undefined
        ? []
        : [{ service, replica: id.slice(id.indexOf('~') + 1), version: publication, connected: true }],
    ),
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
      leftOutForGrpc: service.ports.some(({ protocol }) => protocol === 'grpc') ? leftOutForGrpc(service) : [],
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
