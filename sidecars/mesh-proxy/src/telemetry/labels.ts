/** Who speaks with whom, in Istio's words: labels of metrics and fields of the access log. */
import type { Workload } from '#mesh/model/cluster.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import { hostOf } from '../cluster/cluster.ts';
import type { Connection } from '../stream-info/connection.ts';
import type { Endpoint } from '#proxy/upstream/cluster.ts';

export type Direction = 'outbound' | 'inbound';

/** Who this pod is. */
export interface Self extends Workload {
  /** Its SPIFFE id; undefined before the first certificate. */
  readonly principal: string | undefined;
}

/** Both ends of a request or connection. */
export interface Peers {
  readonly source: Side;
  readonly destination: Side;
  readonly service: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  readonly mtls: boolean;
}

export interface Side {
  readonly workload: string;
  readonly namespace: string;
  readonly version: string;
  readonly principal: string;
}

const UNKNOWN: Side = { workload: 'unknown', namespace: 'unknown', version: 'unknown', principal: 'unknown' };

/** Both ends of requests, made once for the same two. */
export class PeersCache {
  readonly #direction: Direction;
  readonly #self: () => Self;
  #principal: string | undefined;
  #known = new WeakMap<object, Peers>();

  constructor(direction: Direction, self: () => Self) {
    this.#direction = direction;
    this.#self = self;
  }

  get(connection: Connection, cluster: MeshCluster | undefined, endpoint: Endpoint | undefined): Peers {
    const self = this.#self();
    if (self.principal !== this.#principal) {
      this.#principal = self.principal;
      this.#known = new WeakMap();
    }
    // A host's model is exchanged, not changed.
    const other = endpoint === undefined ? undefined : hostOf(endpoint)?.model;
    const key = this.#direction === 'inbound' ? (connection.peer ?? connection) : (other ?? connection);
    const known = this.#known.get(key);
    if (known !== undefined && (other !== undefined || this.#direction === 'inbound')) return known;
    const peers = endsOf(this.#direction, self, connection, cluster, endpoint);
    this.#known.set(key, peers);
    return peers;
  }
}

function endsOf(
  direction: Direction,
  self: Self,
  connection: Connection,
  cluster: MeshCluster | undefined,
  endpoint: Endpoint | undefined,
): Peers {
  const own = sideOf(self, self.principal);
  if (direction === 'inbound') {
    const { peer } = connection;
    return {
      source:
        peer === undefined
          ? UNKNOWN
          : {
              workload: peer.id.service,
              namespace: peer.id.namespace,
              version: peer.version ?? 'unknown',
              principal: peer.id.text,
            },
      destination: own,
      service: self.name,
      serviceName: self.name,
      serviceNamespace: self.namespace,
      mtls: peer !== undefined,
    };
  }
  const model = cluster?.model;
  const host = endpoint === undefined ? undefined : hostOf(endpoint);
  const mtls = host?.secured === true;
  const principal = mtls ? model?.mtls?.identities[0] : undefined;
  const workload = host?.model.workload;
  return {
    source: own,
    destination:
      workload === undefined ? { ...UNKNOWN, principal: principal ?? 'unknown' } : sideOf(workload, principal),
    service: model?.service?.host ?? model?.name ?? 'unknown',
    serviceName: model?.service?.name ?? model?.name ?? 'unknown',
    serviceNamespace: model?.service?.namespace ?? 'unknown',
    mtls,
  };
}

function sideOf({ name, namespace, version }: Workload, principal: string | undefined): Side {
  return { workload: name, namespace, version: version ?? 'unknown', principal: principal ?? 'unknown' };
}
