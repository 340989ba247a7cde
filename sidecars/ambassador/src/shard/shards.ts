/** The servers of a ring, and which of them a key belongs to at the moment. */
import { Ring, type RingOptions } from '../ring/ring.ts';
import type { Server } from './server.ts';

export interface Weighted {
  readonly server: Server;
  readonly weight: number;
}

const ASTERISK = 0x2a;

/** A ring, and the servers that its places stand for. */
interface Table {
  readonly ring: Ring;
  readonly places: readonly Server[];
}

/** A key that is still where it belonged before the servers changed. */
export interface MisplacedKey {
  readonly key: Buffer;
  readonly from: Server;
  readonly to: Server;
}

export class Shards {
  #members: readonly Weighted[];
  readonly #options: RingOptions;
  readonly #ejected = new Set<Server>();
  #now: Table;
  /** Where keys were before the servers changed, until all have moved. */
  #before: Table | undefined;
  /** Servers that keys move away from. */
  #leaving: readonly Server[] = [];
  #all: readonly Server[] = [];
  /** Where channels are: subscribers cannot be moved, so servers that are added get none before the next start. */
  #channels: Table;
  #generation = 0;

  /** @param members at least one */
  constructor(members: readonly Weighted[], options: RingOptions) {
    this.#members = members;
    this.#options = options;
    this.#now = this.#made();
    this.#channels = this.#now;
  }

  /** All servers that may hold keys: those that keys move away from come first, those that were added last. */
  get all(): readonly Server[] {
    return this.#all;
  }

  /** Another number when places in `all` mean other servers than before, or keys have moved to an earlier place. */
  get generation(): number {
    return this.#generation;
  }

  /** Servers that are not ejected. */
  get live(): readonly Server[] {
    return this.#now.places;
  }

  /** The servers that channels are on. */
  get broadcasting(): readonly Server[] {
    return this.#channels.places;
  }

  /** Keys may be elsewhere than they belong. */
  get moving(): boolean {
    return this.#before !== undefined;
  }

  /** The server of a key. @param bytes holds it, from `start` to `end` */
  of(bytes: Buffer, start: number, end: number): Server {
    return this.#now.places[this.#now.ring.owner(bytes, start, end)]!;
  }

  /** The server of every key that a pattern with an asterisk stands for; undefined where they may have several. */
  ofPattern(bytes: Buffer): Server | undefined {
    const end = this.#now.ring.tagEnd(bytes);
    return end === -1 || bytes.indexOf(ASTERISK) < end ? undefined : this.of(bytes, 0, bytes.length);
  }

  /** The server of a channel. */
  ofChannel(bytes: Buffer): Server {
    return this.#channels.places[this.#channels.ring.owner(bytes, 0, bytes.length)]!;
  }

  /** The server that a key may still be on, where that is another than its own. */
  before(bytes: Buffer, start: number, end: number): Server | undefined {
    if (this.#before === undefined) return undefined;
    const from = this.#before.places[this.#before.ring.owner(bytes, start, end)]!;
    return from === this.of(bytes, start, end) ? undefined : from;
  }

  /** Keys belong to these servers from now on, and a request for one moves it, until `moved`. */
  change(members: readonly Weighted[]): void {
    const kept = new Set(members.map(({ server }) => server));
    this.#leaving = this.#members.flatMap(({ server }) => (kept.has(server) ? [] : [server]));
    if (this.#leaving.length > 0) this.#generation++;
    this.#before = this.#now;
    this.#members = members;
    this.#now = this.#made();
  }

  /** Every key is where it belongs. @returns the servers that hold no key any more; then channels have moved, too */
  moved(): readonly Server[] {
    const left = this.#leaving;
    this.#before = undefined;
    this.#leaving = [];
    this.#all = this.#members.map(({ server }) => server);
    if (left.length > 0) {
      this.#generation++;
      this.#channels = this.#now;
    }
    return left;
  }

  /**
   * Take a server out of the ring: its keys go to the others. The last one stays.
   * @returns whether it was taken out
   */
  eject(server: Server): boolean {
    if (this.#ejected.has(server) || this.live.length === 1) return false;
    this.#ejected.add(server);
    this.#now = this.#channels = this.#made();
    return true;
  }

  /** Put a server back. @returns whether it was out */
  restore(server: Server): boolean {
    if (!this.#ejected.delete(server)) return false;
    this.#now = this.#channels = this.#made();
    return true;
  }

  #made(): Table {
    const members = this.#members.filter(({ server }) => !this.#ejected.has(server));
    this.#all = [...this.#leaving, ...this.#members.map(({ server }) => server)];
    return {
      ring: new Ring(
        members.map(({ server, weight }) => ({ name: server.name, weight })),
        this.#options,
      ),
      places: members.map(({ server }) => server),
    };
  }
}
