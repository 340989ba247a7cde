/** The page's port: the same processes as page, as text and as JSON. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { limitConnections } from '#kit/net/connection-limit.ts';
import { listen } from '#kit/net/listen.ts';
import { isOwnHost } from './host.ts';
import { readDetails } from './proc/details.ts';
import type { Users } from './proc/users.ts';
import type { Sampler } from './sampling/sampler.ts';
import { detailText } from './view/detail-text.ts';
import { detailDocument, overviewDocument } from './view/document.ts';
import { pageHtml, SECURITY_HEADERS } from './view/page.ts';
import { overviewText } from './view/text.ts';
import { BadQuery, readQuery, type Query } from './view/query.ts';

// As the kit's admin port: an import statement would load 10 MB that are not used.
const { createServer } = process.getBuiltinModule('node:http');

export interface ServerOptions {
  /** `ADDRESS:PORT`. */
  readonly address: string;
  /** Names by which it may be asked for besides addresses and localhost. */
  readonly hosts?: readonly string[];
  readonly sampler: Sampler;
  readonly users: Users;
  /** The page's script and style, as bundled. */
  readonly assets: { readonly script: string; readonly style: string };
  /** The text of `/metrics`. */
  readonly metrics: () => Promise<string>;
  readonly proc?: string;
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  text: 'text/plain; charset=utf-8',
  json: 'application/json',
} as const;

/**
 * Serve the page.
 * @returns the listening server
 * @throws {ConfigurationError} when the address cannot be bound
 */
export async function serveTopz(options: ServerOptions): Promise<Server> {
  const server = createServer({ connectionsCheckingInterval: 30_000, requestTimeout: 5000 }, (request, response) => {
    void answer(options, request, response).catch((error: Error) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': TYPES.text });
      response.end(`${error.message}\n`);
    });
  });
  limitConnections(server, 64);
  const colon = options.address.lastIndexOf(':');
  const host = options.address.slice(0, colon).replace(/^\[|\]$/g, '');
  await listen(server, { port: Number(options.address.slice(colon + 1)), ...(host && { host }) }, 'TOPZ_ADDRESS');
  return server;
}

async function answer(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  const send = (status: number, type: string, body: string): void => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const host = request.headers.host ?? '';
  if (!isOwnHost(host, options.hosts)) {
    const message = `this page is asked for by an address, localhost, or a name in TOPZ_HOSTS; ${JSON.stringify(host)} is none of these`;
    return send(403, TYPES.text, `${message}\n`);
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(405, TYPES.text, 'only GET and HEAD\n');
  }
  const url = new URL(`http://topz${request.url?.startsWith('/') ? request.url : '/'}`);
  switch (url.pathname) {
    case '/':
      response.setHeader('location', `/topz${url.search}`);
      return send(302, TYPES.text, 'see /topz\n');
    case '/topz':
      return show(options, url, request.headers.accept ?? '', send);
    case '/topz/page.js':
      return send(200, 'text/javascript; charset=utf-8', options.assets.script);
    case '/topz/page.css':
      return send(200, 'text/css; charset=utf-8', options.assets.style);
    case '/metrics':
      return send(200, 'text/plain; version=0.0.4; charset=utf-8', await options.metrics());
    default:
      return send(404, TYPES.text, 'not found; here are /topz and /metrics\n');
  }
}

type Send = (status: number, type: string, body: string) => void;

function show({ sampler, users, proc }: ServerOptions, url: URL, accept: string, send: Send): void {
  let query: Query;
  try {
    query = readQuery(url.searchParams, accept);
  } catch (error) {
    if (error instanceof BadQuery) return send(400, TYPES.text, `${error.message}\n`);
    throw error;
  }
  const { format, pid } = query;
  const type = TYPES[format];
  if (pid === undefined) {
    if (format === 'html') return send(200, type, pageHtml());
    const document = overviewDocument(sampler.look(), users, { withHistory: query.history, period: sampler.period });
    return send(200, type, format === 'json' ? `${JSON.stringify(document)}\n` : overviewText(document, query));
  }
  const snapshot = sampler.look();
  const process = snapshot.processes.get(pid);
  if (process === undefined) {
    const message = `there is no process ${pid}`;
    if (format === 'json') return send(404, type, `${JSON.stringify({ error: message })}\n`);
    return send(404, type, format === 'html' ? pageHtml(message) : `${message}\n`);
  }
  if (format === 'html') return send(200, type, pageHtml());
  const document = detailDocument(process, readDetails(pid, proc), snapshot, users, sampler.period);
  return send(200, type, format === 'json' ? `${JSON.stringify(document)}\n` : detailText(document));
}
