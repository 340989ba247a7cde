/** What was received of each type, and the configuration that it makes together. */
import type { Endpoint } from '../model/cluster.ts';
import type { Configuration } from '../model/configuration.ts';
import type { VirtualHost } from '../model/route.ts';
import { decode, type Read } from './wire/protobuf.ts';
import { clusterPart, endpoints, type ClusterPart } from './resources/clusters.ts';
import { defined, ResourceRefused } from './resources/common.ts';
import { listenerPart, type ListenerPart } from './resources/listeners.ts';
import { virtualHosts } from './resources/routes.ts';
import { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret, type Any } from './wire/schema.ts';

const PREFIX = 'type.googleapis.com/';
export const CDS = `${PREFIX}envoy.config.cluster.v3.Cluster`;
export const EDS = `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`;
export const LDS = `${PREFIX}envoy.config.listener.v3.Listener`;
export const RDS = `${PREFIX}envoy.config.route.v3.RouteConfiguration`;
export const SDS = `${PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret`;

/** The name of the trust domain's roots among secrets. */
export const TRUST_BUNDLE = 'ROOTCA';

type Packed = Read<typeof Any>;

interface Parts {
  readonly listeners?: ReadonlyMap<string, ListenerPart>;
  readonly clusters?: ReadonlyMap<string, ClusterPart>;
  readonly routes: ReadonlyMap<string, readonly VirtualHost[]>;
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  readonly trustBundle?: string | undefined;
  /** Of the last response that was taken, by type. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Immutable: each response makes a new one, which replaces it when it is good. */
export class Store {
  readonly #parts: Parts;

  constructor(parts: Parts = { routes: new Map(), endpoints: new Map(), versions: {} }) {
    this.#parts = parts;
  }

  get trustBundle(): string | undefined {
    return this.#parts.trustBundle;
  }

  /** Of the last response of a type that was taken; empty before the first. */
  version(type: string): string {
    return this.#parts.versions[type] ?? '';
  }

  /**
   * With a response taken.
   * @throws {MalformedMessage} and {ResourceRefused}
   */
  with(type: string, version: string, resources: readonly Packed[]): Store {
    const parts = { ...this.#parts, versions: { ...this.#parts.versions, [type]: version } };
    switch (type) {
      case LDS: {
        const listeners = named(resources, type, (content) => {
          const message = decode(Listener, content);
          return [message.name, listenerPart(message)];
        });
        const { routeNames } = new Store({ ...parts, listeners });
        return new Store({ ...parts, listeners, routes: only(parts.routes, routeNames) });
      }
      case CDS: {
        const clusters = named(resources, type, (content) => {
          const message = decode(Cluster, content);
          return [message.name, clusterPart(message)];
        });
        const { endpointNames } = new Store({ ...parts, clusters });
        return new Store({ ...parts, clusters, endpoints: only(parts.endpoints, endpointNames) });
      }
      case RDS: {
        const fresh = named(resources, type, (content) => {
          const message = decode(RouteConfiguration, content);
          return [message.name, virtualHosts(message)];
        });
        return new Store({ ...parts, routes: new Map([...parts.routes, ...fresh]) });
      }
      case EDS: {
        const fresh = named(resources, type, (content) => {
          const message = decode(ClusterLoadAssignment, content);
          return [message.cluster_name, endpoints(message)];
        });
        return new Store({ ...parts, endpoints: new Map([...parts.endpoints, ...fresh]) });
      }
      case SDS: {
        const secrets = named(resources, type, (content) => {
          const { name, validation_context: context } = decode(Secret, content);
          return [name, context?.trusted_ca?.inline_string ?? context?.trusted_ca?.inline_bytes?.toString()];
        });
        return new Store({ ...parts, trustBundle: secrets.get(TRUST_BUNDLE) ?? parts.trustBundle });
      }
      default:
        throw new ResourceRefused(`resources of type ${type} were not asked for`);
    }
  }

  /** Routes that the listeners name. */
  get routeNames(): string[] {
    const parts = [...(this.#parts.listeners?.values() ?? [])];
    return [
      ...new Set(
        parts.flatMap((part) => (part.kind === 'ports' ? part.ports.flatMap(({ routes }) => routes ?? []) : [])),
      ),
    ];
  }

  /** Endpoints that the clusters name. */
  get endpointNames(): string[] {
    return [
      ...new Set([...(this.#parts.clusters?.values() ?? [])].flatMap(({ endpointsName }) => endpointsName ?? [])),
    ];
  }

  /** All together; undefined while something that is named has not come yet. */
  configuration(): Configuration | undefined {
    const { listeners, clusters, routes: routesByName, endpoints: endpointsByName } = this.#parts;
    const parts = [...(listeners?.values() ?? [])];
    const rest = parts.find((part) => part.kind === 'catch-all');
    const inbound = parts.find((part) => part.kind === 'inbound');
    const complete =
      clusters !== undefined &&
      this.routeNames.every((name) => routesByName.has(name)) &&
      this.endpointNames.every((name) => endpointsByName.has(name));
    if (!complete || !rest || !inbound) return undefined;
    const names = parts.find((part) => part.kind === 'names')?.names;
    return {
      version: [LDS, RDS, CDS, EDS].map((type) => this.version(type).slice(0, 8)).join('.'),
      outbound: {
        unknown: rest.unknown,
        listeners: parts
          .flatMap((part) => (part.kind === 'ports' ? part.ports : []))
          .map(({ listener, routes }) => ({
            ...listener,
            ...(routes !== undefined && { virtualHosts: routesByName.get(routes)! }),
          })),
      },
      inbound: inbound.inbound,
      clusters: [...clusters!.values()].flatMap(({ endpointsName, cluster }) =>
        endpointsName === undefined ? [] : [{ ...cluster, endpoints: endpointsByName.get(endpointsName)! }],
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
