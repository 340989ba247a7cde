/**
 * Shares of one turn of the event loop. Bytes that are cheap to send can be expensive to read: who sends many small
 * pieces is read so far in a turn, and what one read cost beyond its share is taken from the connection's next turns. All
 * connections together have a share, too, in work and in bytes: who wants to read when it is used up waits. Those who
 * wait go on first in the next turns, peer by peer, for as long as there is something left of it.
 */
import { FairQueue } from './fair-queue.ts';

/** Work of all connections together in one turn, in pieces: some milliseconds, or 8 MiB. */
const TOGETHER = 1024;
/** Cost of a request that is read ahead of others of its connection, however it is answered; in pieces. */
export const REQUEST = 2;
/** A connection that is opened: a system call that goes through all of the kernel's TCP. */
export const CONNECT = 16;
/** Bytes that cost as much as a piece does: a relay's work with 64 KiB, and its memory. */
export const BYTES_A_PIECE = 8192;
/** What a read of 64 KiB costs. */
const LARGE_READ = (64 * 1024) / BYTES_A_PIECE;
/** This part of its share a connection has in each turn, whatever others do: who asks for little does not wait. */
const CERTAIN = 1 / 16;

let turn = 0;
let counting = false;
let charged = 0;
/** What all connections may still do in this turn. */
let left = TOGETHER;

function beginTurn(): void {
  counting = false;
  turn++;
  left = TOGETHER;
  for (let rest = waiting.size; rest > 0 && left > 0; rest--) waiting.take()!.goOn();
  if (waiting.size > 0) countTurn();
}

/** The next turn begins before anything is read again. */
function countTurn(): void {
  if (counting) return;
  counting = true;
  setImmediate(beginTurn);
}

/**
 * Charge work to the connection that is being read, beyond what a read costs anyway.
 * @param pieces each worth about the CPU of a small record of TLS, or of a frame: some microseconds
 */
export function charge(pieces: number): void {
  charged += pieces;
  left -= pieces;
  countTurn();
}

/** All that was charged so far; what is read between two looks cost the difference. */
export const charges = (): number => charged;

/** A connection's share. */
export class TurnShare {
  readonly #size: number;
  readonly #peer: () => unknown;
  readonly #onTurn: () => void;
  #left: number;
  /** What was left when the turn began. */
  #had: number;
  #turn = turn;
  /** What its last read took of all connections' share, and what was taken of that for its next one. */
  #last = 0;
  #prepaid = 0;
  /** `onTurn` will be called. */
  waits = false;

  /**
   * @param size pieces of work a turn
   * @param onTurn what waited for its turn may go on; must not throw
   * @param peer whose connection it is: each peer's have the same part together of what is waited for; absent: a peer of
   * its own
   */
  constructor(size: number, onTurn: () => void, peer?: () => unknown) {
    this.#size = this.#left = this.#had = size;
    this.#onTurn = onTurn;
    this.#peer = peer ?? ((): unknown => this);
  }

  /** Pieces of work that may still be done in this turn; none, or less, where earlier ones cost more than their share. */
  get left(): number {
    this.#refill();
    return Math.min(this.#left, Math.max(left, this.#certain));
  }

  /** What it may do in this turn whatever others do. */
  get #certain(): number {
    return this.#size * CERTAIN - (this.#had - this.#left);
  }

  /**
   * So much was done.
   * @param pieces of this connection's share
   * @param together of them, what was not charged yet to all connections
   */
  spend(pieces: number, together = pieces): void {
    this.#refill();
    this.#left -= pieces;
    left -= together - this.#prepaid;
    this.#prepaid = 0;
    this.#last = together;
  }

  #refill(): void {
    countTurn();
    if (this.#turn === turn) return;
    this.#left = this.#had = Math.min(this.#size, this.#left + this.#size * (turn - this.#turn));
    this.#turn = turn;
  }

  /** Ask before a read like the last one. @returns false where it has to wait: `onTurn` is called, once */
  asks(): boolean {
    if (this.waits) return false;
    if (this.left > 0 && (left > 0 || this.#last <= this.#certain)) {
      this.#prepay();
      return true;
    }
    this.wait();
    return false;
  }

  /** Have `onTurn` called when it is this connection's turn. */
  wait(): void {
    if (this.waits) return;
    this.waits = true;
    waiting.add(this.#peer(), this);
    countTurn();
  }

  /** It is its turn, unless it has used up more than its own share. */
  goOn(): void {
    this.waits = false;
    if (this.left <= 0) return this.wait();
    this.#prepay();
    this.#onTurn();
  }

  /** What is allowed to be read is not there yet: others must not be allowed the same. */
  #prepay(): void {
    // Who has read many bytes may find more than the last time.
    const price = this.#last === 0 ? 0 : Math.max(this.#last, LARGE_READ);
    left -= price - this.#prepaid;
    this.#prepaid = price;
  }
}

const waiting = new FairQueue<TurnShare>();
