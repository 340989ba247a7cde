/** A data plane in the test's own process, in front of an application of the test's. */
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { connect, createSecureContext, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Registry } from 'prom-client';
import { createLog } from '#kit/log.ts';
import { createMetrics } from '#kit/metrics.ts';
import { readParameters } from '#kit/parameters.ts';
import { createClientPolicy, type ClientPolicy } from './certificates/client-identity.ts';
import type { CertificateStore } from './certificates/store.ts';
import { certify, type Signer } from '#kit/testing/certify.ts';
import { listening } from '#kit/testing/server.ts';
import { contract } from './contract.ts';
import { startDataPlane, type DataPlane } from './data-plane.ts';

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
    metrics: () => registry.metrics(),
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

/** An application that answers with what it was asked. */
export function echo(incoming: IncomingMessage, response: ServerResponse): void {
  let body = '';
  incoming.setEncoding('latin1');
  incoming.on('data', (chunk: string) => (body += chunk));
  incoming.on('end', () => {
    const { method, url, headers, trailers, httpVersion: version } = incoming;
    response.end(JSON.stringify({ method, url, headers, body, trailers, version }));
  });
}

/** An application that does with each connection what it is told. */
export async function rawApp(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; connections: () => number; close: () => void }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  const port = await listening(server);
  return {
    port,
    connections: () => connections,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A client that trusts the test authority. */
export async function dial(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.cert, ...options });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** What a client has been told so far, and what to wait for. */
export class Talk {
  readonly socket: TLSSocket;
  text = '';
  closed = false;
  #wake: (() => void) | undefined;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.text += chunk;
      this.#wake?.();
    });
    const end = (): void => {
      this.closed = true;
      this.#wake?.();
    };
    socket.on('end', end);
    socket.on('close', end);
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Wait until a condition holds. @throws after `deadline` milliseconds, with what was received */
  async until(condition: (talk: this) => boolean, deadline = 5000): Promise<string> {
    const timer = setTimeout(() => {
      late = true;
      this.#wake?.();
    }, deadline);
    let late = false;
    try {
      while (!condition(this)) {
        if (late)
          throw new Error(`not in time; closed: ${this.closed}, received: ${JSON.stringify(this.text.slice(0, 2000))}`);
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    } finally {
      clearTimeout(timer);
    }
    return this.text;
  }
}

/** Send text over a fresh connection; what came back until it was closed, or until `done`. */
export async function exchange(
  port: number,
  text: string,
  done: (talk: Talk) => boolean = ({ closed }) => closed,
): Promise<string> {
  const talk = new Talk(await dial(port, { ALPNProtocols: ['http/1.1'] }));
  talk.send(text);
  try {
    return await talk.until(done);
  } finally {
    talk.socket.destroy();
  }
}
