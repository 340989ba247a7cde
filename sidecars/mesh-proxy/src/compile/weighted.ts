/** A choice in proportion to weights. */
import { ConfigurationRefused } from '#mesh/model/source.ts';

export class Weighted<T> {
  readonly #items: readonly T[];
  /** Sums of the weights up to each item. */
  readonly #sums: readonly number[];
  readonly #total: number;

  /** @throws {ConfigurationRefused} for weights that are not positive in sum */
  constructor(items: readonly (readonly [item: T, weight: number])[], where: string) {
    let total = 0;
    const sums: number[] = [];
    for (const [, weight] of items) {
      if (!(weight >= 0)) throw new ConfigurationRefused(`${where}: a weight of ${weight}`);
      total += weight;
      sums.push(total);
    }
    if (total === 0) throw new ConfigurationRefused(`${where}: no weight above 0`);
    this.#items = items.map(([item]) => item);
    this.#sums = sums;
    this.#total = total;
  }

  /** @param random from 0 to below 1 */
  pick(random: number): T {
    if (this.#items.length === 1) return this.#items[0]!;
    const wanted = random * this.#total;
    const index = this.#sums.findIndex((sum) => wanted < sum);
    return this.#items[index === -1 ? this.#items.length - 1 : index]!;
  }
}
