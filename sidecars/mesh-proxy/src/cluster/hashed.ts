/** A cluster whose endpoint is chosen by what one request says. */
import type { Cluster, Endpoint, Pick, TryOutcome } from '#proxy/upstream/cluster.ts';
import type { Response } from '#proxy/http/response.ts';
import type { MeshCluster } from './cluster.ts';

export class HashedCluster implements Cluster {
  readonly #cluster: MeshCluster;
  readonly #hash: number;

  constructor(cluster: MeshCluster, hash: number) {
    this.#cluster = cluster;
    this.#hash = hash;
  }
  get connectTimeout(): number | undefined {
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
  unreachedIn(endpoint: Endpoint, response: Response): string | undefined {
    return this.#cluster.unreachedIn(endpoint, response);
  }
  onTryEnd(endpoint: Endpoint, outcome: TryOutcome, duration: number): void {
    this.#cluster.onTryEnd(endpoint, outcome, duration);
  }
}
