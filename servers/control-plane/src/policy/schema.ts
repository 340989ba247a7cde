/** The policy file's shape, as JSON Schema 2020-12. */
import type { Schema } from '@cfworker/json-schema';
import { RETRY_CONDITIONS } from '#mesh/model/policy.ts';

const object = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const list = (items: Schema, minItems = 0): Schema => ({ type: 'array', items, minItems, maxItems: 1000 });
const map = (values: Schema, keys: string): Schema => ({
  type: 'object',
  propertyNames: { pattern: keys },
  additionalProperties: values,
});
const oneOf = (...values: string[]): Schema => ({ type: 'string', enum: values });
const whole = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum });

/** RFC 1123's label: it becomes part of a SPIFFE id and of a DNS name. */
export const SERVICE_NAME = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$';
const HOST = '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$';
const TOKEN = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$";

const port = whole(1, 65_535);
const count = whole(0, 4_294_967_295);
const positive = whole(1, 4_294_967_295);
/** As numbers of JavaScript hold them exactly. */
const anyWhole = whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
const percent: Schema = { type: 'number', minimum: 0, maximum: 100 };
const text: Schema = { type: 'string', minLength: 1, maxLength: 4096 };
/** It becomes part of a request's head. */
const inHeader: Schema = { ...text, pattern: '^[^\\u0000-\\u001f\\u007f]*$' };
const service: Schema = { type: 'string', pattern: SERVICE_NAME };
const header: Schema = { type: 'string', pattern: TOKEN };
/** `durations.ts` says how long one may be, and where one may be 0. */
const DURATION: Schema = { type: 'string', pattern: '^\\d{1,9}(\\.\\d{1,6})?(ms|s|m|h)$' };
const mtls = oneOf('STRICT', 'PERMISSIVE', 'DISABLE');

const kinds = { exact: text, prefix: text, suffix: text, contains: text, regex: text };
const headerMatch = object(
  {
    name: { type: 'string', pattern: '^:?[A-Za-z0-9_-]{1,256}$' },
    invert: { type: 'boolean' },
    present: { const: true },
    ...kinds,
    range: object({ from: anyWhole, to: anyWhole }, ['from', 'to']),
  },
  ['name'],
);
const queryMatch = object({ name: text, ...kinds }, ['name']);
const headerValues = map({ type: 'string', maxLength: 4096, pattern: '^[^\\r\\n\\0]*$' }, TOKEN);
const headerEdits = object({ set: headerValues, add: headerValues, remove: list(header) });
const rateLimit = object({ requests: positive, per: DURATION, burst: positive }, ['requests', 'per']);

const route = object({
  name: service,
  port,
  match: object({
    path: { ...object({ prefix: text, exact: text, regex: text }), minProperties: 1, maxProperties: 1 },
    methods: list({ type: 'string', pattern: '^[A-Z-]{1,32}$' }, 1),
    headers: list(headerMatch, 1),
    query: list(queryMatch, 1),
    from: list(service, 1),
    percent,
  }),
  to: list(object({ service, subset: service, weight: whole(0, 1_000_000) }, ['weight']), 1),
  reply: object({ status: whole(200, 599), body: { type: 'string', maxLength: 4096 } }, ['status']),
  timeout: DURATION,
  idleTimeout: DURATION,
  retry: object(
    {
      on: list(oneOf(...RETRY_CONDITIONS), 1),
      attempts: whole(1, 10),
      perTryTimeout: DURATION,
      statusCodes: list(whole(100, 599), 1),
      backoff: object({ base: DURATION, max: DURATION }, ['base', 'max']),
    },
    ['on'],
  ),
  mirror: list(object({ service, subset: service, percent }, ['percent']), 1),
  fault: object({
    delay: object({ percent, duration: DURATION }, ['percent', 'duration']),
    abort: object({ percent, status: whole(200, 599), grpcStatus: whole(0, 16) }, ['percent']),
    headers: list(headerMatch, 1),
  }),
  rateLimit,
  hash: list({ ...object({ header, source: { const: true } }), minProperties: 1, maxProperties: 1 }, 1),
  requestHeaders: headerEdits,
  responseHeaders: headerEdits,
  cors: object(
    {
      origins: list({ ...object(kinds), minProperties: 1, maxProperties: 1 }, 1),
      methods: list({ type: 'string', pattern: '^[A-Z-]{1,32}$' }, 1),
      headers: list(header, 1),
      exposeHeaders: list(header, 1),
      maxAge: DURATION,
      credentials: { type: 'boolean' },
    },
    ['origins'],
  ),
  rewrite: object({ prefix: inHeader, authority: inHeader }),
});

const rule = object(
  {
    name: service,
    action: oneOf('allow', 'deny'),
    from: list(text, 1),
    notFrom: list(text, 1),
    ipBlocks: list(text, 1),
    notIpBlocks: list(text, 1),
    methods: list({ type: 'string', pattern: '^[A-Z-]{1,32}$' }, 1),
    paths: list(text, 1),
    headers: list(headerMatch, 1),
    ports: list(port, 1),
  },
  ['name', 'action'],
);

const servicePolicy = object({
  hosts: list({ type: 'string', pattern: HOST }),
  ports: list(
    object(
      {
        port,
        protocol: oneOf('auto', 'http', 'grpc', 'tcp'),
        mtls,
        rateLimit,
        requestHeaders: headerEdits,
        responseHeaders: headerEdits,
      },
      ['port', 'protocol'],
    ),
    1,
  ),
  mtls,
  endpoints: list({ type: 'string', pattern: '^[0-9A-Za-z.:_-]{1,253}$' }, 1),
  subsets: map(map({ type: 'string', maxLength: 256 }, '^[a-zA-Z0-9._/-]{1,256}$'), SERVICE_NAME),
  balancing: oneOf('LEAST_REQUEST', 'ROUND_ROBIN', 'RING_HASH', 'RANDOM'),
  trafficDistribution: oneOf('PreferSameZone'),
  connectTimeout: DURATION,
  limits: object({ connections: count, pending: count, requests: count, retries: count }),
  retryBudget: object({ percent, minimum: count }, ['percent', 'minimum']),
  outlier: object({
    consecutive5xx: count,
    consecutiveGatewayFailure: count,
    interval: DURATION,
    baseEjectionTime: DURATION,
    maxEjectionTime: DURATION,
    maxEjectionPercent: whole(0, 100),
    successRate: object({ minimumHosts: count, requestVolume: count, stdevFactor: count }),
    failurePercentage: object({ threshold: whole(0, 100), minimumHosts: count, requestVolume: count }, ['threshold']),
  }),
  routes: list(route, 1),
  authorization: object({ otherwise: oneOf('allow', 'deny'), rules: list(rule) }, ['rules']),
});

export const POLICY_SCHEMA: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  ...object({
    mesh: object({
      outbound: oneOf('ALLOW_ANY', 'REGISTRY_ONLY'),
      mtls,
      authorization: oneOf('allow', 'deny'),
      accessLog: { type: 'boolean' },
      tracing: object({ endpoint: { type: 'string', pattern: '^https?://[^\\s]+$' }, percent }, [
        'endpoint',
        'percent',
      ]),
      tap: list(text),
    }),
    services: map(servicePolicy, SERVICE_NAME),
  }),
};
