/** The last requests and connections of each edge: kept apart, so that a busy edge hides no other. */
import type { AccessEntry, Ended } from './access-log.ts';
import type { Peers } from './labels.ts';

/** Of an edge. */
const KEPT = 30;
/** Of an edge, besides: those that have a cause. */
const KEPT_FAILED = 20;
/** The one that was quiet for the longest is forgotten. */
const MOST_EDGES = 64;

class Ring {
  readonly #size: number;
  readonly #entries: Ended[] = [];
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(ended: Ended): void {
    this.#entries[this.#next] = ended;
    this.#next = (this.#next + 1) % this.#size;
  }

  get entries(): readonly Ended[] {
    return this.#entries;
  }
}

class Edge {
  readonly last = new Ring(KEPT);
  readonly failed = new Ring(KEPT_FAILED);
  /** When it was heard of, as a count. */
  heard = 0;
  forgotten = false;
}

export class RecentEntries {
  /** By `DIRECTION SOURCE DESTINATION`. */
  readonly #edges = new Map<string, Edge>();
  /** The same again, found without making a text. */
  readonly #known = new WeakMap<Peers, Edge>();
  #heard = 0;

  add(ended: Ended): void {
    const edge = this.#edge(ended);
    edge.heard = ++this.#heard;
    edge.last.add(ended);
    if (ended.cause !== undefined) edge.failed.add(ended);
  }

  #edge({ direction, peers }: Ended): Edge {
    const known = this.#known.get(peers);
    if (known !== undefined && !known.forgotten) return known;
    const key = `${direction} ${peers.source.workload} ${peers.serviceName}`;
    let edge = this.#edges.get(key);
    if (edge === undefined) {
      edge = new Edge();
      this.#edges.set(key, edge);
      if (this.#edges.size > MOST_EDGES) this.#forget(edge);
    }
    this.#known.set(peers, edge);
    return edge;
  }

  /** Forget the one that was quiet for the longest. */
  #forget(newest: Edge): void {
    let [quiet] = this.#edges;
    for (const each of this.#edges) if (each[1] !== newest && each[1].heard < quiet![1].heard) quiet = each;
    const [key, edge] = quiet!;
    edge.forgotten = true;
    this.#edges.delete(key);
  }

  /** The oldest first. */
  list(): AccessEntry[] {
    const all = [...this.#edges.values()].flatMap(({ last, failed }) => [...last.entries, ...failed.entries]);
    return [...new Set(all)].toSorted((a, b) => a.began - b.began).map((ended) => ended.entry());
  }
}
