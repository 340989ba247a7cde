/** A cluster whose endpoint is chosen by what one request says. */
import type { Cluster, Endpoint, Pick, TryOutcome } from '#proxy/upstream/cluster.ts';
import type { MeshCluster } from './cluster.ts';

export class HashedCluster implements Cluster {
  readonly #cluster: MeshCluster;
  readonly #hash: number;

  constructor(cluster: MeshCluster, hash: number) {
    this.#cluster = cluster;
    this.#hash = hash;
  }
  get connectTimeout(): number {
    return this.#cluster.connectTimeout;
  }
  pick(pick: Pick): Endpoint | undefined {
    return this.#cluster.pickBy(pick, this.#hash);
  }
  onConnect(endpoint: Endpoint): void {
    this.#cluster.onConnect(endpoint);
  }
  onConnectFailure(endpoint: Endpoint): void {
    this.#cluster.onConnectFailure(endpoint);
  }
  onTryEnd(endpoint: Endpoint, outcome: TryOutcome, duration: number): void {
    this.#cluster.onTryEnd(endpoint, outcome, duration);
  }
}
