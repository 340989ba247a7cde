/** What the control plane's two HTTP servers share: errors told as a sentence, bounded requests, no caching. */
import fastify, { type FastifyInstance } from 'fastify';
import { limitConnections } from '#kit/net/connection-limit.ts';
import type { Logger } from '#kit/telemetry/log.ts';

/** The request is refused; the message is for its sender. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const MAX_BODY = 64 * 1024;
const MAX_CONNECTIONS = 1024;
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

const OPTIONS = {
  bodyLimit: MAX_BODY,
  forceCloseConnections: true,
  requestTimeout: 30_000,
  routerOptions: { maxParamLength: 256 },
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
} as const;

/**
 * Make a server; it does not listen yet.
 * @param tls key and certificate, for HTTPS
 */
export function createHttpServer(log: Logger, tls?: { key: string; cert: string }): FastifyInstance {
  const server = (tls
    ? fastify({ ...OPTIONS, https: { ...tls, minVersion: 'TLSv1.3' } })
    : fastify(OPTIONS)) as unknown as FastifyInstance;
  limitConnections(server.server, MAX_CONNECTIONS);
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
  server.setErrorHandler((error: Error & { statusCode?: number; status?: number }, request, reply) => {
    const status = error.status ?? error.statusCode ?? 500;
    if (status >= 500 && status !== 503)
      log.error({ err: error, method: request.method, url: request.url }, 'request failed');
    const sentence = status === 500 ? 'the control plane failed; its log says how' : error.message;
    return reply.code(status).send({ error: sentence });
  });
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `there is no ${request.method} ${request.url.split('?', 1)[0]}` }),
  );
  return server;
}

/**
 * The token of `authorization: Bearer TOKEN`.
 * @throws {Refused}
 */
export function bearer(header: string | undefined): string {
  const [, token] = /^Bearer ([^\s]{1,512})$/i.exec(header ?? '') ?? [];
  if (token === undefined) throw new Refused(401, 'authorization: Bearer TOKEN is missing');
  return token;
}
