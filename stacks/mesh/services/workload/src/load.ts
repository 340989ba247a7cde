/** A load generator that counts for itself: an open load at a rate in requests a second, over kept connections. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { grpcClient, sayByGrpc } from './grpc.ts';

export interface LoadOptions {
  readonly protocol?: 'http' | 'grpc';
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How many in all, unless it is stopped before. */
  readonly requests: number;
  /** By which it can be stopped (see stopLoad). */
  readonly name?: string;
  /** A second; as fast as the connections can when absent. */
  readonly rate?: number;
  readonly connections?: number;
  readonly timeoutMs?: number;
}

export interface LoadReport {
  readonly sent: number;
  /** By status; `error` stands for those without an answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** By the replica that answered. */
  readonly replicas: Readonly<Record<string, number>>;
  /** The first few failures, in words. */
  readonly failures: readonly string[];
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  readonly seconds: number;
}

const KEPT_FAILURES = 10;

interface One {
  readonly status: string;
  readonly replica?: string | undefined;
  readonly failure?: string;
}

/** Those that can be stopped, by name. */
const running = new Map<string, AbortController>();

/** End a load of this process early: what is under way is waited for, and all is told. */
export const stopLoad = (name: string): void => running.get(name)?.abort();

/** Send all, then tell. */
export async function load(options: LoadOptions): Promise<LoadReport> {
  const { requests, rate, connections = 16, name } = options;
  const stopped = new AbortController();
  if (name !== undefined) running.set(name, stopped);
  const { send, close } = options.protocol === 'grpc' ? overGrpc(options) : overHttp(options, connections);
  const begun = performance.now();
  const ones: One[] = [];
  const times: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < requests && !stopped.signal.aborted) {
      const index = next++;
      if (rate !== undefined) await sleep(Math.max(0, begun + (index / rate) * 1000 - performance.now()));
      const from = performance.now();
      ones.push(await send());
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  close();
  if (name !== undefined) running.delete(name);
  return { ...summary(ones, times), sent: ones.length, seconds: (performance.now() - begun) / 1000 };
}

function summary(ones: readonly One[], times: readonly number[]): Omit<LoadReport, 'sent' | 'seconds'> {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return {
    statuses: countBy(ones.map(({ status }) => status)),
    replicas: countBy(ones.flatMap(({ replica }) => replica ?? [])),
    failures: ones.flatMap(({ failure }) => failure ?? []).slice(0, KEPT_FAILURES),
    p50: at(0.5),
    p99: at(0.99),
    longest: sorted.at(-1) ?? 0,
  };
}

const countBy = (keys: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
};

interface Sender {
  readonly send: () => Promise<One>;
  readonly close: () => void;
}

function overHttp(
  { host, port, path = '/', method = 'GET', headers = {}, timeoutMs = 60_000 }: LoadOptions,
  connections: number,
): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const send = async (): Promise<One> => {
    const { promise, resolve, reject } = Promise.withResolvers<One>();
    const outgoing = request({ agent, host, port, path, method, headers, timeout: timeoutMs }, (response) =>
      resolve(outcomeOf(response)),
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.on('error', reject);
    outgoing.end();
    return promise.catch((error: Error) => ({ status: 'error', failure: error.message }));
  };
  return { send, close: () => agent.destroy() };
}

async function outcomeOf(response: IncomingMessage): Promise<One> {
  const status = String(response.statusCode);
  const replica = (response.headers['x-replica'] ?? response.headers['x-catalogue-release']) as string | undefined;
  let text = '';
  try {
    for await (const chunk of response) text = `${text}${String(chunk)}`.slice(0, 200);
  } catch (error) {
    return { status: 'error', replica, failure: (error as Error).message };
  }
  return { status, replica, ...(Number(status) >= 400 && { failure: `${status} ${text}` }) };
}

function overGrpc({ host, port, headers = {}, timeoutMs = 60_000 }: LoadOptions): Sender {
  const client = grpcClient(`${host}:${port}`);
  const send = (): Promise<One> =>
    sayByGrpc(client, 'hello', { headers, timeoutMs }).then(
      ({ replica }) => ({ status: '0', replica }),
      (error: { code?: number; message: string }) => ({
        status: String(error.code ?? 'error'),
        failure: error.message,
      }),
    );
  return { send, close: () => client.close() };
}
