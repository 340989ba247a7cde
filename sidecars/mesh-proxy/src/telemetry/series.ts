/**
 * Counts by labels, in plain numbers while traffic flows: they become metrics when somebody asks for them. A labelled
 * metric for each request would cost more than routing it.
 */ export type Labels = Readonly<Record<string, string>>;

/**
 * Combinations of labels at most: a request's series has some 40 lines in /metrics. What comes further is counted
 * together, under `other`, so that sums stay right.
 */
export const MAX_SERIES = 150;

export class SeriesMap<S> {
  readonly #series = new Map<string, S>();
  readonly #make: (labels: Labels) => S;
  #others: S | undefined;

  constructor(make: (labels: Labels) => S) {
    this.#make = make;
  }

  /** @param labels all of the series, always in the same order */
  get(labels: Labels): S {
    // All values, so that two series which differ in one label are two here.
    const key = Object.values(labels).join('\n');
    let series = this.#series.get(key);
    if (series !== undefined) return series;
    if (this.#series.size >= MAX_SERIES) return (this.#others ??= this.#make(otherLabels(labels)));
    series = this.#make(labels);
    this.#series.set(key, series);
    return series;
  }

  [Symbol.iterator](): IterableIterator<S> {
    return [...this.#series.values(), ...(this.#others === undefined ? [] : [this.#others])].values();
  }
}

const otherLabels = (labels: Labels): Labels => Object.fromEntries(Object.keys(labels).map((name) => [name, 'other']));
