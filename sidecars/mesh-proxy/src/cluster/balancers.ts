/** Which of several hosts gets the next request. */
import type { Host } from './host.ts';
import { Ring } from './ring.ts';

export interface Balancer {
  /**
   * @param hosts those that may be taken, at least one
   * @param hash of what a ring goes by; undefined for a random one
   */
  pick(hosts: readonly Host[], hash: number | undefined): Host;
}

/** The better of two that are chosen by chance: latency × what is under way, by weight (power of two choices). */
export class LeastRequest implements Balancer {
  readonly #now: () => number;
  constructor(now = () => performance.now()) {
    this.#now = now;
  }
  pick(hosts: readonly Host[]): Host {
    if (hosts.length === 1) return hosts[0]!;
    const first = Math.floor(Math.random() * hosts.length);
    const second = (first + 1 + Math.floor(Math.random() * (hosts.length - 1))) % hosts.length;
    const [a, b] = [hosts[first]!, hosts[second]!];
    const now = this.#now();
    return load(b, now) < load(a, now) ? b : a;
  }
}

const load = (host: Host, now: number): number => host.latency.load(host.active, now) / host.weight;

/** In turn, the heavier ones more often and evenly spread (nginx' smooth weighted round robin). */
export class RoundRobin implements Balancer {
  #next = 0;
  pick(hosts: readonly Host[]): Host {
    const { weight } = hosts[0]!;
    if (hosts.every((host) => host.weight === weight)) return hosts[this.#next++ % hosts.length]!;
    let best = hosts[0]!;
    let total = 0;
    for (const host of hosts) {
      host.turn += host.weight;
      total += host.weight;
      if (host.turn > best.turn) best = host;
    }
    best.turn -= total;
    return best;
  }
}

export class RandomChoice implements Balancer {
  pick(hosts: readonly Host[]): Host {
    let wanted = Math.random() * hosts.reduce((sum, { weight }) => sum + weight, 0);
    for (const host of hosts) {
      wanted -= host.weight;
      if (wanted < 0) return host;
    }
    return hosts.at(-1)!;
  }
}

/** The same host for the same hash, for as long as it is there. */
export class RingHash implements Balancer {
  readonly #random = new RandomChoice();
  #ring: Ring | undefined;
  pick(hosts: readonly Host[], hash: number | undefined): Host {
    if (hash === undefined) return this.#random.pick(hosts);
    if (this.#ring === undefined || !this.#ring.isOf(hosts)) this.#ring = new Ring(hosts);
    return this.#ring.find(hash);
  }
}
