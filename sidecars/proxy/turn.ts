/**
 * A connection's share of one turn of the event loop. Bytes that are cheap to send can be dear to read: who sends many
 * small pieces is read so far in a turn, and all others are served before it is read further.
 */

let turn = 0;
let counting = false;

function nextTurn(): void {
  counting = false;
  turn++;
}

export class TurnShare {
  readonly #size: number;
  #left: number;
  #turn = turn;

  /** @param size pieces of work a turn */
  constructor(size: number) {
    this.#size = this.#left = size;
  }

  /** Pieces of work that may still be done in this turn. */
  get left(): number {
    if (!counting) {
      counting = true;
      setImmediate(nextTurn);
    }
    if (this.#turn !== turn) {
      this.#turn = turn;
      this.#left = this.#size;
    }
    return this.#left;
  }

  /** So much was done; after `left` was looked at. */
  spend(pieces: number): void {
    this.#left -= pieces;
  }
}
