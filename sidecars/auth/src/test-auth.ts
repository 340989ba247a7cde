/** For tests: the whole sidecar in the test's process, a provider and an application round it, and a browser of sorts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLog } from '#kit/telemetry/log.ts';
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import { readParameters } from '#kit/contract/parameters.ts';
import type { WallClock } from '#kit/time/wall-clock.ts';
import { request, type Answer } from '#kit/net/http-client.ts';
import { TestProvider } from '#kit/testing/openid-provider.ts';
import { serve, type TestServer } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { echo } from '#proxy/testing/apps.ts';
import { compose } from './assemble.ts';
import { contract } from './contract.ts';
import { startDataPlane } from './data-plane.ts';
import { settingsOf } from './settings.ts';

export const SECRET = 'a secret of the tests, of 32 characters and more';

/** A file that only its owner can read. */
export function secretFile(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

export interface Provided {
  readonly provider: TestProvider;
  readonly server: TestServer;
}

export async function startTestProvider(): Promise<Provided> {
  let provider: TestProvider | undefined;
  const server = await serve((incoming, response) => provider!.listener(incoming, response));
  provider = new TestProvider(server.url);
  await provider.rotateKeys();
  return { provider, server };
}

export interface Started {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  readonly metrics: () => Promise<string>;
  readonly stop: () => Promise<void>;
  readonly look: () => void;
}

/** Parameters for a provider. */
export function oidcEnv({ provider }: Provided, directory: string): Record<string, string> {
  return {
    AUTH_METHODS: 'oidc',
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: provider.clientId,
    AUTH_COOKIE_SECRET_FILE: secretFile(directory, 'cookie-secret', `${SECRET}\n`),
    AUTH_LOGIN_RATE: '10000/min',
  };
}

/**
 * Start the sidecar.
 * @param directory for its state and files; with the same one it starts again where it was
 */
export async function startAuth(
  appPort: number,
  env: Record<string, string>,
  directory: string,
  clock?: WallClock,
): Promise<Started> {
  const { values } = readParameters(contract.parameters, {
    env: {
      PROXY_PORT: String(appPort),
      AUTH_LISTEN_ADDRESS: '127.0.0.1',
      AUTH_STATE_DIR: directory,
      LOG_LEVEL: 'silent',
      ...env,
    },
    prefixes: contract.prefixes,
  });
  const registry = new Registry();
  const metrics = createMetrics(contract.metrics, registry);
  const log = createLog('auth', values.LOG_LEVEL);
  const settings = await settingsOf(values);
  const program = new URL('main.ts', import.meta.url);
  const parts = await compose({ parameters: values, settings, log, metrics, program, ...(clock && { clock }) });
  const plane = await startDataPlane({
    parameters: { ...values, AUTH_LISTEN_PORT: 0 },
    log,
    metrics,
    appCheck: { pass: () => {}, fail: () => {} },
    trusted: settings.trusted,
    auth: parts.filter,
  });
  return {
    url: `http://127.0.0.1:${plane.port}`,
    port: plane.port,
    directory,
    metrics: async () => registry.metrics(),
    look: parts.look,
    async stop() {
      await plane.drain(0);
      parts.close();
    },
  };
}

/** Run with a provider, an application that echoes, and the sidecar between. */
export async function withAuth(
  run: (started: Started, provided: Provided, browser: TestBrowser) => Promise<void>,
  env: Record<string, string> | ((directory: string) => Record<string, string>) = {},
): Promise<void> {
  const provided = await startTestProvider();
  await using app = await serve(echo);
  const directory = temporaryDirectory('auth');
  const more = typeof env === 'function' ? env(directory) : env;
  const started = await startAuth(app.port, { ...oidcEnv(provided, directory), ...more }, directory);
  try {
    await run(started, provided, new TestBrowser());
  } finally {
    await started.stop();
    await provided.server.close();
  }
}

export type BrowserAnswer = Answer & { readonly url: string; readonly text: string };

/** Keeps cookies as a browser does, and follows redirects when told to. */
export class TestBrowser {
  readonly cookies = new Map<string, string>();

  /** A navigation, unless the fields say otherwise. */
  async get(url: string, headers: Record<string, string> = {}, method = 'GET', body?: string): Promise<BrowserAnswer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const fields = {
      'sec-fetch-mode': 'navigate',
      'sec-fetch-site': 'none',
      accept: 'text/html',
      ...(cookie && { cookie }),
      ...headers,
    };
    const answer = await request(url, {
      method,
      // One that a test sets to '' is left out.
      headers: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')),
      ...(body !== undefined && { body }),
      timeout: 30_000,
    });
    this.keep(answer);
    return { ...answer, url, text: answer.body.toString() };
  }

  keep(answer: Answer): void {
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/; Max-Age=0/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  /** Follow redirects until something else comes. */
  async follow(url: string, hops = 10): Promise<BrowserAnswer> {
    let answer = await this.get(url);
    for (let hop = 0; hop < hops && answer.status === 302; hop++)
      answer = await this.get(new URL(answer.headers.location!, answer.url).href);
    return answer;
  }

  /** As a script of a page asks. */
  async xhr(url: string, headers: Record<string, string> = {}): Promise<BrowserAnswer> {
    return await this.get(url, { 'sec-fetch-mode': 'cors', accept: '*/*', ...headers });
  }

  copy(): TestBrowser {
    const other = new TestBrowser();
    for (const [name, value] of this.cookies) other.cookies.set(name, value);
    return other;
  }
}

/** What the echoing application was asked. */
export const echoed = ({
  text,
}: BrowserAnswer): { method: string; url: string; headers: Record<string, string>; body: string } =>
  JSON.parse(text) as never;
