/** What the log store and Prometheus know. */
import { request } from '#kit/net/http-client.ts';

/** In milliseconds. */
const TIMEOUT = 5000;
const MAX_BODY = 8 * 1024 * 1024;
const MAX_LINES = 200;

/** A line of a log, its members by their names in the Elastic Common Schema. */
export type LogLine = Readonly<Record<string, string>>;

/** What a query answers: series with their points, time in seconds. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, number])[];
}

/** A request that was kept as an example of a metric's value. */
export interface Example {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Alert {
  readonly name: string;
  readonly state: string;
  readonly summary: string;
  readonly runbook: string;
}

export class Sources {
  readonly #prometheus: string;
  readonly #store: string;

  /** @param prometheus @param store VictoriaLogs; both as `http://HOST:PORT` */
  constructor(prometheus: string, store: string) {
    this.#prometheus = prometheus;
    this.#store = store;
  }

  /** Lines that have the trace's id as a field, or in their text, in their order. */
  async lines(traceId: string): Promise<LogLine[]> {
    const query = `"trace.id":="${traceId}" or _msg:"${traceId}" | sort by (_time) | limit ${MAX_LINES}`;
    const text = await ask(`${this.#store}/select/logsql/query?${new URLSearchParams({ query }).toString()}`);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** Exemplars with the trace's id. */
  async exemplars(traceId: string, end = Date.now() / 1000): Promise<Example[]> {
    const found = (await this.#api('query_exemplars', {
      query: '{__name__=~".+_bucket"}',
      start: String(end - 3600),
      end: String(end),
    })) as { seriesLabels: Record<string, string>; exemplars: { labels: Record<string, string>; value: string }[] }[];
    return found.flatMap(({ seriesLabels, exemplars }) =>
      exemplars
        .filter(({ labels }) => labels['trace_id'] === traceId)
        .map(({ value }) => ({ metric: seriesLabels, value: Number(value) })),
    );
  }

  /** @param seconds until now */
  async range(query: string, seconds: number, step: number): Promise<Series[]> {
    const end = Math.floor(Date.now() / 1000);
    const { result } = (await this.#api('query_range', {
      query,
      start: String(end - seconds),
      end: String(end),
      step: String(step),
    })) as { result: { metric: Record<string, string>; values: [number, string][] }[] };
    return result.map(({ metric, values }) => ({ metric, values: values.map(([at, value]) => [at, Number(value)]) }));
  }

  async alerts(): Promise<Alert[]> {
    const { alerts } = (await this.#api('alerts', {})) as {
      alerts: { labels: Record<string, string>; annotations: Record<string, string>; state: string }[];
    };
    return alerts.map(({ labels, annotations, state }) => ({
      name: labels['alertname'] ?? '',
      state,
      summary: annotations['summary'] ?? '',
      runbook: annotations['runbook'] ?? '',
    }));
  }

  async #api(path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    const text = await ask(`${this.#prometheus}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    return (JSON.parse(text) as { data: unknown }).data;
  }
}

async function ask(url: string): Promise<string> {
  const { status, body } = await request(url, { timeout: TIMEOUT, maxBody: MAX_BODY });
  if (status !== 200) throw new Error(`${new URL(url).pathname} answers ${status}: ${String(body).slice(0, 200)}`);
  return String(body);
}
