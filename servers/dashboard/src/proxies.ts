/** Asking the proxies: their metrics, and their last requests. */
import { isIPv6 } from 'node:net';
import { createAgent, request } from '#kit/net/http-client.ts';
import type { Replica } from './control-plane.ts';
import { OUTSIDE, WANTED } from './edges.ts';
import { readSamples, type Sample } from './prometheus.ts';
import type { RequestDocument } from './view.ts';

const PATIENCE = 3000;
const MAX_BODY = 8 * 1024 * 1024;
/** Of an edge, as many as a page shows. */
const MOST_REQUESTS = 50;

export interface ProxyPorts {
  readonly metrics: number;
  readonly admin: number;
}

/** An entry of a proxy's access log, as far as it is looked at. */
export interface LogEntry {
  readonly time?: string;
  readonly direction?: string;
  readonly source?: string;
  readonly destination?: string;
  readonly method?: string;
  readonly path?: string;
  readonly protocol?: string;
  readonly status?: number;
  readonly flags?: string;
  readonly durationMs?: number;
  readonly cause?: string;
  readonly traceId?: string;
}

/** The proxies of both ends of an edge; of a caller without a proxy there are none. */
export interface EdgeReplicas {
  readonly callers: readonly Replica[];
  readonly called: readonly Replica[];
}

export class Proxies {
  readonly #ports: ProxyPorts;
  readonly #agent = createAgent('http:', { maxSockets: 2 });

  constructor(ports: ProxyPorts) {
    this.#ports = ports;
  }

  /** @throws {Error} when the proxy does not answer */
  async samples({ address }: Replica): Promise<Sample[]> {
    const text = await this.#ask(address, this.#ports.metrics, '/metrics');
    return readSamples(text, WANTED);
  }

  /**
   * The last requests from one service to another, the newest first: as the caller's proxies saw them, and where
   * the cause is known to the other end alone, with its word for it. Of a caller without a proxy, as the called
   * one's saw them.
   */
  async requests({ callers, called }: EdgeReplicas, edge: Edge): Promise<RequestDocument[]> {
    const outbound = await this.#entries(callers, 'outbound', edge);
    // Asked later: whatever a caller's proxy has heard of, the other end has written down by then.
    const inbound = await this.#entries(called, 'inbound', edge);
    const causes = new Map(inbound.flatMap((entry) => (entry.cause ? [[entry.traceId, entry] as const] : [])));
    const explained = outbound.map((entry) => {
      const other = entry.cause || entry.traceId === undefined ? undefined : causes.get(entry.traceId);
      return other?.cause === undefined ? entry : { ...entry, cause: other.cause, flags: other.flags ?? '-' };
    });
    return (callers.length > 0 ? explained : inbound)
      .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))
      .slice(0, MOST_REQUESTS)
      .map(documentOf);
  }

  async #entries(asked: readonly Replica[], direction: string, edge: Edge): Promise<LogEntry[]> {
    const answers = await Promise.allSettled(
      asked.map(async ({ address }) => {
        const entries = JSON.parse(await this.#ask(address, this.#ports.admin, '/requests')) as unknown;
        return Array.isArray(entries) ? (entries as LogEntry[]) : [];
      }),
    );
    const entries = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    return entries.filter((entry) => isOf(entry, direction, edge));
  }

  async #ask(address: string, port: number, path: string): Promise<string> {
    const host = isIPv6(address) ? `[${address}]` : address;
    const { status, body } = await request(`http://${host}:${port}${path}`, {
      timeout: PATIENCE,
      maxBody: MAX_BODY,
      agent: this.#agent,
    });
    if (status !== 200) throw new Error(`${path} of the proxy at ${address} answers ${status}`);
    return body.toString();
  }
}

export interface Edge {
  readonly from: string;
  readonly to: string;
}

function isOf(entry: LogEntry, direction: string, { from, to }: Edge): boolean {
  if (entry.direction !== direction || entry.destination !== to) return false;
  return direction === 'outbound' || callerOf(entry) === from;
}

/** As the graph calls it. */
const callerOf = ({ source = '' }: LogEntry): string => (source === '' || source === 'unknown' ? OUTSIDE : source);

const documentOf = ({ time = '', method = '', path = '', protocol = '', ...entry }: LogEntry): RequestDocument => ({
  time,
  what: method === '' ? protocol : `${method} ${path}`,
  status: entry.status === undefined || entry.status === 0 ? '-' : String(entry.status),
  milliseconds: entry.durationMs ?? 0,
  flags: entry.flags ?? '-',
  cause: entry.cause ?? '',
});
