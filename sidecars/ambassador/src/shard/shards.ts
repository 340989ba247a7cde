/** The servers of a ring, and which of them a key belongs to at the moment. */
import { Ring, type RingOptions } from '../ring/ring.ts';
import type { Server } from './server.ts';

export interface Weighted {
  readonly server: Server;
  readonly weight: number;
}

export class Shards {
  readonly all: readonly Server[];
  readonly #members: readonly Weighted[];
  readonly #options: RingOptions;
  readonly #ejected = new Set<Server>();
  #ring: Ring;
  /** The servers that the ring's places stand for. */
  #places: readonly Server[];

  /** @param members at least one */
  constructor(members: readonly Weighted[], options: RingOptions) {
    this.#members = members;
    this.#options = options;
    this.all = members.map(({ server }) => server);
    this.#places = this.all;
    this.#ring = this.#made();
  }

  /** The server of a key. @param bytes holds it, from `start` to `end` */
  of(bytes: Buffer, start: number, end: number): Server {
    return this.#places[this.#ring.owner(bytes, start, end)]!;
  }

  /** Servers that are not ejected. */
  get live(): readonly Server[] {
    return this.#places;
  }

  /**
   * Take a server out of the ring: its keys go to the others. The last one stays.
   * @returns whether it was taken out
   */
  eject(server: Server): boolean {
    if (this.#ejected.has(server) || this.#places.length === 1) return false;
    this.#ejected.add(server);
    this.#ring = this.#made();
    return true;
  }

  /** Put a server back. @returns whether it was out */
  restore(server: Server): boolean {
    if (!this.#ejected.delete(server)) return false;
    this.#ring = this.#made();
    return true;
  }

  #made(): Ring {
    const members = this.#members.filter(({ server }) => !this.#ejected.has(server));
    this.#places = members.map(({ server }) => server);
    return new Ring(
      members.map(({ server, weight }) => ({ name: server.name, weight })),
      this.#options,
    );
  }
}
