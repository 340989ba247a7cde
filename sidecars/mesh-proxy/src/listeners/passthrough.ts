/** Clusters of one address each, made when a connection names it: the application itself, and unknown destinations. */
import { MeshCluster, type ClusterEnvironment } from '../cluster/cluster.ts';
import type { Destination } from '../destination/sockaddr.ts';

/** So many are kept; of more, the one that was asked for longest ago goes, with its idle connections. */
const MAX_CLUSTERS = 256;

export class Passthrough {
  readonly #name: string;
  readonly #environment: ClusterEnvironment;
  /** The one asked for last is the last. */
  readonly #clusters = new Map<string, MeshCluster>();

  /** @param name begins the names of the clusters */
  constructor(name: string, environment: ClusterEnvironment) {
    this.#name = name;
    this.#environment = environment;
  }

  /** The cluster of an address: in the clear, and without limits of its own. */
  to({ address, port }: Destination): MeshCluster {
    const key = `${address} ${port}`;
    let cluster = this.#clusters.get(key);
    if (cluster === undefined) {
      cluster = new MeshCluster(
        { name: `${this.#name}|${port}`, endpoints: [{ address, port, meshed: false }], policy: 'ROUND_ROBIN' },
        this.#environment,
      );
      const [oldest] = this.#clusters.keys();
      if (this.#clusters.size >= MAX_CLUSTERS) {
        this.#clusters.get(oldest!)!.close();
        this.#clusters.delete(oldest!);
      }
    } else this.#clusters.delete(key);
    this.#clusters.set(key, cluster);
    return cluster;
  }

  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close();
    this.#clusters.clear();
  }
}
