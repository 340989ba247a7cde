/** What was received of each type, and the configuration that it makes together. */
import type { Endpoint } from '../model/cluster.ts';
import type { Configuration } from '../model/configuration.ts';
import type { VirtualHost } from '../model/route.ts';
import { decode, type Read } from './protobuf.ts';
import { clusterPart, endpoints, type ClusterPart } from './resources/clusters.ts';
import { defined, ResourceRefused } from './resources/common.ts';
import { listenerPart, type ListenerPart } from './resources/listeners.ts';
import { virtualHosts } from './resources/routes.ts';
import { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret, type Any } from './schema.ts';

const PREFIX = 'type.googleapis.com/';
export const CDS = `${PREFIX}envoy.config.cluster.v3.Cluster`;
export const EDS = `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`;
export const LDS = `${PREFIX}envoy.config.listener.v3.Listener`;
export const RDS = `${PREFIX}envoy.config.route.v3.RouteConfiguration`;
export const SDS = `${PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret`;

/** The name of the trust domain's roots among secrets. */
export const TRUST_BUNDLE = 'ROOTCA';

type Packed = Read<typeof Any>;

/** Immutable: each response makes a new one, which replaces it when it is good. */
export class Store {
  readonly listeners: ReadonlyMap<string, ListenerPart> | undefined;
  readonly clusters: ReadonlyMap<string, ClusterPart> | undefined;
  readonly routes: ReadonlyMap<string, readonly VirtualHost[]>;
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  readonly trustBundle: string | undefined;
  readonly versions: Readonly<Record<string, string>>;

  constructor(parts: Partial<Omit<Store, 'with' | 'routeNames' | 'endpointNames' | 'configuration'>> = {}) {
    this.listeners = parts.listeners;
    this.clusters = parts.clusters;
    this.routes = parts.routes ?? new Map();
    this.endpoints = parts.endpoints ?? new Map();
    this.trustBundle = parts.trustBundle;
    this.versions = parts.versions ?? {};
  }

  /**
   * With a response taken.
   * @throws {MalformedMessage} and {ResourceRefused}
   */
  with(type: string, version: string, resources: readonly Packed[]): Store {
    const versions = { ...this.versions, [type]: version };
    switch (type) {
      case LDS: {
        const listeners = named(resources, type, (content) => {
          const message = decode(Listener, content);
          return [message.name, listenerPart(message)];
        });
        const next = new Store({ ...this, listeners, versions });
        return new Store({ ...next, routes: only(this.routes, next.routeNames) });
      }
      case CDS: {
        const clusters = named(resources, type, (content) => {
          const message = decode(Cluster, content);
          return [message.name, clusterPart(message)];
        });
        const next = new Store({ ...this, clusters, versions });
        return new Store({ ...next, endpoints: only(this.endpoints, next.endpointNames) });
      }
      case RDS: {
        const fresh = named(resources, type, (content) => {
          const message = decode(RouteConfiguration, content);
          return [message.name, virtualHosts(message)];
        });
        return new Store({ ...this, routes: new Map([...this.routes, ...fresh]), versions });
      }
      case EDS: {
        const fresh = named(resources, type, (content) => {
          const message = decode(ClusterLoadAssignment, content);
          return [message.cluster_name, endpoints(message)];
        });
        return new Store({ ...this, endpoints: new Map([...this.endpoints, ...fresh]), versions });
      }
      case SDS: {
        const secrets = named(resources, type, (content) => {
          const { name, validation_context: context } = decode(Secret, content);
          return [name, context?.trusted_ca?.inline_string ?? context?.trusted_ca?.inline_bytes?.toString()];
        });
        return new Store({ ...this, trustBundle: secrets.get(TRUST_BUNDLE) ?? this.trustBundle, versions });
      }
      default:
        throw new ResourceRefused(`resources of type ${type} were not asked for`);
    }
  }

  /** Routes that the listeners name. */
  get routeNames(): string[] {
    const parts = [...(this.listeners?.values() ?? [])];
    return [
      ...new Set(
        parts.flatMap((part) => (part.kind === 'ports' ? part.ports.flatMap(({ routes }) => routes ?? []) : [])),
      ),
    ];
  }

  /** Endpoints that the clusters name. */
  get endpointNames(): string[] {
    return [...new Set([...(this.clusters?.values() ?? [])].flatMap(({ endpointsName }) => endpointsName ?? []))];
  }

  /** All together; undefined while something that is named has not come yet. */
  configuration(): Configuration | undefined {
    const parts = [...(this.listeners?.values() ?? [])];
    const rest = parts.find((part) => part.kind === 'catch-all');
    const inbound = parts.find((part) => part.kind === 'inbound');
    const complete =
      this.clusters !== undefined &&
      this.routeNames.every((name) => this.routes.has(name)) &&
      this.endpointNames.every((name) => this.endpoints.has(name));
    if (!complete || !rest || !inbound) return undefined;
    const names = parts.find((part) => part.kind === 'names')?.names;
    return {
      version: [LDS, RDS, CDS, EDS].map((type) => (this.versions[type] ?? '').slice(0, 8)).join('.'),
      outbound: {
        unknown: rest.unknown,
        listeners: parts
          .flatMap((part) => (part.kind === 'ports' ? part.ports : []))
          .map(({ listener, routes }) => ({
            ...listener,
            ...(routes !== undefined && { virtualHosts: this.routes.get(routes)! }),
          })),
      },
      inbound: inbound.inbound,
      clusters: [...this.clusters!.values()].flatMap(({ endpointsName, cluster }) =>
        endpointsName === undefined ? [] : [{ ...cluster, endpoints: this.endpoints.get(endpointsName)! }],
      ),
      telemetry: rest.telemetry,
      ...defined({ names }),
    };
  }
}

/** Resources by name; one that is wrong is named in the error. */
function named<T>(
  resources: readonly Packed[],
  type: string,
  read: (content: Buffer) => readonly [string | undefined, T],
): Map<string, T> {
  return new Map(
    resources.map(({ type_url, value }, index) => {
      if (type_url !== type) throw new ResourceRefused(`resource ${index} is of type ${type_url ?? ''}`);
      const [name, part] = read(value ?? Buffer.alloc(0));
      if (name === undefined || name === '') throw new ResourceRefused(`resource ${index} has no name`);
      return [name, part];
    }),
  );
}

const only = <T>(map: ReadonlyMap<string, T>, names: readonly string[]): Map<string, T> => {
  const kept = new Set(names);
  return new Map([...map].filter(([name]) => kept.has(name)));
};
