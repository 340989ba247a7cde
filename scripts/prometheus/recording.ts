/** Series of a real run, as `promtool test rules` reads them. */
import type { Contract } from '#kit/contract/contract.ts';

export interface Recording {
  /** How it was taken. */
  readonly taken: {
    readonly by: string;
    readonly on: string;
    readonly minutes: number;
    readonly faults: readonly string[];
  };
  /** Alerts that the run's own Prometheus raised. */
  readonly fired: readonly string[];
  /** Values of each series, one every STEP, in promtool's notation. */
  readonly series: Readonly<Record<string, string>>;
}

/** The files, in the project's folder: of the watch stack, and of sidecars alone that lack what they need. */
export const RECORDINGS = {
  stack: 'scripts/prometheus/recorded.json',
  programs: 'scripts/prometheus/recorded-programs.json',
} as const;
/** Between two values, in seconds. */
export const STEP = 15;

type Matrix = readonly {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}[];

/**
 * What Prometheus has of a run.
 * @param ask its API: a path below /api/v1 with parameters, and `result` of the answer
 * @param began in milliseconds since the epoch
 */
export async function recordingOf(
  contracts: readonly Contract[],
  ask: (path: string, parameters: Record<string, string>) => Promise<Matrix>,
  began: number,
  { by, minutes, faults }: Omit<Recording['taken'], 'on'>,
): Promise<Recording> {
  const start = Math.floor(began / 1000);
  const range = { start: String(start), end: String(start + minutes * 60), step: String(STEP) };
  const names = recordedMetrics(contracts).join('|');
  const series = await ask('query_range', { ...range, query: `{__name__=~"${names}"}` });
  const alerts = await ask('query_range', { ...range, query: 'ALERTS{alertstate="firing"}' });
  return {
    taken: { by, on: new Date(began).toISOString(), minutes, faults },
    fired: [...new Set(alerts.map(({ metric }) => metric['alertname']!))].toSorted(),
    series: Object.fromEntries(
      series
        .map(({ metric, values }) => recordedValues(metric, values, start))
        .toSorted(([one], [other]) => (one < other ? -1 : 1)),
    ),
  };
}

/** Metrics that any alert of these contracts reads. */
function recordedMetrics(contracts: readonly Contract[]): string[] {
  const names = contracts.flatMap(({ metrics, alerts }) => {
    const expressions = Object.values(alerts).map(({ expr }) => expr);
    return Object.keys(metrics).filter((name) =>
      expressions.some((expr) => new RegExp(String.raw`\b${name}\b`).test(expr)),
    );
  });
  return ['up', ...new Set(names)];
}

/**
 * A series of Prometheus' API.
 * @param metric its labels
 * @param values times in seconds since the epoch, and values; where one is missing, it was not scraped
 * @param start time of the first value; what is a time itself is told since then, since promtool's clock begins at 0
 */
function recordedValues(
  metric: Readonly<Record<string, string>>,
  values: readonly (readonly [number, string])[],
  start: number,
): [string, string] {
  const { __name__: name = '', ...labels } = metric;
  const texts: string[] = [];
  for (const [time, text] of values) {
    const place = Math.round((time - start) / STEP);
    while (texts.length < place) texts.push('_');
    texts[place] = /_(?:not_after|timestamp|start_time)_seconds$/.test(name) ? String(Number(text) - start) : text;
  }
  const shown = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return [`${name}{${shown.join(',')}}`, runs(texts).join(' ')];
}

/** `1 1 1 _ _` as `1x2 _x2`. */
function runs(texts: readonly string[]): string[] {
  const shown: string[] = [];
  for (let from = 0; from < texts.length;) {
    let to = from + 1;
    while (texts[to] === texts[from]) to += 1;
    const count = to - from;
    const repeated = texts[from] === '_' ? `_x${count}` : `${texts[from]}x${count - 1}`;
    shown.push(count === 1 ? texts[from]! : repeated);
    from = to;
  }
  return shown;
}
