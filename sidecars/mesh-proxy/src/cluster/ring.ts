/** Consistent hashing: each host has points on a ring, by weight, and a hash belongs to the next point (Ketama). */
import type { Host } from './host.ts';

/** Points of all hosts together, about: Envoy's minimum. */
const POINTS = 1024;

export class Ring {
  readonly #hosts: readonly Host[];
  readonly #weights: readonly number[];
  readonly #points: Uint32Array;
  readonly #owners: Uint32Array;

  constructor(hosts: readonly Host[]) {
    this.#hosts = hosts;
    this.#weights = hosts.map((host) => host.weight);
    const total = this.#weights.reduce((sum, weight) => sum + weight, 0);
    const entries: [point: number, owner: number][] = [];
    for (const [owner, { model, weight }] of hosts.entries()) {
      const count = Math.max(1, Math.round((weight / total) * POINTS));
      for (let point = 0; point < count; point++)
        entries.push([hashOf(`${model.address}:${model.port}_${point}`), owner]);
    }
    entries.sort(([a], [b]) => a - b);
    this.#points = Uint32Array.from(entries, ([point]) => point);
    this.#owners = Uint32Array.from(entries, ([, owner]) => owner);
  }

  /** Whether it was made of these hosts, in their order and with their weights. */
  isOf(hosts: readonly Host[]): boolean {
    return (
      hosts.length === this.#hosts.length &&
      hosts.every((host, index) => host === this.#hosts[index] && host.weight === this.#weights[index])
    );
  }

  find(hash: number): Host {
    let from = 0;
    let to = this.#points.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#points[middle]! < hash) from = middle + 1;
      else to = middle;
    }
    return this.#hosts[this.#owners[from === this.#points.length ? 0 : from]!]!;
  }
}

/** FNV-1a, and MurmurHash3's last step, since texts that differ in their end alone must not stay neighbours. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
