/** Is something there, and well? As Kubernetes' probes ask it. */
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { HttpError, openResponse, withoutCredentials } from './http-client.ts';

/** What a probe found; `ms` is how long it took. */
export type ProbeResult =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly ms: number; readonly reason: string };

export interface HttpProbe {
  readonly url: string | URL;
  /** Milliseconds until it counts as failed. */
  readonly timeout: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  readonly ca?: string | Buffer | undefined;
}

export interface TcpProbe {
  readonly host: string;
  readonly port: number;
  /** Milliseconds until it counts as failed. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/** Well is any status from 200 to 399, as in Kubernetes; the body is not looked at. Never throws. */
export async function httpProbe({ url, timeout, headers, signal, ca }: HttpProbe): Promise<ProbeResult> {
  const elapsed = stopwatch();
  try {
    const response = await openResponse(url, { timeout, signal, ca, ...(headers && { headers: { ...headers } }) });
    response.destroy();
    const status = response.statusCode!;
    if (status >= 200 && status < 400) return { ok: true, ms: elapsed() };
    return { ok: false, ms: elapsed(), reason: `${withoutCredentials(url)} answered ${status}` };
  } catch (error) {
    const reason = error instanceof HttpError ? error.message : String(error);
    return { ok: false, ms: elapsed(), reason };
  }
}

/** Healthy when it accepts a connection. Never throws. */
export async function tcpProbe({ host, port, timeout, signal }: TcpProbe): Promise<ProbeResult> {
  const elapsed = stopwatch();
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const fail = (why: string): void => resolve({ ok: false, ms: elapsed(), reason: `${host}:${port} ${why}` });
  const socket = connect({ host, port });
  const timer = setTimeout(() => fail(`did not accept within ${timeout} ms`), timeout);
  const abort = (): void => fail('was given up');
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  socket.once('connect', () => resolve({ ok: true, ms: elapsed() }));
  socket.on('error', (error: NodeJS.ErrnoException) => fail(`cannot be reached: ${error.code}`));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/**
 * Whether the machine at an address answers at all: it accepts a connection, or refuses it. Never throws.
 * @param timeout milliseconds
 */
export async function answers(host: string, port: number, timeout: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port });
  // What came while this process was busy is read first.
  const timer = setTimeout(() => setImmediate(() => resolve(false)), timeout);
  socket.once('connect', () => resolve(true));
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function stopwatch(): () => number {
  const started = performance.now();
  return () => performance.now() - started;
}
