/** Two texts of metrics about one server, compared series by series. */

/** Series of a text of metrics: labels sorted, so that their order says nothing. */
export interface Exposition {
  readonly values: ReadonlyMap<string, number>;
  /** Of each family: gauge, counter, … */
  readonly types: ReadonlyMap<string, string>;
}

/** Read Prometheus' text format. */
export function readExposition(text: string, belongs: (name: string) => boolean): Exposition {
  const values = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, family, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (family !== undefined && belongs(family)) types.set(family, type!);
    const [, name, labels = '', value] = /^([a-zA-Z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || !belongs(name)) continue;
    const sorted = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([pair]) => pair).toSorted();
    values.set(`${name}{${sorted.join(',')}}`, Number(value!.replace('Inf', 'Infinity')));
  }
  return { values, types };
}

/** What moves while one looks, by a part of its name: it need not agree to the digit. */
const MOVES = /memory|mem_|allocator|_cpu_|_memory_|start_time_seconds|avg_ttl/;
/** What each tells of its own work. */
const ITS_OWN = /^(?:redis|mysql)_exporter_|^redis_commands_latencies_usec_bucket|^redis_latency_percentiles_usec\{/;

/**
 * What is different between an exporter and the adapter, which was asked before and after it: a counter lies between
 * the two, and what came into being in between is told by the later.
 */
export class Comparison {
  readonly #agreed = new Set<string>();
  #seen = new Set<string>();

  /**
   * Take three looks at one server.
   * @returns names and labels that one has and the other has not, and types that differ
   */
  add(before: Exposition, theirs: Exposition, after: Exposition): string[] {
    const faults: string[] = [];
    for (const series of theirs.values.keys()) if (!after.values.has(series)) faults.push(`missing: ${series}`);
    for (const series of before.values.keys()) if (!theirs.values.has(series)) faults.push(`too much: ${series}`);
    for (const [family, type] of theirs.types)
      if (after.types.get(family) !== type) faults.push(`${family} is a ${type}, not a ${after.types.get(family)}`);
    this.#seen = new Set(theirs.values.keys());
    for (const [series, value] of theirs.values) {
      const first = before.values.get(series);
      const last = after.values.get(series);
      if (ITS_OWN.test(series) || agrees(series, first ?? last, value, last)) this.#agreed.add(series);
    }
    return faults;
  }

  /** Series whose values agreed in none of the looks. */
  differing(): string[] {
    return [...this.#seen].filter((series) => !this.#agreed.has(series));
  }
}

function agrees(series: string, first: number | undefined, value: number, last: number | undefined): boolean {
  if (first === undefined || last === undefined) return false;
  if (value >= Math.min(first, last) && value <= Math.max(first, last)) return true;
  return MOVES.test(series) && Math.abs(value - last) <= 0.25 * Math.max(Math.abs(value), Math.abs(last)) + 2;
}
