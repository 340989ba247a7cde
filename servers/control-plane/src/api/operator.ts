/** For people and pages: the mesh as a graph, the policy in force, and splits that can be moved. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '#kit/telemetry/log.ts';
import { SplitRefused } from '../mesh/mesh.ts';
import { POLICY_SCHEMA } from '../policy/schema.ts';
import { bearer, createHttpServer, Refused } from './http.ts';

export interface OperatorOptions {
  readonly log: Logger;
  readonly token: string;
  readonly graph: () => unknown;
  readonly policy: () => unknown;
  /** @throws {SplitRefused} */
  readonly split: (service: string, route: string, weights: Record<string, number>) => Promise<void>;
  readonly unsplit: (service: string, route: string) => Promise<boolean>;
}

const WEIGHTS = {
  type: 'object',
  minProperties: 1,
  maxProperties: 100,
  additionalProperties: { type: 'integer', minimum: 0, maximum: 1_000_000 },
} as const;

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Make the server; it does not listen yet. */
export function createOperatorApi(options: OperatorOptions): FastifyInstance {
  const server = createHttpServer(options.log);
  const digest = digestOf(options.token);
  server.addHook('onRequest', async ({ headers, method }) => {
    // A page of another origin that resolves its own name to us (DNS rebinding) sends its own name.
    if (!isPlainHost(headers.host)) throw new Refused(403, `this is not served under the name ${headers.host}`);
    if (method !== 'GET' && method !== 'HEAD' && !timingSafeEqual(digest, digestOf(bearer(headers.authorization))))
      throw new Refused(401, "this is not the operator's token");
  });
  server.get('/api/graph', () => options.graph());
  server.get('/api/policy', () => options.policy());
  server.get('/api/policy/schema', () => POLICY_SCHEMA);
  server.put<{ Params: { service: string; route: string }; Body: Record<string, number> }>(
    '/api/splits/:service/:route',
    { schema: { body: WEIGHTS } },
    async ({ params: { service, route }, body }) => {
      try {
        await options.split(service, route, body);
      } catch (error) {
        throw error instanceof SplitRefused ? new Refused(error.status, error.message) : error;
      }
      options.log.info({ service, route, weights: body }, 'a split was changed');
      return { service, route, weights: body };
    },
  );
  server.delete<{ Params: { service: string; route: string } }>(
    '/api/splits/:service/:route',
    async ({ params: { service, route } }, reply) => {
      if (!(await options.unsplit(service, route)))
        throw new Refused(404, `no split of ${service} ${route} was changed`);
      return await reply.code(204).send();
    },
  );
  return server;
}

/** Addresses, localhost, and names without a dot, which no public page has. */
function isPlainHost(host = ''): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return name === 'localhost' || isIP(name) > 0 || /^[A-Za-z0-9-]+$/.test(name);
}
