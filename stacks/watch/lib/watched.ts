/** What the stack's own page knows of a request, and requests to the shop. */
import { randomBytes } from 'node:crypto';
import { request, type Answer } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';

/** A span as the page's JSON has it. */
export interface Span {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: string;
  readonly error?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
  readonly events: readonly { readonly attributes: Readonly<Record<string, unknown>> }[];
}

export interface Watched {
  readonly id: string;
  readonly spans: readonly Span[];
  readonly lines: readonly Readonly<Record<string, string>>[];
  readonly exemplars: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: number }[];
  readonly unknown: readonly string[];
}

/** A trace begun by the client, sampled. */
export interface Asked {
  readonly id: string;
  readonly parent: string;
  readonly answer: Answer;
}

const TIMEOUT = 30_000;

/** Ask the shop. Its certificate is of a development CA. */
export async function ask({ port }: Stage, path: string, headers: Record<string, string> = {}): Promise<Asked> {
  const [id, parent] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  const answer = await request(`https://127.0.0.1:${port('SHOP')}${path}`, {
    insecure: true,
    timeout: TIMEOUT,
    headers: { ...headers, traceparent: `00-${id}-${parent}-01` },
  });
  return { id, parent, answer };
}

/** All that is known of a trace, once it has what is waited for. */
export function watched(
  { port }: Stage,
  id: string,
  what: string,
  good: (known: Watched) => boolean,
): Promise<Watched> {
  return eventually(
    what,
    async () => {
      const { status, body } = await request(`http://127.0.0.1:${port('WATCH')}/trace/${id}.json`, {
        timeout: TIMEOUT,
      });
      if (status !== 200) return false;
      const known = JSON.parse(String(body)) as Watched;
      return good(known) && known;
    },
    { within: 120_000 },
  );
}

/** A query to Prometheus' API. */
export async function prometheus<T>({ port }: Stage, path: string): Promise<T> {
  const { body } = await request(`http://127.0.0.1:${port('PROMETHEUS')}/api/v1/${path}`, { timeout: TIMEOUT });
  return (JSON.parse(String(body)) as { data: T }).data;
}
