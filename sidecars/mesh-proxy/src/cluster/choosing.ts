/** A cluster whose endpoint is chosen by what one request says: by a hash, or by where it was meant to go. */
import type { Cluster, Endpoint, ReportedFailure, Pick, TryOutcome } from '#proxy/upstream/cluster.ts';
import type { Response } from '#proxy/http/response.ts';
import type { MeshCluster } from './cluster.ts';

export class ChoosingCluster implements Cluster {
  readonly #cluster: MeshCluster;
  readonly #choose: (pick: Pick) => Endpoint | undefined;

  constructor(cluster: MeshCluster, choose: (pick: Pick) => Endpoint | undefined) {
    this.#cluster = cluster;
    this.#choose = choose;
  }
  get connectTimeout(): number | undefined {
    return this.#cluster.connectTimeout;
  }
  pick(pick: Pick): Endpoint | undefined {
    return this.#choose(pick);
  }
  onConnect(endpoint: Endpoint): void {
    this.#cluster.onConnect(endpoint);
  }
  onConnectFailure(endpoint: Endpoint): void {
    this.#cluster.onConnectFailure(endpoint);
  }
  unreachedIn(endpoint: Endpoint, response: Response): ReportedFailure | undefined {
    return this.#cluster.unreachedIn(endpoint, response);
  }
  onTryEnd(endpoint: Endpoint, outcome: TryOutcome, duration: number): void {
    this.#cluster.onTryEnd(endpoint, outcome, duration);
  }
}
