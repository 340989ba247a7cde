/** The mesh as it is now: the policy, with splits that were changed since, and who has registered. */
import { isIP } from 'node:net';
import { errorOf } from '../xds/boundary.ts';
import { entryOf } from '../policy/entry.ts';
import { hostsOf } from '../policy/hosts.ts';
import type { Destination, Policy, PortPolicy, RoutePolicy, ServicePolicy } from '../policy/types.ts';
import type { Replica } from '../registry/registry.ts';
import type { Failures } from '../xds/held.ts';
import type { MeshState, ReplicaState, ServiceState } from '../xds/resources/state.ts';

/** Weights of a route's destinations, by their names, instead of the policy file's. */
export interface Split {
  readonly service: string;
  readonly route: string;
  readonly weights: Readonly<Record<string, number>>;
  /** The file's own at that time, as JSON: when the file says something else, the file is newer. */
  readonly instead: string;
}

/** What a split cannot be. */
export class SplitRefused extends Error {
  readonly status: 404 | 422;
  constructor(status: 404 | 422, message: string) {
    super(message);
    this.status = status;
  }
}

export const EMPTY_POLICY: Policy = {
  mesh: { outbound: 'ALLOW_ANY', mtls: 'PERMISSIVE', authorization: 'allow', accessLog: true },
  services: {},
};

/** How a destination is called in a split. */
export const destinationName = ({ service, subset }: Destination): string => subset ?? service ?? 'all';

const routeKey = (route: RoutePolicy, index: number): string => route.name ?? String(index);
const weightsOf = (route: RoutePolicy): Record<string, number> =>
  Object.fromEntries((route.to ?? []).map((each) => [destinationName(each), each.weight]));

/** Splits that still stand instead of what a policy says. */
export const standing = (splits: readonly Split[], policy: Policy): Split[] =>
  splits.filter(({ service, route, instead }) => {
    const found = findRoute(policy, service, route);
    return found !== undefined && JSON.stringify(weightsOf(found)) === instead;
  });

function findRoute(policy: Policy, service: string, key: string): RoutePolicy | undefined {
  return entryOf(policy.services, service)?.routes?.find((route, index) => routeKey(route, index) === key);
}

/**
 * A changed split.
 * @param weights by names of all of the route's destinations
 * @throws {SplitRefused}
 */
export function makeSplit(
  policy: Policy,
  service: string,
  route: string,
  weights: Readonly<Record<string, number>>,
): Split {
  const found = findRoute(policy, service, route);
  if (!found?.to) throw new SplitRefused(404, `the policy has no route ${route} of ${service} with destinations`);
  const names = found.to.map(destinationName);
  const missing = names.filter((name) => entryOf(weights, name) === undefined);
  const unknown = Object.keys(weights).filter((name) => !names.includes(name));
  if (missing.length > 0 || unknown.length > 0)
    throw new SplitRefused(
      422,
      `weights are for ${names.join(', ')}${unknown.length > 0 ? `, not for ${unknown.join(', ')}` : ''}`,
    );
  if (names.every((name) => weights[name] === 0))
    throw new SplitRefused(422, 'all weights are 0, so nothing could go anywhere');
  return { service, route, weights, instead: JSON.stringify(weightsOf(found)) };
}

export interface MeshParts {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly policy: Policy;
  readonly splits: readonly Split[];
  readonly replicas: readonly Replica[];
  /** Addresses of endpoints that the policy names by DNS. */
  readonly resolved: ReadonlyMap<string, readonly string[]>;
  /** What probes saw of endpoints that the policy names, by `SERVICE ADDRESS`. */
  readonly probed: ReadonlyMap<string, 'passing' | 'failing'>;
}

/** Puts together what resources are made of; a service of which nothing has changed stays the same object. */
export class MeshStates {
  #known = new Map<string, { readonly policy: ServicePolicy; readonly rest: string; readonly state: ServiceState }>();

