/** A plain HTTP port that sends everyone to HTTPS. */
import type { IncomingMessage, Server } from 'node:http';
import { limitConnections } from '#kit/net/connection-limit.ts';
import { listen } from '#kit/net/listen.ts';
import type { Values } from '#kit/contract/parameters.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { validHost, withoutPort } from '#proxy/http/host.ts';
import type { contract } from './contract.ts';

// By an import statement it would be 10 MB dearer: see kit/life/admin.ts.
const { createServer } = process.getBuiltinModule('node:http');

const MAX_CONNECTIONS = 1024;
const HTTPS_PORT = 443;

/**
 * Where a request is sent.
 * @returns a URL, or undefined when the request names no valid host
 */
export function redirectTarget(
  request: Pick<IncomingMessage, 'url' | 'headers' | 'headersDistinct'>,
  publicPort: number,
): string | undefined {
  const absolute = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(request.url ?? '');
  const named = request.headersDistinct['host'] ?? [];
  const host = absolute ? absolute[1]! : named.length === 1 ? named[0]! : '';
  if (!validHost(host)) return undefined;
  const path = absolute ? absolute[2]! : (request.url ?? '');
  const port = publicPort === HTTPS_PORT ? '' : `:${publicPort}`;
  const rest = path.startsWith('/') ? path : `/${path.startsWith('?') ? path : ''}`;
  return `https://${withoutPort(host)}${port}${rest.replace(/[^\x21-\x7e]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}

/**
 * Listen on TLS_REDIRECT_PORT, where there is one.
 * @throws {ConfigurationError} when the port cannot be had
 */
export async function serveRedirect(
  context: ProxyContext,
  parameters: Values<typeof contract.parameters>,
  shared: boolean,
): Promise<Server | undefined> {
  const {
    TLS_LISTEN_ADDRESS: host,
    TLS_REDIRECT_PORT: port,
    TLS_PUBLIC_PORT,
    TLS_HEADER_TIMEOUT,
    TLS_IDLE_TIMEOUT,
    TLS_MAX_HEADER_SIZE,
  } = parameters;
  if (port === undefined) return undefined;
  const server = createServer(
    {
      headersTimeout: TLS_HEADER_TIMEOUT,
      requestTimeout: TLS_IDLE_TIMEOUT,
      keepAliveTimeout: 5000,
      maxHeaderSize: TLS_MAX_HEADER_SIZE,
      connectionsCheckingInterval: Math.min(5000, TLS_HEADER_TIMEOUT),
    },
    (request, response) => {
      const location = redirectTarget(request, TLS_PUBLIC_PORT);
      // Nobody reads a body here: the connection is worth less than its rest.
      if (
        context.draining ||
        request.headers['content-length'] !== undefined ||
        request.headers['transfer-encoding'] !== undefined
      )
        response.setHeader('Connection', 'close');
      if (location === undefined) {
        context.stats.requestRejected('redirect_host');
        response.writeHead(400, { 'Content-Type': 'text/plain' }).end('400 Bad Request\n');
      } else response.writeHead(308, { Location: location, 'Content-Length': 0 }).end();
    },
  );
  limitConnections(server, MAX_CONNECTIONS);
  await listen(server, { host, port, ...(shared && { reusePort: true }) }, 'TLS_REDIRECT_PORT');
  return server;
}
