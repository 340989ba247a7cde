/** What a benchmark reports, and how. */

export interface Measurement {
  readonly bench: string;
  /** Its unit is the end of its name: `_rps`, `_ms`, `_mb`, `_s`. */
  readonly metric: string;
  readonly ours: number;
  /** What it is compared with; undefined where a metric stands alone. */
  readonly peer?: string;
  readonly theirs?: number;
  /** Above 1 means that ours is better. */
  readonly ratio?: number;
  /** What is to be reached, in words. */
  readonly target?: string;
  readonly reached?: boolean;
}

export interface BenchOptions {
  /** How often each side is measured, alternating; the medians are reported. */
  readonly rounds: number;
  /** Length of one load in seconds. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Takes a line about what goes on. */
  readonly progress: (line: string) => void;
}

/** A benchmark: a module `scripts/bench/NAME/bench.ts` exports one as `bench`. */
export type Bench = (options: BenchOptions) => Promise<Measurement[]>;

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Where the median of all that could be measured lies, with 95 % confidence: order statistics by the binomial distribution,
 * which ask nothing of how the values are distributed.
 */
export function medianInterval(values: readonly number[]): [least: number, most: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const place = Math.max(0, Math.floor((sorted.length - 1.96 * Math.sqrt(sorted.length)) / 2));
  return [sorted[place]!, sorted[sorted.length - 1 - place]!];
}

/**
 * The value below which a share of all values lies.
 * @param share 0 to 1
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export const round = (value: number): number => Number(value.toPrecision(value >= 1000 ? 5 : 3));

/**
 * Compare two sides by the medians of their samples.
 * @param better whether more or less of the metric is better
 * @param target the ratio to reach, or the value to stay below (`limit`) or above (`least`)
 */
export function compare(
  { bench, metric, peer, better }: { bench: string; metric: string; peer: string; better: 'more' | 'less' },
  samples: { ours: readonly number[]; theirs: readonly number[] },
  target: { ratio: number } | { limit: number } | { least: number },
): Measurement {
  const ours = median(samples.ours);
  const theirs = median(samples.theirs);
  const ratio = better === 'more' ? ours / theirs : theirs / ours;
  const [wanted, reached] =
    'ratio' in target
      ? [`${target.ratio} x`, ratio >= target.ratio]
      : 'least' in target
        ? [`>= ${target.least}`, ours >= target.least]
        : [`<= ${target.limit}`, ours <= target.limit];
  return {
    bench,
    metric,
    ours: round(ours),
    peer,
    theirs: round(theirs),
    ratio: round(ratio),
    target: wanted,
    reached,
  };
}

/**
 * A figure that stands alone.
 * @param limit the value to stay below
 */
export function alone(bench: string, metric: string, value: number, limit?: number): Measurement {
  const ours = round(value);
  return { bench, metric, ours, ...(limit !== undefined && { target: `<= ${limit}`, reached: value <= limit }) };
}

/** Measurements as a Markdown table, for a README. */
export function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map(({ metric, ours, peer, theirs, ratio, target, reached }) => [
    `\`${metric}\``,
    String(ours),
    peer === undefined ? '' : `${theirs} (${peer})`,
    ratio === undefined ? '' : String(ratio),
    target ?? '',
    reached === undefined ? '' : reached ? 'yes' : 'no',
  ]);
  const all = [['metric', 'ours', 'peer', 'ratio', 'target', 'reached'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(all[0]!), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}
