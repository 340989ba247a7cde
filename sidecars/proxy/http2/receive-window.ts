/**
 * How much a peer may send before it must wait (RFC 9113, section 5.2). What was consumed is granted
 * anew by halves; a peer that uses half a window gets a larger one, up to a bound, so that a long way
 * to the peer does not make it slow and an idle peer holds no claim on memory.
 */
import type { MemoryBudget } from '#proxy/memory/budget.ts';

/** A window grows by so much at once: an upload of 4 MB waits for two round trips then, and for four where it doubles. */
const GROWTH = 4;

/** A connection, or a stream, as far as receiving goes. */
export interface ReceiveWindow {
  /** Bytes that the peer may still send. */
  receiveWindow: number;
  /** What the window is brought back to. */
  receiveLimit: number;
  /** Bytes that were consumed and not yet granted anew. */
  credit: number;
}

/**
 * Note that bytes were consumed.
 * @param most the largest window
 * @returns the increment to announce; 0 for none yet
 */
export function consume(window: ReceiveWindow, size: number, most: number, memory: MemoryBudget): number {
  window.credit += size;
  if (window.credit * 2 < window.receiveLimit) return 0;
  let increment = window.credit;
  if (window.receiveLimit < most && !memory.full) {
    const larger = Math.min(most, window.receiveLimit * GROWTH);
    increment += larger - window.receiveLimit;
    window.receiveLimit = larger;
  }
  window.credit = 0;
  window.receiveWindow += increment;
  return increment;
}
