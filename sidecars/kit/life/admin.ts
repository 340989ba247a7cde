/** The admin port: is it alive, can it do its job, what has it done. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { limitConnections } from '../net/connection-limit.ts';
import { listen } from '../net/listen.ts';
import { CONTENT_TYPES, formatFor, type Format } from '../telemetry/exposition.ts';
import type { Readiness } from './readiness.ts';

// An import statement would evaluate every export of node:http, its WebSocket and fetch client
// included: 10 MB of memory that no sidecar uses.
const { createServer } = process.getBuiltinModule('node:http');

/** What a path of the admin port answers. */
export type AdminHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** What answers a scraper in the format that it prefers. */
export function scrapeHandler(metrics: (format: Format) => Promise<string | Buffer>): AdminHandler {
  return async (request, response) => {
    const format = formatFor(request.headers.accept);
    const body = await metrics(format);
    response.setHeader('content-type', CONTENT_TYPES[format]);
    response.end(body);
  };
}

export interface AdminOptions {
  readonly address: string;
  readonly port: number;
  readonly readiness: Readiness;
  /** What `/metrics` answers. */
  readonly metrics: (format: Format) => Promise<string | Buffer>;
  /** Further paths of this sidecar: `'/ca.crt': (request, response) => …`. */
  readonly paths?: Readonly<Record<string, AdminHandler>>;
  /** Methods that a path answers, where they are not GET and HEAD. */
  readonly methods?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Serve `/healthz`, `/readyz`, `/metrics` and the sidecar's own paths.
 * @returns the listening server
 * @throws {ConfigurationError} when the address cannot be bound
 */
export async function serveAdmin(options: AdminOptions): Promise<Server> {
  const handlers: Record<string, AdminHandler> = {
    '/healthz': (_request, response) => void response.end('ok\n'),
    '/readyz': (_request, response) => {
      const report = options.readiness.report();
      response.writeHead(report.ready ? 200 : 503, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(report)}\n`);
    },
    '/metrics': scrapeHandler(options.metrics),
  };
  const server = createServer({ connectionsCheckingInterval: 30_000, requestTimeout: 5000 }, (request, response) => {
    // The sidecar's own paths may come later than the port.
    void answer({ ...handlers, ...options.paths }, options.methods ?? {}, request, response);
  });
  limitConnections(server, 64);
  await listen(server, { port: options.port, host: options.address }, 'ADMIN_PORT');
  return server;
}

const READING = ['GET', 'HEAD'];

async function answer(
  handlers: Readonly<Record<string, AdminHandler>>,
  methods: Readonly<Record<string, readonly string[]>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0]!;
  const handler = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
  response.setHeader('cache-control', 'no-store');
  if (!handler) {
    response.writeHead(404).end(`not found; here are ${Object.keys(handlers).join(' ')}\n`);
    return;
  }
  const allowed = Object.hasOwn(methods, path) ? methods[path]! : READING;
  if (!allowed.includes(request.method!)) {
    response.writeHead(405, { allow: allowed.join(', ') }).end();
    return;
  }
  try {
    await handler(request, response);
  } catch (error) {
    if (!response.headersSent) response.writeHead(500);
    response.end(`${(error as Error).message}\n`);
  }
}
