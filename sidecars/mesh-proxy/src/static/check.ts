/** Whether data from outside has the shape of a configuration: what the types promise to the data path. */
import { ConfigurationRefused } from '#mesh/model/source.ts';

/** What a value may be: a test, which says what is wanted. */
type Check = (value: unknown, where: string) => void;

function fail(where: string, wanted: string): never {
  throw new ConfigurationRefused(`${where}: ${wanted} is wanted`);
}

const text: Check = (value, where) => {
  if (typeof value !== 'string') fail(where, 'a text');
};
const flag: Check = (value, where) => {
  if (typeof value !== 'boolean') fail(where, 'true or false');
};
const number: Check = (value, where) => {
  if (typeof value !== 'number' || !(value >= 0)) fail(where, 'a number from 0 on');
};
const percent: Check = (value, where) => {
  if (typeof value !== 'number' || !(value >= 0 && value <= 100)) fail(where, 'a percentage from 0 to 100');
};
const port: Check = (value, where) => {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 65_535)
    fail(where, 'a port, 1 to 65535');
};
const status: Check = (value, where) => {
  if (!Number.isInteger(value) || (value as number) < 200 || (value as number) > 599)
    fail(where, 'a status, 200 to 599');
};
const oneOf =
  (...values: readonly string[]): Check =>
  (value, where) => {
    if (!values.includes(value as string)) fail(where, `one of ${values.join(', ')}`);
  };
const list =
  (item: Check): Check =>
  (value, where) => {
    if (!Array.isArray(value)) fail(where, 'a list');
    for (const [index, each] of value.entries()) item(each, `${where}[${index}]`);
  };
const map =
  (item: Check): Check =>
  (value, where) => {
    for (const [key, each] of Object.entries(objectOf(value, where))) item(each, `${where}.${key}`);
  };

/** Fields whose names end in `?` may be absent; what is not named is a mistake. */
const object = (fields: Readonly<{ [name: string]: Check | (() => Check) }>): Check => {
  const known = new Map(Object.entries(fields).map(([name, check]) => [name.replace('?', ''), check as Check]));
  const required = Object.keys(fields).filter((name) => !name.endsWith('?'));
  return (value, where) => {
    const given = objectOf(value, where);
    for (const name of required) if (given[name] === undefined) fail(`${where}.${name}`, 'a value');
    for (const [name, each] of Object.entries(given)) {
      const check = known.get(name) ?? fail(`${where}.${name}`, `none but ${[...known.keys()].join(', ')}`);
      if (each !== undefined) check(each, `${where}.${name}`);
    }
  };
};

function objectOf(value: unknown, where: string): Readonly<{ [name: string]: unknown }> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(where, 'an object');
  return value as { [name: string]: unknown };
}

const stringMatch = object({
  'exact?': text,
  'prefix?': text,
  'suffix?': text,
  'contains?': text,
  'regex?': text,
  'ignoreCase?': flag,
});
const headers = list(
  object({ name: text, 'value?': stringMatch, 'range?': object({ from: anyNumber, to: anyNumber }), 'invert?': flag }),
);
function anyNumber(value: unknown, where: string): void {
  if (typeof value !== 'number') fail(where, 'a number');
}
const edits = object({ 'set?': map(text), 'add?': map(text), 'remove?': list(text) });
const rateLimit = object({ maxTokens: number, 'tokensPerFill?': number, fillInterval: number });
const weighted = list(object({ cluster: text, weight: number }));
const protocol = oneOf('auto', 'http', 'tcp');
const mtls = oneOf('STRICT', 'PERMISSIVE', 'DISABLE');

