/** Metrics whose names are known only when the database has answered, in Prometheus' text format. */
import { formatNumber } from './go-number.ts';

export type MetricType = 'counter' | 'gauge' | 'untyped' | 'histogram' | 'summary';
export type Labels = Readonly<Record<string, string>>;

/** What a server may make us hold, however much it answers. */
const MAX_SERIES = 50_000;
/** Of a label's value, in characters. */
const MAX_LABEL = 1024;

interface Family {
  readonly type: MetricType;
  readonly help: string;
  /** By the series' text up to its value: a series comes once. */
  readonly samples: Map<string, number>;
}

/** A distribution as the server counted it. */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  /** Upper bound (or quantile) and what was counted up to it. */
  readonly points: readonly (readonly [number, number])[];
}

export class Families {
  readonly #families = new Map<string, Family>();
  #series = 0;

  /**
   * Add a series. The first of a name decides on type and help, the first of a name with its labels on the value.
   * @throws when there are more than anybody means to have
   */
  add(type: MetricType, name: string, help: string, value: number, labels: Labels = {}): void {
    this.#put(this.#family(type, name, help), series(name, labels), value);
  }

  histogram(name: string, help: string, { count, sum, points }: Distribution, labels: Labels = {}): void {
    const family = this.#family('histogram', name, help);
    for (const [bound, upTo] of [...points].sort(([a], [b]) => a - b))
      this.#put(family, series(`${name}_bucket`, { ...labels, le: formatNumber(bound) }), upTo);
    this.#put(family, series(`${name}_bucket`, { ...labels, le: '+Inf' }), count);
    this.#put(family, series(`${name}_sum`, labels), sum);
    this.#put(family, series(`${name}_count`, labels), count);
  }

  summary(name: string, help: string, { count, sum, points }: Distribution, labels: Labels = {}): void {
    const family = this.#family('summary', name, help);
    for (const [quantile, value] of points)
      this.#put(family, series(name, { ...labels, quantile: formatNumber(quantile) }), value);
    this.#put(family, series(`${name}_sum`, labels), sum);
    this.#put(family, series(`${name}_count`, labels), count);
  }

  /** Take over what others gathered. */
  merge(other: Families): void {
    for (const [name, { type, help, samples }] of other.#families) {
      const family = this.#family(type, name, help);
      for (const [key, value] of samples) this.#put(family, key, value);
    }
  }

  /** As `/metrics` prints it. */
  text(): string {
    const lines: string[] = [];
    for (const [name, { type, help, samples }] of this.#families) {
      lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`);
      for (const [key, value] of samples) lines.push(`${key} ${formatNumber(value)}`);
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  #family(type: MetricType, name: string, help: string): Family {
    let family = this.#families.get(name);
    if (family === undefined) this.#families.set(name, (family = { type, help, samples: new Map() }));
    return family;
  }

  #put({ samples }: Family, key: string, value: number): void {
    if (samples.has(key)) return;
    if (++this.#series > MAX_SERIES) throw new Error(`the answer holds more than ${MAX_SERIES} series`);
    samples.set(key, value);
  }
}

/** A metric's name of a server's word: what Prometheus does not take becomes an underscore. */
export function metricName(word: string): string {
  return word.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

function series(name: string, labels: Labels): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return name;
  const text = entries.map(([label, value]) => `${label}="${escapeLabel(value)}"`).join(',');
  return `${name}{${text}}`;
}

function escapeLabel(value: string): string {
  const text = value.slice(0, MAX_LABEL).toWellFormed();
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
