/** The HTTP server: each operation of openapi.yaml with its handler, and how errors are told. */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { limitConnections } from '#kit/net/connection-limit.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { Refusal, type RefusalReason } from '../access/refusal.ts';
import { authorize, type Caller, type Register } from '../access/tokens.ts';
import type { Operation } from './operations.ts';

/** A request as a handler sees it: checked against the operation's schemas, and allowed. */
export interface Call {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly params: Readonly<Record<string, string | number>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Who asks; nobody where no token is needed. */
  readonly caller: Caller;
}

export type Handler = (call: Call) => unknown;

/** Requests of a connection under way: a script may write many documents by one. */
const PIPELINED = 64;

export interface ServerOptions {
  readonly operations: readonly Operation[];
  /** By operation id. */
  readonly handlers: Readonly<Record<string, Handler>>;
  /** Who may ask for what needs a token. */
  readonly registers: readonly Register[];
  /** Looks at the Host of what needs none; throws {Refusal}. */
  readonly checkHost: (host: string | undefined) => void;
  readonly log: Logger;
  /** Connections at a time. */
  readonly maxConnections: number;
  /** Largest body in bytes. */
  readonly maxBody: number;
  readonly onRefusal: (reason: string) => void;
}

const NOBODY: Caller = { name: 'nobody', scopes: new Set() };
/** Seconds after which a client may try again that was told that there is too much to do. */
const RETRY_AFTER = 1;
/** Answers are data: nothing of them may run in a browser or be taken for something else. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

/**
 * Make the server; it does not listen yet.
 * @throws when an operation has no handler or a handler no operation
 */
export function createServer({
  operations,
  handlers,
  registers,
  checkHost,
  log,
  maxConnections,
  maxBody,
  onRefusal,
}: ServerOptions): FastifyInstance {
  const server = fastify({
    bodyLimit: maxBody,
    forceCloseConnections: true,
    // A head or a body that does not come holds nothing for long.
    requestTimeout: 30_000,
    routerOptions: { maxParamLength: 256 },
    ajv: { customOptions: { removeAdditional: false, strict: false } },
  });
  limitConnections(server.server, maxConnections, PIPELINED);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const refusal = refusalOf(error);
    if (!refusal) log.error({ err: error, method: request.method, url: request.url }, 'request failed');
    const reason = refusal?.reason ?? 'internal';
    onRefusal(reason);
    if (reason === 'unauthorized') reply.header('www-authenticate', 'Bearer');
    if (reason === 'busy') reply.header('retry-after', RETRY_AFTER);
    if (refusal?.current) reply.header('etag', `"${refusal.current}"`);
    return reply.code(refusal?.status ?? 500).send({
      reason,
      message: refusal?.message ?? 'the server failed; its log says how',
      ...(refusal?.current !== undefined && { current: refusal.current }),
    });
  });
  server.setNotFoundHandler((request) => {
    throw new Refusal('not-found', `there is no ${request.method} ${request.url.split('?', 1)[0]}; see /openapi.json`);
  });
  const unknown = new Set(Object.keys(handlers));
  for (const operation of operations) {
    const handler = handlers[operation.id];
    if (!handler) throw new Error(`no handler for ${operation.id}`);
    unknown.delete(operation.id);
    addRoute(server, operation, handler, { registers, checkHost });
  }
  if (unknown.size > 0) throw new Error(`no operation for ${[...unknown].join(', ')}`);
  return server;
}

function addRoute(
  server: FastifyInstance,
  operation: Operation,
  handler: Handler,
  { registers, checkHost }: Pick<ServerOptions, 'registers' | 'checkHost'>,
): void {
  const callers = new WeakMap<FastifyRequest, Caller>();
  server.route({
    method: operation.method,
    url: operation.url,
    schema: operation.schema,
    // Before the body is read.
    onRequest: async (request) => {
      if (operation.scope) callers.set(request, authorize(registers, request.headers.authorization, operation.scope));
      else checkHost(request.headers.host);
    },
    preValidation: async (request) => {
      if (operation.schema.body) request.body = parseJson(request.body);
    },
    handler: (request, reply) =>
      handler({
        request,
        reply,
        params: request.params as Call['params'],
        query: request.query as Call['query'],
        caller: callers.get(request) ?? NOBODY,
      }),
  });
}

function parseJson(body: unknown): unknown {
  try {
    return JSON.parse(Buffer.isBuffer(body) ? body.toString() : '');
  } catch {
    throw new Refusal('malformed', 'the body is not JSON');
  }
}

/** A client's mistake that fastify found is a refusal too. */
function refusalOf(error: Error & { statusCode?: number }): Refusal | undefined {
  if (error instanceof Refusal) return error;
  const reason: RefusalReason = error.statusCode === 413 ? 'too-large' : 'malformed';
  return error.statusCode !== undefined && error.statusCode < 500 ? new Refusal(reason, error.message) : undefined;
}