  /** @returns the state without the services that could not be put together, and why they could not */
  next({ trustDomain, namespace, policy, splits, replicas, resolved, probed }: MeshParts): {
    readonly state: MeshState;
    readonly failures: Failures;
  } {
    const failures = new Map<string, Error>();
    const former = this.#known;
    const known: typeof former = new Map();
    const byService = Map.groupBy(replicas, ({ service }) => service);
    const splitsByService = Map.groupBy(splits, ({ service }) => service);
    // Two of one name would be refused by every client, with all else of that port.
    const hosts = hostsOf(policy);
    const others = [...byService.keys()].filter((name) => !hosts.has(name));
    const names = new Set([...Object.keys(policy.services), ...others]);
    const make = (name: string): ServiceState => {
      const own = entryOf(policy.services, name) ?? NO_POLICY;
      const splitsOf = splitsByService.get(name) ?? [];
      const registered = (byService.get(name) ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const states = [
        ...registered.map(replicaState),
        ...endpointsOf(own, resolved).map((address) => staticReplica(name, address, probed)),
      ];
      const ports = own.ports ?? portsOf(registered);
      const rest = JSON.stringify([splitsOf, states, ports]);
      const before = former.get(name);
      const state =
        before?.policy === own && before.rest === rest
          ? before.state
          : serviceState(name, withSplits(own, splitsOf), ports, states);
      known.set(name, { policy: own, rest, state });
      return state;
    };
    const services = [...names].toSorted().flatMap((name) => {
      try {
        return [make(name)];
      } catch (error) {
        failures.set(name, errorOf(error));
        return [];
      }
    });
    this.#known = known;
    return { state: { trustDomain, namespace, mesh: policy.mesh, services }, failures };
  }
}

/** Addresses of replicas that no proxy registers, each once. */
export const endpointsOf = ({ endpoints = [] }: ServicePolicy, resolved: MeshParts['resolved']): string[] => [
  ...new Set(endpoints.flatMap((each) => (isIP(each) > 0 ? [each] : (resolved.get(each) ?? [])))),
];

const NO_POLICY: ServicePolicy = {};

const serviceState = (
  name: string,
  policy: ServicePolicy,
  ports: readonly PortPolicy[],
  replicas: readonly ReplicaState[],
): ServiceState => ({
  name,
  hosts: [name, ...(policy.hosts ?? []).filter((host) => host !== name)],
  ports,
  policy,
  replicas,
});

function withSplits(policy: ServicePolicy, own: readonly Split[]): ServicePolicy {
  if (own.length === 0 || !policy.routes) return policy;
  return {
    ...policy,
    routes: policy.routes.map((route, index) => {
      const split = own.find((each) => each.route === routeKey(route, index));
      if (!split || !route.to) return route;
      return {
        ...route,
        to: route.to.map((each) => ({ ...each, weight: entryOf(split.weights, destinationName(each)) ?? each.weight })),
      };
    }),
  };
}

/** What replicas say of themselves; of two that differ the first by name is believed. */
function portsOf(replicas: readonly Replica[]): PortPolicy[] {
  const ports = new Map<number, PortPolicy>();
  for (const replica of replicas)
    for (const each of replica.ports) if (!ports.has(each.port)) ports.set(each.port, each);
  return [...ports.values()].toSorted((a, b) => a.port - b.port);
}

const replicaState = (replica: Replica): ReplicaState => ({
  name: replica.name,
  address: replica.address,
  ...(replica.addresses !== undefined && replica.addresses.length > 0 && { addresses: replica.addresses }),
  labels: replica.labels,
  meshed: true,
  ...healthOf(replica),
});

/** As it says itself, and as probes see it. */
function healthOf({ phase, probe }: Pick<Replica, 'phase' | 'probe'>): Pick<ReplicaState, 'health' | 'lastResort'> {
  if (phase !== 'ready') return { health: phase === 'draining' ? 'draining' : 'unhealthy' };
  return probe === 'failing' ? { health: 'unhealthy', lastResort: true } : { health: 'healthy' };
}

const staticReplica = (service: string, address: string, probed: MeshParts['probed']): ReplicaState => ({
  name: address,
  address,
  labels: {},
  meshed: false,
  ...healthOf({ phase: 'ready', probe: probed.get(`${service} ${address}`) ?? 'unknown' }),
});
