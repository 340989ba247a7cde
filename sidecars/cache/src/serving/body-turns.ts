/**
 * The bodies that come from the application share each turn of the event loop: after a number of bytes in one turn, a body
 * waits for a later one, in order. Otherwise one turn lasts as long as all bodies take that have bytes, and everybody
 * else waits for several of them.
 */

/** Of all bodies in one turn, in bytes. */
const SHARE = 2 * 1024 * 1024;
/** Most bytes that one read brings. */
const READ = 64 * 1024;

export class BodyTurns {
  #left = SHARE;
  #scheduled = false;
  readonly #waiting = new Set<() => void>();

  /** Count bytes that have come. */
  spend(bytes: number): void {
    this.#left -= bytes;
    this.#schedule();
  }

  /**
   * Whether a body may be read on in this turn.
   * @param onTurn called once in a later one where it may not
   */
  admit(onTurn: () => void): boolean {
    if (this.#left > 0) return true;
    this.#waiting.add(onTurn);
    return false;
  }

  /** It waits no longer. @param onTurn as it was given */
  leave(onTurn: () => void): void {
    this.#waiting.delete(onTurn);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    this.#scheduled = false;
    this.#left = SHARE;
    let admitted = 0;
    for (const onTurn of this.#waiting) {
      this.#waiting.delete(onTurn);
      onTurn();
      if (++admitted >= SHARE / READ) break;
    }
    if (this.#waiting.size > 0) this.#schedule();
  };
}

/** Those of this process, which has one event loop. */
export const bodyTurns = new BodyTurns();
