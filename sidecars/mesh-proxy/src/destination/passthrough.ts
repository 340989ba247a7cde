/** Clusters of one address each, made when a connection names it: the application itself, and unknown destinations. */
import { MeshCluster, type ClusterEnvironment } from '../cluster/cluster.ts';
import type { Cluster as ClusterModel } from '#mesh/model/cluster.ts';
import type { Destination } from './sockaddr.ts';

/** How many connections there may be is the listener's to say. */
const UNLIMITED = { maxConnections: Infinity, maxPendingRequests: Infinity, maxRequests: Infinity };
/** Most that are kept; then the least recently used one goes, with its idle connections. */
const MAX_CLUSTERS = 256;

interface Key extends Destination {
  readonly mtls: ClusterModel['mtls'];
}

export class Passthrough {
  readonly #name: string;
  readonly #environment: ClusterEnvironment;
  /** The one asked for last is the last. */
  readonly #clusters = new Map<string, MeshCluster>();
  /** The last one of them: mostly the next request's, too. */
  #last: { readonly key: Key; readonly cluster: MeshCluster } | undefined;

  /** @param name begins the names of the clusters */
  constructor(name: string, environment: ClusterEnvironment) {
    this.#name = name;
    this.#environment = environment;
  }

  /**
   * The cluster of an address, without limits of its own.
   * @param member of the mesh, that the endpoint must prove to be; absent: it is reached in the clear
   */
  to({ address, port }: Destination, { mtls, service }: Pick<ClusterModel, 'mtls' | 'service'> = {}): MeshCluster {
    const last = this.#last;
    if (last !== undefined && last.key.port === port && last.key.address === address && last.key.mtls === mtls)
      return last.cluster;
    const key = `${address} ${port} ${mtls?.identities.join(' ') ?? ''}`;
    let cluster = this.#clusters.get(key);
    if (cluster === undefined) {
      cluster = new MeshCluster(
        {
          name: `${this.#name}|${port}`,
          endpoints: [{ address, port, meshed: mtls !== undefined }],
          ...(mtls && { mtls }),
          ...(service && { service }),
          policy: 'ROUND_ROBIN',
          limits: UNLIMITED,
        },
        this.#environment,
      );
      const [oldest] = this.#clusters.keys();
      if (this.#clusters.size >= MAX_CLUSTERS) {
        this.#clusters.get(oldest!)!.close();
        this.#clusters.delete(oldest!);
      }
    } else this.#clusters.delete(key);
    this.#clusters.set(key, cluster);
    this.#last = { key: { address, port, mtls }, cluster };
    return cluster;
  }

  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close();
    this.#clusters.clear();
    this.#last = undefined;
  }
}
