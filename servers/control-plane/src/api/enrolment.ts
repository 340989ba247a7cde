/** Where proxies register, renew their leases and get certificates; over TLS, against a join token. */
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { canonicalAddress } from '#kit/net/ip-address.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { RateLimit } from '#kit/time/rate-limit.ts';
import { RequestRefused, type Authority } from '../authority/authority.ts';
import { SERVICE_NAME } from '../policy/schema.ts';
import { RegistryFull, type Claim, type Registry, type ReplicaPhase } from '../registry/registry.ts';
import type { Limit } from '../registry/replica-quota.ts';
import type { Tokens } from '../registry/tokens.ts';
import { spiffeId } from '../xds/resources/state.ts';
import { bearer, createHttpServer, Refused } from './http.ts';

export interface EnrolmentOptions {
  readonly log: Logger;
  readonly tls: { readonly key: string; readonly cert: string };
  readonly tokens: () => Tokens;
  readonly registry: Registry;
  readonly authority: () => Promise<Authority>;
  readonly trustDomain: string;
  readonly namespace: string;
  readonly lease: number;
  /** Certificates that one service may get, as 1000/min. */
  readonly certificateRate: string;
  /** Which other service the policy gives this name to, as a host. */
  readonly ownerOf: (name: string) => string | undefined;
  readonly onRefusal: (reason: string) => void;
  readonly onCertificate: () => void;
}

const PHASE = { type: 'string', enum: ['starting', 'ready', 'draining'] } as const;
const SERVICE = { type: 'string', pattern: SERVICE_NAME } as const;
const REQUEST = { type: 'string', minLength: 1, maxLength: 16_384 } as const;
/** Random, in base64. */
const NONCE = { type: 'string', minLength: 22, maxLength: 128 } as const;
const SECRET = { type: 'string', minLength: 1, maxLength: 128 } as const;
const object = (properties: object, required: string[]) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const JOIN = object(
  {
    service: SERVICE,
    name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$' },
    address: { type: 'string', maxLength: 45 },
    addresses: { type: 'array', maxItems: 16, items: { type: 'string', maxLength: 45 } },
    labels: {
      type: 'object',
      maxProperties: 32,
      propertyNames: { pattern: '^[a-zA-Z0-9._/-]{1,256}$' },
      additionalProperties: { type: 'string', maxLength: 256 },
    },
    ports: {
      type: 'array',
      maxItems: 64,
      items: object(
        {
          port: { type: 'integer', minimum: 1, maximum: 65_535 },
          protocol: { type: 'string', enum: ['auto', 'http', 'grpc', 'tcp'] },
        },
        ['port', 'protocol'],
      ),
    },
    phase: PHASE,
  },
  ['service', 'name', 'phase'],
);

/** How a refusal for want of room is counted, and told. */
const FULL: Readonly<Record<Limit, { readonly reason: string; readonly parameter: string }>> = {
  service: { reason: 'service-full', parameter: 'CONTROL_MAX_REPLICAS_PER_SERVICE' },
  peer: { reason: 'address-full', parameter: 'CONTROL_MAX_REPLICAS_PER_ADDRESS' },
  all: { reason: 'full', parameter: 'CONTROL_MAX_REPLICAS' },
};

interface JoinBody {
  service: string;
  name: string;
  address?: string;
  addresses?: string[];
  labels?: Record<string, string>;
  ports?: Claim['ports'];
  phase: ReplicaPhase;
}

