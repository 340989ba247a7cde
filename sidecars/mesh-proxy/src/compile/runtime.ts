/** The configuration in use: a new one takes its place as a whole, and what both have in common goes on. */
import type { Configuration } from '#mesh/model/configuration.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';
import { MeshCluster, type ClusterEnvironment } from '../cluster/cluster.ts';
import { Snapshot } from './snapshot.ts';

export class Runtime {
  readonly #environment: ClusterEnvironment;
  #clusters: ReadonlyMap<string, MeshCluster> = new Map();
  #snapshot: Snapshot | undefined;

  constructor(environment: ClusterEnvironment) {
    this.#environment = environment;
  }

  /** Undefined before the first configuration. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }
  get clusters(): ReadonlyMap<string, MeshCluster> {
    return this.#clusters;
  }

  /** Take a configuration in use. @throws {ConfigurationRefused} and nothing has changed */
  apply(configuration: Configuration): void {
    const clusters = new Map<string, MeshCluster>();
    const known: [MeshCluster, Configuration['clusters'][number]][] = [];
    for (const [index, model] of configuration.clusters.entries()) {
      if (clusters.has(model.name)) throw new ConfigurationRefused(`clusters[${index}]: ${model.name} is there twice`);
      const cluster = this.#clusters.get(model.name);
      if (cluster) known.push([cluster, model]);
      clusters.set(model.name, cluster ?? new MeshCluster(model, this.#environment));
    }
    const snapshot = new Snapshot(configuration, clusters, this.#snapshot);
    for (const [cluster, model] of known) if (cluster.model !== model) cluster.update(model);
    const former = this.#clusters;
    this.#clusters = clusters;
    this.#snapshot = snapshot;
    for (const [name, cluster] of former) if (!clusters.has(name)) cluster.close();
  }

  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close();
  }
}
