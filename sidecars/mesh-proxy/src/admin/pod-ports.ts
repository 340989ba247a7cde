/** Ports besides the admin port: for Prometheus, for probes from outside, and for jobs of the pod. */
import type { Server } from 'node:http';
import { plainAddress } from '#proxy/sockets/connection.ts';
import type { AdminHandler } from '#kit/life/admin.ts';
import { limitConnections } from '#kit/net/connection-limit.ts';
import { listen } from '#kit/net/listen.ts';

// By an import statement it would be 10 MB dearer: see kit/life/admin.ts.
const { createServer } = process.getBuiltinModule('node:http');

export interface PodPortsOptions {
  readonly host: string;
  readonly metricsPort: number;
  readonly healthPort: number;
  readonly answerScrape: AdminHandler;
  readonly ready: () => boolean;
  /** A job of the pod is done, and with it the pod. */
  readonly onQuit: () => void;
}

/** Serve both. @throws {ConfigurationError} when a port cannot be had */
export async function servePodPorts(options: PodPortsOptions): Promise<readonly Server[]> {
  const { host, ready, answerScrape, onQuit } = options;
  const readyz: AdminHandler = (_request, response) =>
    void response.writeHead(ready() ? 200 : 503).end(ready() ? 'ready\n' : 'not ready\n');
  return [
    await serve(host, options.metricsPort, 'MESH_METRICS_PORT', {
      'GET /metrics': answerScrape,
      'POST /quitquitquit': (request, response) => {
        if (!isLoopback(plainAddress(request.socket.remoteAddress)))
          response.writeHead(403).end('only from the pod itself\n');
        else {
          response.end('bye\n');
          onQuit();
        }
      },
    }),
    await serve(host, options.healthPort, 'MESH_HEALTH_PORT', { 'GET /readyz': readyz, 'GET /healthz/ready': readyz }),
  ];
}

/** Whether somebody of the pod itself asks. */
export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

async function serve(
  host: string,
  port: number,
  parameter: string,
  answers: Readonly<{ [line: string]: AdminHandler }>,
): Promise<Server> {
  const server = createServer({ requestTimeout: 5000, connectionsCheckingInterval: 30_000 }, (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const line = `${request.method === 'HEAD' ? 'GET' : request.method} ${path}`;
    const answer = Object.hasOwn(answers, line) ? answers[line]! : undefined;
    if (answer === undefined) {
      response.writeHead(404).end(`not found; here are ${Object.keys(answers).join(', ')}\n`);
      return;
    }
    Promise.resolve(answer(request, response)).catch((error: unknown) => response.destroy(error as Error));
  });
  limitConnections(server, 64);
  await listen(server, { host, port }, parameter);
  return server;
}
