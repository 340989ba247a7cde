/** A data plane in the test's own process, in front of an application of the test's. */
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createSecureContext, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Registry } from '#kit/telemetry/metrics.ts';
import { createLog } from '#kit/telemetry/log.ts';
import { createMetrics } from '#kit/telemetry/metrics.ts';
import { readParameters } from '#kit/contract/parameters.ts';
import { createClientPolicy, type ClientPolicy } from './certificates/client-identity.ts';
import type { CertificateStore } from './certificates/store.ts';
import { certify, type Signer } from '#kit/testing/certify.ts';
import { listening } from '#kit/testing/server.ts';
import { RawClient } from '#proxy/testing/raw-client.ts';
import { contract } from './contract.ts';
import { startDataPlane, type DataPlane } from './data-plane.ts';

export { echo, rawApp } from '#proxy/testing/apps.ts';
export { RawClient };

export const authority: Signer = await certify({ subject: 'CN=test authority', ca: true });
const leaf = await certify({ subject: 'CN=localhost', names: ['localhost', 'example.test'], issuer: authority });

/** A store with one certificate that can be exchanged. */
export class FixedStore implements CertificateStore {
  default = {
    name: 'tls',
    context: createSecureContext(leaf),
    cert: leaf.cert as string | Buffer,
    key: leaf.key as string | Buffer,
  };
  needsServerName = false;
  readonly staples = false;
  readonly developmentCa = undefined;
  readonly #listeners: (() => void)[] = [];

  contextFor(): CertificateStore['default']['context'] | undefined {
    return this.default.context;
  }
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }
  rotate(to: Signer): void {
    this.default = { name: 'tls', context: createSecureContext(to), cert: to.cert, key: to.key };
    for (const listener of this.#listeners) listener();
  }
  stapleFor(): undefined {}
  reload(): void {}
  close(): void {}
}

export interface Running {
  readonly plane: DataPlane;
  readonly port: number;
  readonly store: FixedStore;
  readonly metrics: () => Promise<string>;
  readonly app: { passed: boolean; reason: string };
  stop(): Promise<void>;
}

/**
 * Start a data plane.
 * @param appPort the application's
 * @param env parameters that differ from their defaults
 */
export async function start(appPort: number, env?: Record<string, string>, store?: FixedStore): Promise<Running>;
export async function start(
  appPort: number,
  env: Record<string, string>,
  store: CertificateStore,
  policy: ClientPolicy,
): Promise<Omit<Running, 'store'>>;
export async function start(
  appPort: number,
  env: Record<string, string> = {},
  store: CertificateStore = new FixedStore(),
  policy?: ClientPolicy,
): Promise<Running> {
  const { values: parameters } = readParameters(contract.parameters, {
    env: {
      PROXY_PORT: String(appPort),
      TLS_LISTEN_ADDRESS: '127.0.0.1',
      LOG_LEVEL: 'silent',
      ...env,
    },
    prefixes: contract.prefixes,
  });
  const registry = new Registry();
  const app = { passed: false, reason: '' };
  const plane = await startDataPlane({
    parameters: { ...parameters, TLS_LISTEN_PORT: 0 },
    log: createLog('tls', parameters.LOG_LEVEL),
    metrics: createMetrics(contract.metrics, registry),
    appCheck: {
      pass: () => void (app.passed = true),
      fail: (reason) => Object.assign(app, { passed: false, reason }),
    },
    store,
    policy: policy ?? createClientPolicy(parameters),
    shared: false,
  });
  return {
    plane,
    port: plane.port,
    store: store as FixedStore,
    metrics: async () => registry.metrics(),
    app,
    stop: () => plane.drain(0),
  };
}

/** Run with an application of node:http. */
export async function withApp(
  app: (request: IncomingMessage, response: ServerResponse) => void,
  run: (running: Running, port: number) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const server = createHttpServer(app);
  const port = await listening(server);
  const running = await start(port, env);
  try {
    await run(running, port);
  } finally {
    await running.stop();
    server.close();
    server.closeAllConnections();
  }
}

/** A client that trusts the test authority. */
export async function dial(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.cert, ...options });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** Send text over a fresh connection; what came back until it was closed, or until `done`. */
export async function exchange(
  port: number,
  text: string,
  done: (talk: RawClient) => boolean = ({ closed }) => closed,
): Promise<string> {
  const talk = new RawClient(await dial(port, { ALPNProtocols: ['http/1.1'] }));
  talk.send(text);
  try {
    return await talk.until(done);
  } finally {
    talk.socket.destroy();
  }
}
