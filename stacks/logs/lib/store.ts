/** The one place that knows which store the stack speaks to: how its documents are found again. */
import { findStack } from '../../../scripts/lib/stacks.ts';

/** A document's fields, by their names in the Elastic Common Schema; all values as text. */
export type Found = Readonly<Record<string, string>>;

export interface Search {
  /** `service.name` */
  readonly service: string;
  /** Only documents whose time is not before. */
  readonly since?: Date;
  /** Only documents whose message has this phrase. */
  readonly phrase?: string;
}

export interface Store {
  /** How many documents match. */
  count(search: Search): Promise<number>;
  /** All documents that match, with the fields that are asked for. */
  find(search: Search, fields: readonly string[]): Promise<Found[]>;
  /** A page for people. */
  readonly page: string;
}

/** Which store it is, as `.env` or the environment says. */
const kind = process.env['STORE'] ?? findStack('logs').env['STORE']!;

/** The service that runs it, to be stopped and started. */
export const storeService = kind === 'victorialogs' ? 'store' : kind;

/**
 * The store.
 * @param port finds a published port
 */
export function openStore(port: (name: string) => number): Store {
  if (kind === 'victorialogs') return victoriaLogs(`http://127.0.0.1:${port('STORE')}`);
  return elasticsearch(`http://127.0.0.1:${port(kind.toUpperCase())}`);
}

async function ask(url: string, init: RequestInit): Promise<string> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text.slice(0, 300)}`);
  return text;
}

/** Queries in LogsQL, answers as JSON lines. Source: VictoriaLogs, "Querying". */
function victoriaLogs(url: string): Store {
  const filter = ({ service, since, phrase }: Search): string =>
    [
      `service.name:=${JSON.stringify(service)}`,
      ...(since ? [`_time:>=${since.toISOString()}`] : []),
      ...(phrase === undefined ? [] : [`_msg:${JSON.stringify(phrase)}`]),
    ].join(' ');
  const query = async (text: string): Promise<Found[]> => {
    const body = new URLSearchParams({ query: text });
    const answer = await ask(`${url}/select/logsql/query`, { method: 'POST', body });
    const lines = answer.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Found);
  };
  return {
    page: `${url}/select/vmui/`,
    count: async (search) => Number((await query(`${filter(search)} | stats count() as n`))[0]?.['n'] ?? 0),
    find: async (search, fields) => {
      const names = fields.map((field) => JSON.stringify(field === 'message' ? '_msg' : field));
      const found = await query(`${filter(search)} | fields ${names.join(', ')}`);
      return found.map(({ _msg: message, ...rest }) => ({ ...rest, ...(message !== undefined && { message }) }));
    },
  };
}

interface Hits {
  readonly _scroll_id: string;
  readonly hits: { readonly hits: readonly { readonly _source: Readonly<Record<string, unknown>> }[] };
}

/** `_count` and `_search` by scroll, which Elasticsearch and OpenSearch have alike. */
function elasticsearch(url: string): Store {
  const post = async (path: string, body: unknown): Promise<unknown> =>
    JSON.parse(
      await ask(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );
  const query = ({ service, since, phrase }: Search): unknown => ({
    bool: {
      filter: [
        { match_phrase: { 'service.name': service } },
        ...(since ? [{ range: { '@timestamp': { gte: since.toISOString() } } }] : []),
        ...(phrase === undefined ? [] : [{ match_phrase: { message: phrase } }]),
      ],
    },
  });
  return {
    page: url,
    count: async (search) => {
      await ask(`${url}/logs-*/_refresh`, { method: 'POST' });
      return ((await post('/logs-*/_count', { query: query(search) })) as { count: number }).count;
    },
    find: async (search, fields) => {
      const found: Found[] = [];
      let page = (await post('/logs-*/_search?scroll=1m', {
        size: 10_000,
        query: query(search),
        _source: fields,
      })) as Hits;
      while (page.hits.hits.length > 0) {
        for (const { _source } of page.hits.hits)
          found.push(Object.fromEntries(Object.entries(_source).map(([name, value]) => [name, String(value)])));
        page = (await post('/_search/scroll', { scroll: '1m', scroll_id: page._scroll_id })) as Hits;
      }
      return found;
    },
  };
}
