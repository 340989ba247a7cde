/**
 * Which connections there may be. Senders keep theirs while they have nothing to say, so silence alone ends none. When
 * all places are taken, a newcomer gets that of a silent one: of an address that has more places than the newcomer's, or
 * of one that was silent for a minute. An address that has more than half of all places gives one up although it talks.
 */
import type { Socket } from 'node:net';

/** A connection that was silent for so long gives its place to any newcomer, in milliseconds. */
const SILENT = 60_000;
/** So long at least it must have been silent, in milliseconds. */
const PAUSE = 1000;

interface Place {
  readonly socket: Socket;
  readonly address: string;
  heardAt: number;
  /** What came is not taken in yet. */
  busy: boolean;
}

/** A connection that ends for a newcomer: the newcomer itself, a silent one, or one of an address that has most places. */
export interface Eviction {
  readonly socket: Socket;
  readonly reason: 'connections' | 'idle' | 'share';
}

export class Admission {
  readonly #most: number;
  readonly #now: () => number;
  /** By the peer's address and port: a connection is one socket under TLS and another above it. */
  readonly #places = new Map<string, Place>();

  /**
   * @param most connections at a time
   * @param now a clock in milliseconds
   */
  constructor(most: number, now: () => number) {
    this.#most = most;
    this.#now = now;
  }

  /** Open connections, also those in the handshake of TLS. */
  get sockets(): Socket[] {
    return [...this.#places.values()].map(({ socket }) => socket);
  }

  /**
   * A socket was accepted.
   * @returns the connection that is to be ended for it: the new one itself, where no other may be; undefined for none
   */
  admit(socket: Socket): Eviction | undefined {
    const address = socket.remoteAddress ?? '';
    const victim = this.#places.size < this.#most ? undefined : this.#victim(address);
    if (this.#places.size >= this.#most && victim === undefined) return { socket, reason: 'connections' };
    const key = keyOf(socket);
    this.#places.set(key, { socket, address, heardAt: this.#now(), busy: false });
    socket.once('close', () => {
      if (this.#places.get(key)?.socket === socket) this.#places.delete(key);
    });
    if (victim !== undefined) this.#places.delete(keyOf(victim.socket));
    return victim;
  }

  /** Something came. @param busy it is not taken in yet */
  heard(socket: Socket, busy: boolean): void {
    const place = this.#places.get(keyOf(socket));
    if (place === undefined) return;
    place.heardAt = this.#now();
    place.busy = busy;
  }

  #victim(newcomer: string): Eviction | undefined {
    const counts = new Map<string, number>([[newcomer, 1]]);
    for (const { address } of this.#places.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const share = counts.get(newcomer)!;
    let best: Place | undefined;
    for (const place of this.#places.values()) {
      const count = counts.get(place.address)!;
      if (place.busy || (count <= share && this.#silence(place) < SILENT)) continue;
      if (count * 2 <= this.#most && this.#silence(place) < PAUSE) continue;
      const most = best === undefined ? 0 : counts.get(best.address)!;
      if (best === undefined || count > most || (count === most && place.heardAt < best.heardAt)) best = place;
    }
    return best && { socket: best.socket, reason: this.#silence(best) < PAUSE ? 'share' : 'idle' };
  }

  #silence({ heardAt }: Place): number {
    return this.#now() - heardAt;
  }
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? ''}`;
