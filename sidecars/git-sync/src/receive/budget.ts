/**
 * How much of unfinished bodies is held. Nobody has shown a signature before the last byte, so who sends
 * slowly must not keep out who sends at once: whoever needs room takes it from the body that has been
 * unfinished for longest, first among those of the same client, then among all.
 */

/** One unfinished body. */
export interface Holding {
  readonly client: string;
  /** Called when its room is taken. */
  readonly evict: () => void;
  bytes: number;
}

export class Budget {
  readonly #total: number;
  readonly #share: number;
  /** In the order in which they began. */
  readonly #holdings = new Set<Holding>();

  /**
   * @param total bytes that all hold together
   * @param share bytes that one client holds; at least as many as the largest body
   */
  constructor(total: number, share: number) {
    this.#total = total;
    this.#share = share;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#sum(() => true);
  }

  open(client: string, evict: () => void): Holding {
    const holding = { client, evict, bytes: 0 };
    this.#holdings.add(holding);
    return holding;
  }

  /** Hold more of a body. */
  take(holding: Holding, bytes: number): void {
    holding.bytes += bytes;
    this.#makeRoom(holding, this.#share, (each) => each.client === holding.client);
    this.#makeRoom(holding, this.#total, () => true);
  }

  /** It is finished, or given up. */
  close(holding: Holding): void {
    this.#holdings.delete(holding);
  }

  #makeRoom(holding: Holding, limit: number, among: (each: Holding) => boolean): void {
    let held = this.#sum(among);
    for (const other of this.#holdings) {
      if (held <= limit) return;
      if (other === holding || !among(other) || other.bytes === 0) continue;
      held -= other.bytes;
      this.#holdings.delete(other);
      other.evict();
    }
  }

  #sum(among: (each: Holding) => boolean): number {
    let sum = 0;
    for (const each of this.#holdings) if (among(each)) sum += each.bytes;
    return sum;
  }
}