const route = object({
  'name?': text,
  match: object({
    'path?': object({ 'prefix?': text, 'exact?': text, 'regex?': text }),
    'headers?': headers,
    'query?': list(object({ name: text, 'value?': stringMatch })),
    'percent?': percent,
  }),
  'clusters?': weighted,
  'reply?': object({ status, 'body?': text }),
  'timeout?': number,
  'idleTimeout?': number,
  'retry?': object({
    on: list(text),
    'attempts?': number,
    'perTryTimeout?': number,
    'statusCodes?': list(status),
    'backoff?': object({ base: number, max: number }),
  }),
  'mirror?': list(object({ cluster: text, percent })),
  'fault?': object({
    'delay?': object({ percent, duration: number }),
    'abort?': object({ percent, status, 'grpcStatus?': number }),
    'headers?': headers,
  }),
  'cors?': object({
    origins: list(stringMatch),
    'methods?': text,
    'headers?': text,
    'exposeHeaders?': text,
    'maxAge?': text,
    'credentials?': flag,
  }),
  'rateLimit?': rateLimit,
  'hash?': list(object({ 'header?': text, 'source?': flag })),
  'requestHeaders?': edits,
  'responseHeaders?': edits,
  'rewrite?': object({ 'prefix?': text, 'authority?': text }),
});

const cluster = object({
  name: text,
  'service?': object({ name: text, namespace: text, host: text }),
  endpoints: list(
    object({
      address: text,
      port: (value, where) => value === 0 || port(value, where),
      meshed: flag,
      'addresses?': list(text),
      'weight?': number,
      'priority?': number,
      'health?': oneOf('healthy', 'unhealthy', 'draining'),
      'workload?': object({ name: text, namespace: text, 'version?': text }),
    }),
  ),
  'mtls?': object({ identities: list(text) }),
  'policy?': oneOf('LEAST_REQUEST', 'ROUND_ROBIN', 'RING_HASH', 'RANDOM'),
  'connectTimeout?': number,
  'limits?': object({
    'maxConnections?': number,
    'maxPendingRequests?': number,
    'maxRequests?': number,
    'maxRetries?': number,
  }),
  'outlier?': object({
    'consecutive5xx?': number,
    'consecutiveGatewayFailure?': number,
    'interval?': number,
    'baseEjectionTime?': number,
    'maxEjectionTime?': number,
    'maxEjectionPercent?': percent,
    'successRate?': object({ 'minimumHosts?': number, 'requestVolume?': number, 'stdevFactor?': number }),
    'failurePercentage?': object({ threshold: percent, 'minimumHosts?': number, 'requestVolume?': number }),
  }),
  'retryBudget?': object({ percent, minimum: number }),
});

const configuration = object({
  version: text,
  outbound: object({
    unknown: oneOf('ALLOW_ANY', 'REGISTRY_ONLY'),
    listeners: list(
      object({
        name: text,
        port,
        'addresses?': list(text),
        'protocol?': protocol,
        'virtualHosts?': list(object({ name: text, domains: list(text), routes: list(route) })),
        'tcp?': weighted,
      }),
    ),
  }),
  inbound: object({
    mtls,
    'authorization?': object({
      otherwise: oneOf('allow', 'deny'),
      rules: list(
        object({
          name: text,
          action: oneOf('allow', 'deny'),
          'identities?': list(stringMatch),
          'notIdentities?': list(stringMatch),
          'ipBlocks?': list(text),
          'notIpBlocks?': list(text),
          'methods?': list(text),
          'paths?': list(stringMatch),
          'headers?': headers,
          'ports?': list(port),
        }),
      ),
    }),
    'ports?': list(
      object({
        port,
        'protocol?': protocol,
        'mtls?': mtls,
        'rateLimit?': rateLimit,
        'requestHeaders?': edits,
        'responseHeaders?': edits,
      }),
    ),
  }),
  clusters: list(cluster),
  'names?': map(list(text)),
  'telemetry?': object({
    'accessLog?': flag,
    'tracing?': object({ endpoint: text, percent }),
    'tap?': object({ identities: list(text) }),
  }),
});

/** @throws {ConfigurationRefused} with the place that is wrong, and what is wanted there */
export function checkConfiguration(value: unknown): void {
  configuration(value, 'configuration');
}
