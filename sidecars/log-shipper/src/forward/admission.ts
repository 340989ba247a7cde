/**
 * Which connections there may be. Senders keep theirs while they have nothing to say, so silence alone ends none. When
 * all places are taken, a newcomer gets that of a silent one: of an address that has more places than the newcomer's, or
 * of one that was silent for a minute.
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
  admit(socket: Socket): Socket | undefined {
    const address = socket.remoteAddress ?? '';
    const victim = this.#places.size < this.#most ? undefined : this.#victim(address);
    if (this.#places.size >= this.#most && victim === undefined) return socket;
    const key = keyOf(socket);
    this.#places.set(key, { socket, address, heardAt: this.#now(), busy: false });
    socket.once('close', () => {
      if (this.#places.get(key)?.socket === socket) this.#places.delete(key);
    });
    if (victim !== undefined) this.#places.delete(keyOf(victim));
    return victim;
  }

  /** Something came. @param busy it is not taken in yet */
  heard(socket: Socket, busy: boolean): void {
    const place = this.#places.get(keyOf(socket));
    if (place === undefined) return;
    place.heardAt = this.#now();
    place.busy = busy;
  }

  #victim(newcomer: string): Socket | undefined {
    const counts = new Map<string, number>([[newcomer, 1]]);
    for (const { address } of this.#places.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const share = counts.get(newcomer)!;
    let best: Place | undefined;
    for (const place of this.#places.values()) {
      const silence = this.#now() - place.heardAt;
      const count = counts.get(place.address)!;
      if (place.busy || silence < (count > share ? PAUSE : SILENT)) continue;
      const most = best === undefined ? 0 : counts.get(best.address)!;
      if (best === undefined || count > most || (count === most && place.heardAt < best.heardAt)) best = place;
    }
    return best?.socket;
  }
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? ''}`;
