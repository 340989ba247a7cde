/**
 * Counts by labels, in plain numbers while traffic flows: they become metrics when somebody asks for them. A labelled
 * metric for each request would cost more than routing it.
 */ export type Labels = Readonly<Record<string, string>>;

/** Series of one metric, or of some that share their labels. So many at most: what a caller can invent has no place in labels. */
const MAX_SERIES = 5000;

export class SeriesMap<S> {
  readonly #series = new Map<string, S>();
  readonly #make: (labels: Labels) => S;

  constructor(make: (labels: Labels) => S) {
    this.#make = make;
  }

  /** @param labels all of the series, always in the same order @returns undefined when there are too many */
  get(labels: Labels): S | undefined {
    // All values, so that two series which differ in one label are two here.
    const key = Object.values(labels).join('\n');
    let series = this.#series.get(key);
    if (series !== undefined) return series;
    if (this.#series.size >= MAX_SERIES) return undefined;
    series = this.#make(labels);
    this.#series.set(key, series);
    return series;
  }

  [Symbol.iterator](): IterableIterator<S> {
    return this.#series.values();
  }
}
