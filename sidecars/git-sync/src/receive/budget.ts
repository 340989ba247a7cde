/**
 * How much of unfinished bodies is held. Nobody has shown a signature before the last byte, so who sends
 * slowly must not keep out fast senders: a new body takes its room from the one that has been
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
  readonly #byClient = new Map<string, number>();
  #bytes = 0;

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
    return this.#bytes;
  }

  open(client: string, evict: () => void): Holding {
    const holding = { client, evict, bytes: 0 };
    this.#holdings.add(holding);
    return holding;
  }

  /** Hold more of a body. */
  take(holding: Holding, bytes: number): void {
    holding.bytes += bytes;
    if (this.#holdings.has(holding)) this.#count(holding, bytes);
    const { client } = holding;
    if ((this.#byClient.get(client) ?? 0) > this.#share)
      this.#makeRoom(
        holding,
        () => (this.#byClient.get(client) ?? 0) <= this.#share,
        (each) => each.client === client,
      );
    if (this.#bytes > this.#total)
      this.#makeRoom(
        holding,
        () => this.#bytes <= this.#total,
        () => true,
      );
  }

  /** It is finished, or given up. */
  close(holding: Holding): void {
    if (this.#holdings.delete(holding)) this.#count(holding, -holding.bytes);
  }

  #makeRoom(holding: Holding, isEnough: () => boolean, among: (each: Holding) => boolean): void {
    for (const other of this.#holdings) {
      if (isEnough()) return;
      if (other === holding || !among(other) || other.bytes === 0) continue;
      this.close(other);
      other.evict();
    }
  }

  #count({ client }: Holding, bytes: number): void {
    this.#bytes += bytes;
    const held = (this.#byClient.get(client) ?? 0) + bytes;
    if (held === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, held);
  }
}
