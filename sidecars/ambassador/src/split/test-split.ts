/** The split mode in a test's own process, and two versions behind it. */
import { Agent, request, type IncomingMessage, type RequestListener } from 'node:http';
import { createLog } from '#kit/telemetry/log.ts';
import { serve, type TestServer } from '#kit/testing/server.ts';
import { TestStats } from '#proxy/testing/proxy.ts';
import type { Change, Version } from './judge.ts';
import { SplitPlane, type SplitPlaneOptions } from './plane.ts';

export interface TestSplit extends AsyncDisposable {
  readonly plane: SplitPlane;
  readonly changes: Change[];
  readonly copies: string[];
  readonly judged: { version: Version; failed: boolean }[];
  readonly stats: TestStats;
  fallbacks: number;
  /** Requests that each version saw. */
  readonly seen: Record<Version, IncomingMessage[]>;
  readonly servers: Record<Version, TestServer>;
  readonly get: (path: string, options?: GetOptions) => Promise<Got>;
}

export interface GetOptions {
  readonly method?: string;
  readonly cookie?: string;
  readonly body?: string;
}

export interface Got {
  readonly status: number;
  readonly body: string;
  /** The value of the cookie that it sets. */
  readonly cookie: string | undefined;
}

/** Start it with two versions, each of which says which it is unless it is told otherwise. */
export async function startSplitTest(
  options: Partial<SplitPlaneOptions> = {},
  answers: Partial<Record<Version, RequestListener>> = {},
): Promise<TestSplit> {
  const seen: TestSplit['seen'] = { old: [], new: [] };
  const versionOf =
    (version: Version): RequestListener =>
    (incoming, response) => {
      seen[version].push(incoming);
      const answer = answers[version];
      if (answer === undefined) response.end(version);
      else answer(incoming, response);
    };
  const servers = { old: await serve(versionOf('old')), new: await serve(versionOf('new')) };
  const stats = new TestStats();
  const [changes, copies, judged]: [Change[], string[], TestSplit['judged']] = [[], [], []];
  const plane = new SplitPlane({
    address: '127.0.0.1',
    port: 0,
    maxClients: 1000,
    old: { host: '127.0.0.1', port: servers.old.port },
    new: { host: '127.0.0.1', port: servers.new.port },
    percent: 10,
    mirror: false,
    cookie: 'split',
    setsCookie: true,
    timeout: 30_000,
    tolerance: 1,
    pause: 100,
    check: { pass() {}, fail() {} },
    stats,
    tracing: [],
    accessLog: [],
    log: createLog('test', 'silent'),
    onTry: () => {},
    onAnswer: () => {},
    onFallback: () => void test.fallbacks++,
    onUnanswered: () => {},
    onJudged: (version, failed) => judged.push({ version, failed }),
    onChange: (change) => changes.push(change),
    onCopy: (outcome) => copies.push(outcome),
    ...options,
  });
  await plane.open();
  const agent = new Agent({ keepAlive: true });
  const test: TestSplit = {
    plane,
    changes,
    copies,
    judged,
    stats,
    fallbacks: 0,
    seen,
    servers,
    get: async (path, { method = 'GET', cookie, body } = {}) => {
      const { promise, resolve, reject } = Promise.withResolvers<Got>();
      const headers = {
        ...(cookie !== undefined && { cookie: `split=${cookie}` }),
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      };
      request({ port: plane.port, host: '127.0.0.1', path, method, headers, agent }, (response) => {
        let text = '';
        response.setEncoding('latin1');
        response.on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            body: text,
            cookie: /^split=([^;]*)/.exec(response.headers['set-cookie']?.[0] ?? '')?.[1],
          }),
        );
      })
        .on('error', reject)
        .end(body);
      return await promise;
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await plane.drain(0);
      await Promise.all([servers.old.close(), servers.new.close()]);
    },
  };
  return test;
}

/** Cookies' values: `new` is at 0.16 %, and the new version's until it gets nothing; `old` is beyond 10 %. */
export const VISITOR: Readonly<Record<Version, string>> = { old: 'visitor-1', new: 'visitor-57' };
