/** A cache in the test's own process, in front of an application of the test's, with a clock that the test sets. */
import type { IncomingHttpHeaders } from 'node:http';
import { Registry } from '#kit/telemetry/metrics.ts';
import { createLog } from '#kit/telemetry/log.ts';
import { createMetrics } from '#kit/telemetry/metrics.ts';
import { readParameters } from '#kit/contract/parameters.ts';
import { serve, type TestServer } from '#kit/testing/server.ts';
import { contract } from './contract.ts';
import { startDataPlane, type DataPlane } from './data-plane.ts';

const { request: httpRequest } = process.getBuiltinModule('node:http');

/** The time of cache and application, in milliseconds since the epoch: it stands still until a test lets it pass. */
const BEGIN = Date.UTC(2026, 10, 21, 12, 0, 0);
let time = BEGIN;

/** What the application is asked, in the order of arrival. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TestAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string | readonly string[]>;
  readonly body?: string | Buffer;
}

/** An application that answers each path as it is told. */
export class TestApp implements AsyncDisposable {
  readonly seen: Seen[] = [];
  /** Its clock is the test's; otherwise the machine's. */
  followsTest = true;
  answer: (seen: Seen) => TestAnswer | Promise<TestAnswer> = () => ({});
  server!: TestServer;

  static async start(answer: TestApp['answer'] = () => ({})): Promise<TestApp> {
    const app = new TestApp();
    app.answer = answer;
    await app.listen();
    return app;
  }

  async listen(port = 0): Promise<void> {
    this.server = await serve((incoming, response) => {
      incoming.resume();
      const seen = {
        method: incoming.method!,
        url: incoming.url!,
        headers: incoming.headers as Record<string, string>,
      };
      this.seen.push(seen);
      void Promise.resolve(this.answer(seen)).then(({ status = 200, headers = {}, body = '' }) => {
        const dated = { ...(this.followsTest && { Date: new Date(time).toUTCString() }), ...headers };
        response.writeHead(status, dated as Record<string, string>).end(incoming.method === 'HEAD' ? undefined : body);
      });
    }, port);
  }

  /** How often it was asked for a path. */
  asked(url: string): number {
    return this.seen.filter((each) => each.url === url).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}

export interface ClientAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface TestCache extends AsyncDisposable {
  readonly plane: DataPlane;
  readonly port: number;
  /** Let seconds pass, for the application too. */
  advance(seconds: number): void;
  get(path: string, headers?: Record<string, string>, method?: string, body?: string): Promise<ClientAnswer>;
  metrics(): Promise<string>;
}

/** Start a cache; it ends with `await using`. */
export async function startCache(appPort: number, env: Record<string, string> = {}): Promise<TestCache> {
  time = BEGIN;
  const { values } = readParameters(contract.parameters, {
    env: {
      PROXY_PORT: String(appPort),
      CACHE_LISTEN_ADDRESS: '127.0.0.1',
      ...env,
    },
  });
  const registry = new Registry();
  const metrics = createMetrics(contract.metrics, registry);
  const plane = await startDataPlane({
    parameters: { ...values, CACHE_LISTEN_PORT: 0 },
    log: createLog('cache', 'silent'),
    metrics,
    appCheck: { pass: ignore, fail: ignore },
    now: () => time,
  });
  return {
    plane,
    port: plane.port,
    advance: (seconds) => void (time += seconds * 1000),
    get: (path, headers = {}, method = 'GET', body) => ask(plane.port, path, headers, method, body),
    async metrics() {
      plane.updateMetrics();
      return registry.metrics();
    },
    async [Symbol.asyncDispose]() {
      await plane.drain(0);
    },
  };
}

/** Ask over a connection of its own. */
export async function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body?: string,
): Promise<ClientAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientAnswer>();
  const asked = httpRequest({ port, host: '127.0.0.1', path, method, headers, agent: false }, (response) => {
    let text = '';
    response.setEncoding('latin1');
    response.on('data', (chunk: string) => (text += chunk));
    response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    response.on('error', reject);
  });
  asked.on('error', reject);
  asked.end(body);
  return await promise;
}

/** What the cache says that it did. */
export const statusOf = ({ headers }: ClientAnswer): string =>
  String(headers['cache-status'] ?? '').replace(/^sidecar-cache; /, '');

function ignore(): void {}
