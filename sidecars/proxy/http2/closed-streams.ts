/** How the latest streams were closed, since that decides what a late frame means (RFC 9113, section 5.1). */

export const UNKNOWN = 0;
export const ENDED = 1;
export const RESET_BY_PEER = 2;
/** What the peer sent before it heard of it is ignored. */
export const RESET_HERE = 3;

/** A power of two. */
const REMEMBERED = 128;

export class ClosedStreams {
  /** Pairs of a stream and how it was closed. */
  #ring: Int32Array | undefined;
  #next = 0;

  add(id: number, how: number): void {
    this.#ring ??= new Int32Array(REMEMBERED * 2);
    this.#ring[this.#next] = id;
    this.#ring[this.#next + 1] = how;
    this.#next = (this.#next + 2) & (REMEMBERED * 2 - 1);
  }

  how(id: number): number {
    const ring = this.#ring;
    if (ring === undefined) return UNKNOWN;
    for (let index = 0; index < ring.length; index += 2) if (ring[index] === id) return ring[index + 1]!;
    return UNKNOWN;
  }
}
