/** The last requests and connections, for whoever looks: of each edge its own, so that a busy one hides no other. */
import type { AccessEntry } from './access-log.ts';

/** Of an edge. */
const KEPT = 30;
/** Of an edge, besides: those that have a cause. */
const KEPT_FAILED = 20;
/** The one that was quiet for the longest is forgotten. */
const MOST_EDGES = 64;

interface Edge {
  readonly last: Ring;
  readonly failed: Ring;
}

export class LastEntries {
  /** The one that was heard of last is the last. */
  readonly #edges = new Map<string, Edge>();

  add(entry: AccessEntry): void {
    const key = `${entry.direction} ${entry.source} ${entry.destination}`;
    const edge = this.#edges.get(key) ?? { last: new Ring(KEPT), failed: new Ring(KEPT_FAILED) };
    this.#edges.delete(key);
    this.#edges.set(key, edge);
    if (this.#edges.size > MOST_EDGES) this.#edges.delete(this.#edges.keys().next().value!);
    edge.last.add(entry);
    if (entry.cause !== undefined) edge.failed.add(entry);
  }

  /** The oldest first. */
  list(): AccessEntry[] {
    const all = [...this.#edges.values()].flatMap(({ last, failed }) => [...last.entries, ...failed.entries]);
    return [...new Set(all)].toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  }
}

class Ring {
  readonly #size: number;
  readonly #entries: AccessEntry[] = [];
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(entry: AccessEntry): void {
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#size;
  }

  get entries(): readonly AccessEntry[] {
    return this.#entries;
  }
}
