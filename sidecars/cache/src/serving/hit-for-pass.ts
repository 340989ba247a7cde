/** Hit-for-pass: keys whose answers were not stored; their requests go to the application at once, and wait for no other. */

/** How long such a key is remembered after its last answer, in milliseconds. */
const REMEMBERED = 120_000;

export class HitForPass {
  readonly #most: number;
  /** Until when, by key; the one that was set last is last. */
  readonly #until = new Map<string, number>();

  /** @param most keys that are remembered */
  constructor(most = 10_000) {
    this.#most = most;
  }

  add(key: string, now: number): void {
    this.#until.delete(key);
    this.#until.set(key, now + REMEMBERED);
    if (this.#until.size > this.#most) this.#until.delete(this.#until.keys().next().value!);
  }

  has(key: string, now: number): boolean {
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#until.delete(key);
    return false;
  }

  delete(key: string): void {
    this.#until.delete(key);
  }
}
