/** Answers and errors of the last seconds. */
import type { Counts } from './significance.ts';

const PARTS = 10;

export class Window implements Counts {
  readonly #part: number;
  readonly #answers = new Float64Array(PARTS);
  readonly #errors = new Float64Array(PARTS);
  #now = 0;
  answers = 0;
  errors = 0;

  /** @param length in milliseconds */
  constructor(length: number) {
    this.#part = length / PARTS;
  }

  /** Forget what is too old. @param now a monotonic clock in milliseconds */
  advance(now: number): void {
    const part = Math.floor(now / this.#part);
    const passed = Math.min(part - this.#now, PARTS);
    for (let step = 1; step <= passed; step++) {
      const old = (part - passed + step) % PARTS;
      this.answers -= this.#answers[old]!;
      this.errors -= this.#errors[old]!;
      this.#answers[old] = 0;
      this.#errors[old] = 0;
    }
    if (passed > 0) this.#now = part;
  }

  add(now: number, failed: boolean): void {
    this.advance(now);
    const at = this.#now % PARTS;
    this.#answers[at]! += 1;
    this.answers += 1;
    if (!failed) return;
    this.#errors[at]! += 1;
    this.errors += 1;
  }

  clear(): void {
    this.#answers.fill(0);
    this.#errors.fill(0);
    this.answers = 0;
    this.errors = 0;
  }
}