/** Make the server; it does not listen yet. */
export function createEnrolment(options: EnrolmentOptions): FastifyInstance {
  const { log, tls, registry, authority, trustDomain, namespace, lease } = options;
  const server = createHttpServer(log, tls);
  const certificates = new RateLimit(options.certificateRate);

  const admit = (request: FastifyRequest, service: string): void => {
    const found = options.tokens().check(bearer(request.headers.authorization), service);
    if (typeof found === 'object') return;
    options.onRefusal(found);
    log.warn({ service, address: request.ip, reason: found }, 'a proxy was refused');
    throw found === 'unknown'
      ? new Refused(401, 'the join token is not known here')
      : new Refused(403, `the join token is not for the service ${service}`);
  };

  server.post<{ Body: { service: string; request: string } }>(
    '/v1/certificates',
    { schema: { body: object({ service: SERVICE, request: REQUEST }, ['service', 'request']) } },
    async (request, reply) => {
      const { body } = request;
      admit(request, body.service);
      const wait = certificates.take(body.service);
      if (wait > 0) {
        options.onRefusal('certificate-rate');
        reply.header('retry-after', Math.ceil(wait / 1000));
        throw new Refused(429, `the service ${body.service} gets ${options.certificateRate} certificates: wait`);
      }
      const id = spiffeId({ trustDomain, namespace }, body.service);
      try {
        const signing = await authority();
        const leaf = await signing.sign(body.request, id);
        options.onCertificate();
        log.info({ spiffeId: id, notAfter: new Date(leaf.notAfter).toISOString() }, 'a certificate was issued');
        return await reply.code(201).send({ spiffeId: id, ...leaf, trustBundle: signing.roots });
      } catch (error) {
        if (!(error instanceof RequestRefused)) throw error;
        options.onRefusal('bad-request');
        throw new Refused(422, error.message);
      }
    },
  );

  // For a proxy that does not trust this server yet, or any more: it sends no token, and believes what a token proves.
  server.post<{ Body: { service: string; nonce: string } }>(
    '/v1/roots',
    { schema: { body: object({ service: SERVICE, nonce: NONCE }, ['service', 'nonce']) } },
    async ({ body: { service, nonce } }) => {
      const { roots } = await authority();
      return { roots, proofs: options.tokens().proofs(service, nonce, roots) };
    },
  );

  server.post<{ Body: JoinBody }>('/v1/replicas', { schema: { body: JOIN } }, async (request, reply) => {
    const { service, name, labels = {}, ports = [], phase } = request.body;
    admit(request, service);
    const owner = options.ownerOf(service);
    if (owner !== undefined) {
      options.onRefusal('name-taken');
      log.warn({ service, replica: name, owner }, 'a replica was refused: its service has the name of a host');
      throw new Refused(
        409,
        `${service} is a host of the service ${owner} in the policy: register as that, or rename one`,
      );
    }
    // As the control plane sees it, which is how others of the network reach it, too.
    const peer = canonicalAddress(request.ip);
    const address = canonicalAddress(request.body.address ?? request.ip);
    const all = (request.body.addresses ?? []).map(canonicalAddress);
    // Behind a NAT its own addresses are other machines' elsewhere.
    const addresses = all.includes(peer) ? all.filter((each) => each !== address) : [];
    for (const each of [address, ...addresses])
      // With a zone it is an address for one machine alone.
      if (isIP(each) === 0 || each.includes('%'))
        throw new Refused(422, `${each} is no IP address that others could reach`);
    try {
      const { replica, secret } = registry.join({ service, name, address, addresses, peer, labels, ports, phase });
      log.info({ service, replica: name, address, phase }, 'a replica registered');
      return await reply.code(201).send({ id: replica.id, secret, lease });
    } catch (error) {
      if (!(error instanceof RegistryFull)) throw error;
      const { reason, parameter } = FULL[error.limit];
      options.onRefusal(reason);
      log.warn({ service, replica: name, address: peer, reason }, 'a replica was refused: there is no room');
      const where = { service: `of the service ${service}`, peer: `from ${peer}`, all: 'in all' }[error.limit];
      throw new Refused(
        503,
        `there are ${error.most} replicas ${where}, as many as ${parameter} of the control plane allows: ` +
          `raise it, or wait until some leave or their leases (${lease / 1000} s) lapse`,
      );
    }
  });

  server.put<{ Params: { id: string }; Body: { secret: string; phase: ReplicaPhase } }>(
    '/v1/replicas/:id',
    { schema: { body: object({ secret: SECRET, phase: PHASE }, ['secret', 'phase']) } },
    async ({ params, body }) => {
      if (!registry.renew(params.id, body.secret, body.phase))
        throw new Refused(404, 'there is no such lease: register again');
      return { lease };
    },
  );

  server.delete<{ Params: { id: string }; Body: { secret: string } }>(
    '/v1/replicas/:id',
    { schema: { body: object({ secret: SECRET }, ['secret']) } },
    async ({ params, body }, reply) => {
      if (!registry.leave(params.id, body.secret)) throw new Refused(404, 'there is no such lease');
      return await reply.code(204).send();
    },
  );
  return server;
}
