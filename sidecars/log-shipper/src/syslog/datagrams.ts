/**
 * Datagrams that wait to be taken in. Their sender cannot be held up, so the oldest are dropped when there are too many:
 * those of an address that has a quarter of the room go for those of the same address, so that no one sender takes all of it.
 */

/** Of the room, what one address may have. */
const SHARE = 4;
/** What one costs besides its bytes. */
const OVERHEAD = 256;

export interface Datagram {
  readonly bytes: Buffer;
  readonly address: string;
}

export class Datagrams {
  readonly #room: number;
  /** The oldest first. */
  readonly #waiting = new Map<number, Datagram>();
  /** Of each address: what waits, by its number. */
  readonly #senders = new Map<string, { readonly numbers: Set<number>; size: number }>();
  #next = 0;
  #size = 0;

  /** @param room bytes that may wait */
  constructor(room: number) {
    this.#room = room;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** @returns how many were dropped for it */
  add(datagram: Datagram): number {
    const size = datagram.bytes.length + OVERHEAD;
    const sender = this.#senders.get(datagram.address) ?? { numbers: new Set<number>(), size: 0 };
    let dropped = 0;
    const drop = (numbers: Iterable<number>): void => {
      const [oldest] = numbers;
      this.#remove(oldest!);
      dropped += 1;
    };
    while (sender.numbers.size > 0 && sender.size + size > this.#room / SHARE) drop(sender.numbers);
    while (this.#waiting.size > 0 && this.#size + size > this.#room) drop(this.#waiting.keys());
    const number = this.#next++;
    this.#waiting.set(number, datagram);
    this.#senders.set(datagram.address, sender);
    sender.numbers.add(number);
    sender.size += size;
    this.#size += size;
    return dropped;
  }

  /** Take the oldest away. @param most of them */
  take(most: number): Datagram[] {
    const taken: Datagram[] = [];
    for (const [number, datagram] of this.#waiting) {
      if (taken.length === most) break;
      taken.push(datagram);
      this.#remove(number);
    }
    return taken;
  }

  #remove(number: number): void {
    const { bytes, address } = this.#waiting.get(number)!;
    const sender = this.#senders.get(address)!;
    const size = bytes.length + OVERHEAD;
    this.#waiting.delete(number);
    sender.numbers.delete(number);
    sender.size -= size;
    this.#size -= size;
    if (sender.numbers.size === 0) this.#senders.delete(address);
  }
}
