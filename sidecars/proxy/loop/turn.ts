/**
 * A connection's share of one turn of the event loop. Bytes that are cheap to send can be expensive to read: who sends
 * many small pieces is read so far in a turn, and all others are served before it is read further. What one read cost
 * beyond its share is taken from the connection's next turns.
 */

let turn = 0;
let counting = false;
let charged = 0;

function nextTurn(): void {
  counting = false;
  turn++;
}

/**
 * Charge work to the connection that is being read, beyond what a read costs anyway.
 * @param pieces each worth about the CPU of a small record of TLS, or of a frame: some microseconds
 */
export function charge(pieces: number): void {
  charged += pieces;
}

/** All that was charged so far; what is read between two looks cost the difference. */
export const charges = (): number => charged;

export class TurnShare {
  readonly #size: number;
  #left: number;
  #turn = turn;

  /** @param size pieces of work a turn */
  constructor(size: number) {
    this.#size = this.#left = size;
  }

  /** Pieces of work that may still be done in this turn; none, or less, where earlier ones cost more than their share. */
  get left(): number {
    if (!counting) {
      counting = true;
      setImmediate(nextTurn);
    }
    if (this.#turn !== turn) {
      this.#left = Math.min(this.#size, this.#left + this.#size * (turn - this.#turn));
      this.#turn = turn;
    }
    return this.#left;
  }

  /** So much was done; after `left` was looked at. */
  spend(pieces: number): void {
    this.#left -= pieces;
  }
}
