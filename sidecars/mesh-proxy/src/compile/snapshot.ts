/** A configuration made ready for the data path: everything looked up once is looked up here. */
import { canonicalAddress } from '#kit/net/ip-address.ts';
import type { Cluster as ClusterModel } from '#mesh/model/cluster.ts';
import type { Configuration, OutboundListener } from '#mesh/model/configuration.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';
import { Authorizer } from '../policy/authorizer.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { Host } from '../cluster/host.ts';
import type { Destination } from '../destination/sockaddr.ts';
import { CompiledListener, CompiledPort } from './listener.ts';
import { RateLimits } from './rate-limits.ts';
import type { ClusterLookup } from './route.ts';

/** An endpoint, and a cluster that it is of. */
export interface KnownEndpoint {
  readonly cluster: MeshCluster;
  readonly host: Host;
}

/** A pod of the mesh: whom it proves to be, and of which service it is. */
export type Member = Pick<ClusterModel, 'mtls' | 'service'>;

/** What is known of the pods at addresses. */
interface Known {
  /** By `ADDRESS PORT`. */
  readonly endpoints: ReadonlyMap<string, KnownEndpoint>;
  /** By address; undefined for a pod that is reached in the clear on one of its ports. */
  readonly members: ReadonlyMap<string, Member | undefined>;
}

/** Reached past the proxy of a pod: its own are among them (mesh-init's MESH_EXCLUDE_INBOUND_PORTS). */
const isExcluded = (port: number): boolean => port >= 15_000 && port <= 15_099;

export class Snapshot {
  readonly configuration: Configuration;
  readonly authorizer: Authorizer;
  readonly rateLimits: RateLimits;
  /** By `ADDRESS PORT`. */
  readonly #byAddress = new Map<string, CompiledListener>();
  readonly #byPort = new Map<number, CompiledListener>();
  readonly #ports = new Map<number, CompiledPort>();
  readonly #anyPort: CompiledPort;
  readonly #clusters: ReadonlyMap<string, MeshCluster>;
  #known: Known | undefined;

  /**
   * @param former the one in use, whose rate limits go on
   * @throws {ConfigurationRefused} with the place that is wrong
   */
  constructor(configuration: Configuration, clusters: ReadonlyMap<string, MeshCluster>, former?: Snapshot) {
    this.configuration = configuration;
    this.#clusters = clusters;
    this.rateLimits = new RateLimits(former?.rateLimits);
    const lookup: ClusterLookup = (name, where) => {
      const cluster = clusters.get(name);
      if (cluster === undefined) throw new ConfigurationRefused(`${where}: there is no cluster ${name}`);
      return cluster;
    };
    const { outbound, inbound } = configuration;
    for (const [index, listener] of outbound.listeners.entries())
      this.#add(listener, new CompiledListener(listener, `outbound.listeners[${index}]`, lookup, this.rateLimits));
    this.#anyPort = new CompiledPort({ port: 0 }, inbound.mtls, 'inbound', this.rateLimits);
    for (const [index, port] of (inbound.ports ?? []).entries())
      this.#ports.set(port.port, new CompiledPort(port, inbound.mtls, `inbound.ports[${index}]`, this.rateLimits));
    this.authorizer = new Authorizer(inbound.authorization ?? { otherwise: 'allow', rules: [] });
  }

  #add({ addresses = [], port }: OutboundListener, listener: CompiledListener): void {
    if (addresses.length === 0 && !this.#byPort.has(port)) this.#byPort.set(port, listener);
    for (const address of addresses) {
      // As the kernel will write it, whatever the configuration does.
      const key = `${canonicalAddress(address)} ${port}`;
      if (!this.#byAddress.has(key)) this.#byAddress.set(key, listener);
    }
  }

  /** What the application means by a destination; undefined for an unknown one. */
  listener(address: string, port: number): CompiledListener | undefined {
    return this.#byAddress.get(`${address} ${port}`) ?? this.#byPort.get(port);
  }

  /** Whether a destination is one of the mesh's, and not merely on a port that is used in the mesh, too. */
  isKnown(destination: Destination): boolean {
    const key = `${destination.address} ${destination.port}`;
    return this.#byAddress.has(key) || this.endpoint(destination) !== undefined;
  }

  /** The endpoint at an address, in the first cluster that has it; undefined where none has. */
  endpoint({ address, port }: Destination): KnownEndpoint | undefined {
    this.#known ??= this.#findKnown();
    return this.#known.endpoints.get(`${address} ${port}`);
  }

  /**
   * Whom a pod of the mesh proves to be on a port that no service names: where it is spoken to by mTLS on all that are
   * named, it is on the others.
   */
  member({ address, port }: Destination): Member | undefined {
    if (isExcluded(port)) return undefined;
    this.#known ??= this.#findKnown();
    return this.#known.members.get(address);
  }

  /** Once, when one is asked for: mostly none is. */
  #findKnown(): Known {
    const endpoints = new Map<string, KnownEndpoint>();
    const members = new Map<string, Member | undefined>();
    for (const cluster of this.#clusters.values())
      for (const host of cluster.hosts) {
        for (const each of [host.model.address, ...(host.model.addresses ?? [])]) {
          const address = canonicalAddress(each);
          const key = `${address} ${host.model.port}`;
          if (!endpoints.has(key)) endpoints.set(key, { cluster, host });
          const member = host.model.meshed && cluster.model.mtls !== undefined;
          if (!member || !members.has(address)) members.set(address, member ? cluster.model : undefined);
        }
      }
    return { endpoints, members };
  }

  /** What is said of a port of the application's. */
  port(port: number): CompiledPort {
    return this.#ports.get(port) ?? this.#anyPort;
  }
}
