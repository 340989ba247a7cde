/** Clusters of one address each, made when a connection names it: the application itself, and unknown destinations. */
import { MeshCluster, type ClusterEnvironment } from '../cluster/cluster.ts';
import type { Destination } from './sockaddr.ts';

/** How many connections there may be is the listener's to say. */
const UNLIMITED = { maxConnections: Infinity, maxPendingRequests: Infinity, maxRequests: Infinity };
/** So many are kept; of more, the one that was asked for longest ago goes, with its idle connections. */
const MAX_CLUSTERS = 256;

export class Passthrough {
  readonly #name: string;
  readonly #environment: ClusterEnvironment;
  /** The one asked for last is the last. */
  readonly #clusters = new Map<string, MeshCluster>();
  /** The last one of them: mostly the next request's, too. */
  #last: { readonly address: string; readonly port: number; readonly cluster: MeshCluster } | undefined;

  /** @param name begins the names of the clusters */
  constructor(name: string, environment: ClusterEnvironment) {
    this.#name = name;
    this.#environment = environment;
  }

  /** The cluster of an address: in the clear, and without limits of its own. */
  to({ address, port }: Destination): MeshCluster {
    const last = this.#last;
    if (last !== undefined && last.port === port && last.address === address) return last.cluster;
    const key = `${address} ${port}`;
    let cluster = this.#clusters.get(key);
    if (cluster === undefined) {
      cluster = new MeshCluster(
        {
          name: `${this.#name}|${port}`,
          endpoints: [{ address, port, meshed: false }],
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
    this.#last = { address, port, cluster };
    return cluster;
  }

  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close();
    this.#clusters.clear();
    this.#last = undefined;
  }
}
