/** Room that several owners share: none can take all of it while another has less. */

export class SharedRoom<T> {
  readonly #limit: number;
  /** By owner, in the order in which they came. */
  readonly #held = new Map<string, Set<T>>();
  readonly #owners = new Map<T, string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** All that have room. */
  get all(): readonly T[] {
    return [...this.#owners.keys()];
  }

  /**
   * Take room for one more. Where all of it is taken, an owner that holds two more than this one gives its last one up.
   * @returns whether there is room, and which one has to go for it
   */
  admit(one: T, owner: string): { readonly admitted: boolean; readonly leaving?: T } {
    if (this.#owners.size < this.#limit) {
      this.#add(one, owner);
      return { admitted: true };
    }
    const greatest = [...this.#held.values()].reduce((a, b) => (b.size > a.size ? b : a), new Set<T>());
    if (greatest.size <= (this.#held.get(owner)?.size ?? 0) + 1) return { admitted: false };
    const leaving = [...greatest].at(-1)!;
    this.delete(leaving);
    this.#add(one, owner);
    return { admitted: true, leaving };
  }

  #add(one: T, owner: string): void {
    this.#owners.set(one, owner);
    const held = this.#held.get(owner);
    if (held) held.add(one);
    else this.#held.set(owner, new Set([one]));
  }

  delete(one: T): void {
    const owner = this.#owners.get(one);
    if (owner === undefined) return;
    this.#owners.delete(one);
    const held = this.#held.get(owner)!;
    held.delete(one);
    if (held.size === 0) this.#held.delete(owner);
  }
}
