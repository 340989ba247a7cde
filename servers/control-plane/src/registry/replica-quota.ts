/** How many replicas there may be: of one service, from one address, and in all. */

export type Limit = 'service' | 'peer' | 'all';
export type Limits = Readonly<Record<Limit, number>>;

/** What of a replica is counted. */
export interface CountedReplica {
  readonly service: string;
  readonly address: string;
  /** From where it registered; absent: its address. */
  readonly peer?: string;
}

/** Whatever a replica says that its own address is, it counts where it came from. */
const peerOf = ({ peer, address }: CountedReplica): string => peer ?? address;

/** Counts, so that a registration costs the same however many there are. */
export class ReplicaQuota {
  readonly #limits: Limits;
  readonly #counts = { service: new Map<string, number>(), peer: new Map<string, number>() };
  #all = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  take(replica: CountedReplica): void {
    this.#add(replica, 1);
  }

  free(replica: CountedReplica): void {
    this.#add(replica, -1);
  }

  /**
   * Whether there is room for one more.
   * @param leaving those that make room for it
   * @returns the limit that is in its way; undefined where none is
   */
  lacks(replica: CountedReplica, leaving: readonly CountedReplica[]): Limit | undefined {
    const { service } = replica;
    const peer = peerOf(replica);
    const rest = {
      service: (this.#counts.service.get(service) ?? 0) - leaving.filter((each) => each.service === service).length,
      peer: (this.#counts.peer.get(peer) ?? 0) - leaving.filter((each) => peerOf(each) === peer).length,
      all: this.#all - leaving.length,
    };
    return (['service', 'peer', 'all'] as const).find((limit) => rest[limit] >= this.#limits[limit]);
  }

  #add(replica: CountedReplica, change: 1 | -1): void {
    this.#all += change;
    count(this.#counts.service, replica.service, change);
    count(this.#counts.peer, peerOf(replica), change);
  }
}

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}
