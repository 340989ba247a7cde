/** The page's port. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { GrowingBuffer } from '#kit/net/growing-buffer.ts';
import { limitConnections } from '#kit/net/connection-limit.ts';
import { listen } from '#kit/net/listen.ts';
import { isOwnHost } from '../../../sidecars/topz/src/host.ts';
import { BadSplit, readSplitPath, readWeights } from './split.ts';
import { HTML, SECURITY_HEADERS } from './frame.ts';
import type { MeshDocument, RequestDocument } from './view.ts';

// As the kit's admin port: an import statement would load 10 MB that are not used.
const { createServer } = process.getBuiltinModule('node:http');

export interface ServerOptions {
  readonly port: number;
  readonly host?: string;
  /** Names by which it may be asked for besides addresses and localhost. */
  readonly hosts: readonly string[];
  /** The page's script and style, as bundled. */
  readonly assets: { readonly script: string; readonly style: string };
  readonly mesh: () => MeshDocument;
  /** The last requests of an edge. */
  readonly requests: (from: string, to: string) => Promise<RequestDocument[]>;
  /** Move a split for who shows a token. */
  readonly move: (
    split: { service: string; route: string },
    weights: Readonly<Record<string, number>>,
    token: string,
  ) => Promise<{ status: number; message: string }>;
}

const JSON_TYPE = 'application/json';
const MAX_BODY = 4096;

/**
 * Serve the page.
 * @throws {ConfigurationError} when the port cannot be bound
 */
export async function serveDashboard(options: ServerOptions): Promise<Server> {
  const server = createServer({ connectionsCheckingInterval: 30_000, requestTimeout: 10_000 }, (request, response) => {
    answer(options, request, response).catch((error: Error) => {
      const status = error instanceof BadSplit ? 400 : 500;
      if (!response.headersSent) response.writeHead(status, { 'content-type': JSON_TYPE });
      response.end(`${JSON.stringify({ error: error.message })}\n`);
    });
  });
  limitConnections(server, 64);
  await listen(server, { port: options.port, ...(options.host && { host: options.host }) }, 'DASHBOARD_PORT');
  return server;
}

async function answer(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  const send = (status: number, type: string, body: string): void => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const sendJson = (status: number, document: unknown): void =>
    send(status, JSON_TYPE, `${JSON.stringify(document)}\n`);
  const host = request.headers.host ?? '';
  if (!isOwnHost(host, options.hosts)) {
    const error = `this page is asked for by an address, localhost, or a name in DASHBOARD_HOSTS; ${JSON.stringify(host.slice(0, 100))} is none of these`;
    return sendJson(403, { error });
  }
  const url = new URL(`http://dashboard${request.url?.startsWith('/') ? request.url : '/'}`);
  if (url.pathname.startsWith(SPLITS)) return move(options, request, url, sendJson);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return sendJson(405, { error: 'only GET and HEAD' });
  }
  switch (url.pathname) {
    case '/':
      return send(200, 'text/html; charset=utf-8', HTML);
    case '/page.js':
      return send(200, 'text/javascript; charset=utf-8', options.assets.script);
    case '/page.css':
      return send(200, 'text/css; charset=utf-8', options.assets.style);
    case '/api/mesh':
      return sendJson(200, options.mesh());
    case '/api/requests': {
      const { searchParams } = url;
      return sendJson(200, await options.requests(searchParams.get('from') ?? '', searchParams.get('to') ?? ''));
    }
    default:
      return sendJson(404, { error: 'not found' });
  }
}

const SPLITS = '/api/splits/';

/**
 * Only with a type that no form can send: a page of a stranger would have to ask first (CORS), and is refused.
 */
async function move(
  options: ServerOptions,
  request: IncomingMessage,
  url: URL,
  sendJson: (status: number, document: unknown) => void,
): Promise<void> {
  if (request.method !== 'PUT') return sendJson(405, { error: 'only PUT' });
  if (request.headers['content-type'] !== JSON_TYPE) return sendJson(415, { error: `only ${JSON_TYPE}` });
  const token = /^Bearer (\S{1,512})$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return sendJson(401, { error: "a change needs the operator's token" });
  const split = readSplitPath(url.pathname.slice(SPLITS.length));
  const weights = readWeights(await readBody(request));
  const { status, message } = await options.move(split, weights, token);
  sendJson(status, status < 400 ? {} : { error: message });
}

async function readBody(request: IncomingMessage): Promise<string> {
  const body = new GrowingBuffer();
  for await (const piece of request as AsyncIterable<Buffer>) {
    if (body.length + piece.length > MAX_BODY) throw new BadSplit(`a change has at most ${MAX_BODY} bytes`);
    body.add(piece);
  }
  return body.bytes.toString();
}
